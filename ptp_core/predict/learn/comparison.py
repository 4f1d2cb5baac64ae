"""Learning to compare against its baselines on the same splits: is the learned model worth having?"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ptp_core.predict.learn.features import configuration_columns
from ptp_core.predict.learn.learned import Split, Trial, try_best_single, try_learned
from ptp_core.predict.quantities import Floats, Measured
from ptp_core.spec.select import Select
from ptp_core.stats.splits import SplitMean, corrected_mean, random_splits

SPLIT_STREAM = 3


def compare_learners(
    data: Measured, learners: tuple[str, ...], has: NDArray[np.bool_], outcome: Floats, select: Select
) -> tuple[dict[str, Any], Floats]:
    """The JSON block ``learned`` and each variant's Borda share, for the variants marked in ``has``.

    ``outcome`` (n,) belongs to those variants, larger is better. Three comparisons see the same splits: CatBoost on
    the indicators named in ``learners``, the same learner on the configuration, and the one of these indicators that is
    best on the training side. Quantities of one headline say much the same, and every further column is a chance to
    fit noise: a few dozen pairs hold little, so ``learners`` are best kept few.
    The Borda share is the share of test opponents that CatBoost says a variant beats, over the splits that test it.
    """
    n = len(outcome)
    rng = np.random.default_rng([select.seed, SPLIT_STREAM])
    splits = random_splits(n, splits=select.splits, train_share=select.train_share, rng=rng)
    signed = {name: data.indicators[name].goodness[has] for name in learners}
    columns = np.column_stack(list(signed.values())) if signed else np.empty((n, 0))
    learned = _try(columns, outcome, splits, select.seed)
    config = _try(_configuration(data, has), outcome, splits, select.seed)
    single, names = try_best_single(signed, outcome, splits)

    def mean(values: Floats) -> SplitMean:
        train, test = splits[0]
        return corrected_mean(values, n_train=len(train), n_test=len(test), confidence=select.confidence)

    return {
        "catboost": _block(mean(learned.accuracies)),
        "config_only": _block(mean(config.accuracies)),
        "best_single": _block(mean(single)) | {"names": names},
        "indicators": list(learners),
        "p_vs_best_single": mean(learned.accuracies - single).p,
        "p_vs_config_only": mean(learned.accuracies - config.accuracies).p,
    }, learned.borda


def _configuration(data: Measured, has: NDArray[np.bool_]) -> Floats:
    numbers = {name: values[has] for name, values in data.numbers.items()}
    words = {name: [values[i] for i in np.flatnonzero(has)] for name, values in data.words.items()}
    return configuration_columns(numbers, words, int(has.sum()))


def _try(columns: Floats, outcome: Floats, splits: list[Split], seed: int) -> Trial:
    """No columns, no comparison: NaN rather than a coin's accuracy."""
    if not columns.shape[1]:
        return Trial(np.full(len(splits), np.nan), np.full(len(outcome), np.nan))
    return try_learned(columns, outcome, splits, seed)


def _block(result: SplitMean) -> dict[str, Any]:
    low, high = result.interval
    # The t interval knows no bounds, an accuracy does.
    interval = [low, high] if math.isnan(low) else [max(0.0, low), min(1.0, high)]
    return {"mean": result.mean, "sd": result.sd, "ci95": interval, "n_splits": result.n_splits}
