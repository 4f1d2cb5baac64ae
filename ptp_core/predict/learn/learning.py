"""Learning to compare one outcome's variants: the learners, what they have to beat, and how far they carry."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ptp_core.predict.case import Case
from ptp_core.predict.learn.calibration import calibration
from ptp_core.predict.learn.curve import learning_curve
from ptp_core.predict.learn.features import configuration_columns, indicator_columns
from ptp_core.predict.learn.held_out import leave_family_out, leave_one_out
from ptp_core.predict.learn.importance import importance
from ptp_core.predict.learn.numbers import accuracy_block, difference_block
from ptp_core.predict.learn.trials import (
    Trial,
    attempt,
    borda,
    placed_by_splits,
    side_accuracy,
    try_best_single,
    try_column,
    try_sum,
)
from ptp_core.predict.quantities import Floats
from ptp_core.predict.splits import Split, splits_of
from ptp_core.spec.select import Select

Report = Callable[[str, float], None]

RIVALS = ("best_single", "setting", "config_only", "sum", "logistic", "mlp")
"""What learning to compare has to beat to be worth its while."""


@dataclass(frozen=True)
class Learned:
    """The JSON block ``learned`` and, (n,) each, what a learner says of the variants; larger is better."""

    block: dict[str, Any]
    borda: Floats
    """Share of test opponents that CatBoost says a variant beats; NaN where nothing could be learned."""
    out_of_fold: Floats
    """Expected place among the other variants, by models that have not seen this variant's outcome; NaN as above."""


def learn(
    case: Case, learners: tuple[str, ...], select: Select, *, thorough: bool = True, report: Report | None = None
) -> Learned:
    """Fit and judge every learner on the same random splits of the variants; ``learners`` names the indicators.

    Quantities of one headline say much the same, and every further column is a chance to fit noise: a few dozen pairs
    hold little, so ``learners`` are best kept few. ``thorough`` adds the places of left-out variants and families, the
    learning curve, calibration and importance. ``report`` is told what is being done and the share that is behind.
    """
    tell = report or (lambda what, share: None)
    splits, n = splits_of(len(case.variants), select), len(case.variants)
    tell("random splits", 0.0)
    accuracies, trial, names = _models(case, learners, splits, select)
    blocks = {name: accuracy_block(values, splits[0], select) for name, values in accuracies.items()}
    for name, more in names.items():
        blocks[name] |= more
    block: dict[str, Any] = {
        "models": blocks,
        "comparisons": [
            difference_block(ours, rival, accuracies[ours] - accuracies[rival], splits[0], select)
            for ours in ("catboost", "catboost_config")
            for rival in RIVALS
        ],
        "indicators": list(learners),
        "n_train": len(splits[0][0]),
        "n_test": len(splits[0][1]),
    }
    if not learners:
        return Learned(block, np.full(n, np.nan), np.full(n, np.nan))
    placed = placed_by_splits(trial, case.goodness, splits) if not thorough else None
    if placed is None:
        more, placed = _thorough(case, learners, splits, trial, accuracies["best_single"], select, tell)
        block |= more
    tell("done", 1.0)
    return Learned(block, borda(trial, splits, n, select.seed), placed)


def _models(
    case: Case, learners: Sequence[str], splits: Sequence[Split], select: Select
) -> tuple[dict[str, Floats], Trial, dict[str, dict[str, Any]]]:
    """Accuracies (splits,) of every model, the trial of CatBoost on the indicators, and who was chosen where."""
    outcome, seed = case.goodness, select.seed
    indicators, settings = indicator_columns(case, learners), configuration_columns(case)
    unknown = np.full(len(splits), np.nan)

    def tried(columns: Floats, known: bool = True, learner: str = "catboost") -> Floats:
        """No columns, no comparison: NaN rather than a coin's accuracy."""
        return attempt(columns, outcome, splits, seed, learner).accuracies if known else unknown

    trial = attempt(indicators, outcome, splits, seed)
    has_indicators, has_settings = bool(indicators.shape[1]), bool(settings.shape[1])
    signed = {name: case.indicators[name].goodness for name in learners}
    single, times = try_best_single(signed, outcome, splits, seed)
    setting = best_setting(case, seed)
    accuracies = {
        "catboost": trial.accuracies if has_indicators else unknown,
        "catboost_config": tried(np.hstack([indicators, settings]), has_indicators and has_settings),
        "config_only": tried(settings, has_settings),
        "logistic": tried(indicators, has_indicators, "logistic"),
        "mlp": tried(indicators, has_indicators, "mlp"),
        "best_single": single,
        "sum": try_sum(indicators, outcome, splits, seed),
        "setting": try_column(case.numbers[setting], outcome, splits, seed) if setting else unknown,
    }
    return accuracies, trial, {"best_single": {"names": times}, "setting": {"name": setting}}


def best_setting(case: Case, seed: int) -> str | None:
    """The numeric setting, larger is better, that orders most pairs of all variants rightly; None: there is none.

    It is chosen with the test sides in view: the one advantage that a baseline may have.
    """
    everyone = np.arange(len(case.variants))
    found = {name: side_accuracy(values, case.goodness, everyone, seed) for name, values in case.varied.items()}
    judged = {name: accuracy for name, accuracy in found.items() if not np.isnan(accuracy)}
    return max(judged, key=lambda name: judged[name]) if judged else None


def _thorough(
    case: Case,
    learners: Sequence[str],
    splits: Sequence[Split],
    trial: Trial,
    single: Floats,
    select: Select,
    tell: Report,
) -> tuple[dict[str, Any], Floats]:
    """The further blocks, and each variant's place by a model that has not seen it."""
    columns, outcome = indicator_columns(case, learners), case.goodness
    tell("leaving variants out", 0.4)
    one_out, placed = leave_one_out(columns, outcome, select)
    tell("leaving families out", 0.6)
    families = leave_family_out(case, columns, select)
    tell("learning from fewer variants", 0.7)
    curve = learning_curve(case, learners, splits, trial, single, select)
    tell("what the model leans on", 0.9)
    return {
        "leave_one_out": one_out,
        "leave_family_out": families,
        "learning_curve": curve,
        "calibration": calibration(trial, outcome, splits, select.seed),
        "importance": importance(learners, trial, outcome, splits, select),
    }, placed
