"""Which indicators a learned comparison leans on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ptp_core.predict.learn.features import unordered_pairs
from ptp_core.predict.learn.learned import Comparator, share_right
from ptp_core.predict.learn.numbers import over_splits
from ptp_core.predict.learn.trials import Trial
from ptp_core.predict.parallel import side_by_side
from ptp_core.predict.quantities import Floats
from ptp_core.predict.splits import Split
from ptp_core.spec.select import Select

SHUFFLES = 5
MOST_PAIRS = 1_000
"""Test pairs of a split that are asked again for each shuffle at most, drawn at random."""

SHUFFLE_STREAM, PAIRS_STREAM = 26, 27


def importance(
    names: Sequence[str], trial: Trial, outcome: Floats, splits: Sequence[Split], select: Select
) -> list[dict[str, Any]]:
    """The JSON block ``importance``: test accuracy lost when an indicator is shuffled among the test variants.

    Permutation importance (Breiman 2001) without fitting anew, mean over shuffles and splits, with the interval of
    overlapping splits. Estimand: what the fitted models make of an indicator. Of two that say the same each may seem
    dispensable, and a drop below 0 is noise. ``names`` are the columns of ``trial``.
    """

    def one(number: int) -> Floats:
        return _drops(trial.comparators[number], outcome, splits[number], np.array([select.seed, number]))

    drops = np.stack(side_by_side(one, range(len(splits))))  # (splits, columns)
    found = [over_splits(drops[:, k], splits[0], select) for k in range(len(names))]
    return [
        {"name": name, "drop": mean.mean, "ci95": list(mean.interval)} for name, mean in zip(names, found, strict=True)
    ]


def _drops(prefers: Comparator, outcome: Floats, split: Split, seed: np.ndarray) -> Floats:
    """(columns,): accuracy of one test side less its mean over shuffles of each column."""
    test = split[1]
    first, second = unordered_pairs(test)
    if len(first) > MOST_PAIRS:
        kept = np.random.default_rng([*seed, PAIRS_STREAM]).choice(len(first), MOST_PAIRS, replace=False)
        first, second = first[kept], second[kept]
    difference = outcome[first] - outcome[second]
    whole = share_right(prefers(first, second) - 0.5, difference)
    rng = np.random.default_rng([*seed, SHUFFLE_STREAM])
    orders = [rng.permutation(test) for _ in range(SHUFFLES)]
    drops = np.empty(prefers.unit.shape[1])
    for column in range(len(drops)):
        shuffled = []
        for order in orders:
            unit = prefers.unit.copy()
            unit[test, column] = unit[order, column]
            shuffled.append(share_right(replace(prefers, unit=unit)(first, second) - 0.5, difference))
        drops[column] = whole - np.mean(shuffled)
    return drops
