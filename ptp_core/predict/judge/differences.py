"""Which of two indicators is the more accurate one, and is an indicator more accurate than a setting is by itself?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ptp_core.predict.case import Case
from ptp_core.predict.judge.terms import Mask, Terms
from ptp_core.predict.quantities import Floats
from ptp_core.stats.pairs import pairwise_accuracy

MOST = 8
"""So many columns are compared, the most accurate ones: 28 pairs of them."""


def differences(
    case: Case, names: tuple[str, ...], configuration: Mapping[str, Mapping[str, Any]], terms: Terms
) -> list[dict[str, Any]]:
    """accuracy(a) - accuracy(b) for all pairs of the indicators ``names`` and the most accurate numeric setting.

    Both accuracies are over the pairs of unequal outcome among the variants that have all the columns compared; a
    column that more than half of the variants lack is not compared. The error of the difference is over variants, each
    paired with itself: what both columns get right adds nothing (``difference_tests``). Null hypothesis of ``p``: both
    are equally accurate. The setting was chosen because it is the most accurate one, which flatters it; ``p`` is not
    corrected for that, nor for the number of comparisons. ``a`` is the more accurate one.
    """
    columns = _columns(case, names, configuration)
    known = np.all([np.isfinite(column) for column in columns.values()], axis=0) if columns else np.zeros(0, bool)
    if known.sum() < 3 or np.ptp(terms.outcome[known]) == 0:
        return []
    point = {name: pairwise_accuracy(column[known], terms.outcome[known]).accuracy for name, column in columns.items()}
    order = sorted(point, key=lambda name: (-point[name], name))[:MOST]
    return _tests({name: columns[name] for name in order}, known, terms)


def _columns(case: Case, names: tuple[str, ...], configuration: Mapping[str, Mapping[str, Any]]) -> dict[str, Floats]:
    columns = {name: case.indicators[name].goodness for name in names}
    judged = {name: block["accuracy"] for name, block in configuration.items() if np.isfinite(block["accuracy"])}
    if judged:
        setting = min(judged, key=lambda name: (-judged[name], name))
        columns.setdefault(setting, case.numbers[setting])
    columns = {name: column for name, column in columns.items() if np.isfinite(column).mean() >= 0.5}
    # Columns known for other variants each may leave none that has them all: the one most often missing goes.
    while columns and np.all([np.isfinite(column) for column in columns.values()], axis=0).mean() < 0.5:
        columns.pop(min(columns, key=lambda name: (np.isfinite(columns[name]).sum(), name)))
    return columns


def _tests(columns: Mapping[str, Floats], known: Mask, terms: Terms) -> list[dict[str, Any]]:
    from ptp_core.stats.differences import difference_tests

    names, terms = list(columns), terms.at(known)
    pairs = np.column_stack(np.triu_indices(len(names), k=1))
    matrix = np.column_stack([column[known] for column in columns.values()])
    tests = difference_tests(matrix, terms.outcome, pairs, terms.select.confidence, clusters=terms.clusters)
    return [
        {
            "a": names[first],
            "b": names[second],
            "difference": float(test.difference),
            "ci95": [float(test.low), float(test.high)],
            "p": float(test.p),
        }
        for (first, second), test in zip(pairs.tolist(), tests, strict=True)
    ]
