"""Variants placed by models that have not seen them: each by itself, and each family of variants as a whole.

The model without i remembers the outcome of j, the model without j that of i: their mean orders 72 % of pairs rightly
from columns of pure noise. So a held-out variant gets one number, its expected place among the known ones, in which
what is remembered of each averages out, and pairs compare places.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ptp_core.predict.case import Case
from ptp_core.predict.learn.features import Indices, unordered_pairs
from ptp_core.predict.learn.learned import comparator, placement, share_right
from ptp_core.predict.parallel import side_by_side
from ptp_core.predict.quantities import Floats
from ptp_core.spec.select import Select
from ptp_core.stats.intervals import jackknife_intervals

MOST_SINGLE_FOLDS, FOLDS = 100, 20
"""Up to so many variants each is left out by itself; of more, this many folds are."""

MOST_LEVELS, MIN_KNOWN, MIN_SHARE = 12, 6, 0.5
"""A column of more repeated values has no families; a family that leaves fewer variants to learn from is not held out;
families of a smaller share of all variants are exceptions that say little."""

MOST_FAMILY_FITS = 24
"""Fits spent on families at most: of further configuration columns, those with the most levels are not tried."""

FOLD_STREAM = 24


def places(columns: Floats, outcome: Floats, folds: Sequence[Indices], seed: int) -> Floats:
    """(n,): each variant's place among all outside its fold, by a model fitted without its fold; NaN in no fold."""

    def one(fold: Indices) -> Floats:
        known = np.setdiff1d(np.arange(len(outcome)), fold)
        return placement(comparator(columns, outcome, known, seed), outcome, fold, known)

    placed = np.full(len(outcome), np.nan)
    for fold, values in zip(folds, side_by_side(one, folds), strict=True):
        placed[fold] = values
    return placed


def leave_one_out(columns: Floats, outcome: Floats, select: Select) -> tuple[dict[str, Any], Floats]:
    """The JSON block ``leave_one_out`` and the places (n,) behind it.

    Estimand: the accuracy with which new variants are placed among n - 1 whose outcomes are known. A good variant lifts
    the places of its neighbours and not its own, so unrelated columns score somewhat below 1/2 (.47 for 20 variants).
    The interval takes the variants' places as fixed: it leaves out that other variants teach another model.
    """
    n = len(outcome)
    order = np.random.default_rng([select.seed, FOLD_STREAM]).permutation(n)
    folds = [np.sort(fold) for fold in np.array_split(order, n if n <= MOST_SINGLE_FOLDS else FOLDS)]
    placed = places(columns, outcome, folds, select.seed)
    found = _judged(placed, outcome, select)
    return found | {"n_folds": len(folds), "n_variants": n}, placed


def leave_family_out(case: Case, columns: Floats, select: Select) -> list[dict[str, Any]]:
    """The JSON block ``leave_family_out``: one entry for each configuration column with 2 to 12 repeated values.

    All variants of one value are held out together and placed among the rest; pairs within a value and between two
    values count. ``accuracy`` is over all pairs of variants that were held out, a level's over pairs with at least one
    of its variants. The interval takes the variants' places as fixed, and says nothing of further values.
    """
    factors = {name: levels for name in case.settings if (levels := _levels(case, name))}
    blocks, fits = [], 0
    for name, levels in sorted(factors.items(), key=lambda item: len(item[1])):
        fits += len(levels)
        if fits <= MOST_FAMILY_FITS:
            placed = places(columns, case.goodness, list(levels.values()), select.seed)
            blocks.append(_family(name, levels, placed, case.goodness, select))
    return sorted(blocks, key=lambda block: case.settings.index(block["factor"]))


def _levels(case: Case, column: str) -> dict[str, Indices]:
    """Value -> variants, for values of two variants or more; none when the column makes no families."""
    codes = case.codes(column)
    assert codes is not None
    found = {}
    for code in range(codes.max(initial=-1) + 1):
        members = np.flatnonzero(codes == code)
        if len(members) > 1 and len(codes) - len(members) >= MIN_KNOWN:
            found[_value(case, column, members[0])] = members
    covered = sum(map(len, found.values())) >= MIN_SHARE * len(codes)
    return found if covered and 2 <= len(found) <= MOST_LEVELS else {}


def _value(case: Case, column: str, variant: int) -> str:
    return f"{case.numbers[column][variant]:g}" if column in case.numbers else case.words[column][variant]


def _family(factor: str, levels: dict[str, Indices], placed: Floats, outcome: Floats, select: Select) -> dict[str, Any]:
    first, second = unordered_pairs(np.flatnonzero(np.isfinite(placed)))
    rows = []
    for value, members in levels.items():
        touched = np.isin(first, members) | np.isin(second, members)
        i, j = first[touched], second[touched]
        row = {"value": value, "accuracy": share_right(placed[i] - placed[j], outcome[i] - outcome[j])}
        rows.append(row | {"n_variants": len(members), "n_pairs": int((outcome[i] != outcome[j]).sum())})
    n_pairs = int((outcome[first] != outcome[second]).sum())
    return {"factor": factor} | _judged(placed, outcome, select) | {"n_pairs": n_pairs, "levels": rows}


def _judged(placed: Floats, outcome: Floats, select: Select) -> dict[str, Any]:
    """Accuracy of the places over all pairs that have one, with its interval over variants."""
    known = np.isfinite(placed)
    placed, outcome = placed[known], outcome[known]
    first, second = unordered_pairs(np.arange(len(outcome)))
    accuracy = share_right(placed[first] - placed[second], outcome[first] - outcome[second])
    if np.isnan(accuracy):
        return {"accuracy": accuracy, "ci95": [accuracy, accuracy]}
    interval = jackknife_intervals(placed[:, None], outcome, confidence=select.confidence)
    return {"accuracy": accuracy, "ci95": interval[0].tolist()}
