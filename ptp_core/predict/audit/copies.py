"""Variants with exactly the same numbers: one measurement that was entered more than once."""

from __future__ import annotations

import numpy as np

from ptp_core.predict.audit.finding import Finding
from ptp_core.predict.quantities import Floats, Measured
from ptp_core.predict.wording import listed

FEWEST_NUMBERS = 2
"""One equal number is a tie, not a copy."""

MOST_ACCIDENTS = 0.05
"""Coarse scores agree by accident: copies are believed if fewer accidental pairs than this are to be expected."""


def duplicates(data: Measured, leave_out: bool) -> list[Finding]:
    """Groups of variants that agree in every number that is known of them, and know the same ones.

    The first of a group in natural order is kept, the others go if ``leave_out``. The number of pairs that agree by
    accident is reckoned from the share of tied pairs in each quantity among variants that are not copies, as if
    quantities were independent; where it is above ``MOST_ACCIDENTS`` the group is a note and all of it is kept.
    """
    quantities = [*data.indicators.values(), *data.outcomes.values()]
    if len(quantities) < FEWEST_NUMBERS:
        return []
    scores = np.column_stack([quantity.values for quantity in quantities]) + 0.0  # -0 and 0 are one number
    groups: dict[bytes, list[int]] = {}
    for i, row in enumerate(scores):
        groups.setdefault(row.tobytes(), []).append(i)
    expected = _accidents(scores[[group[0] for group in groups.values()]], len(data.variants))
    return [
        _finding([data.variants[i] for i in group], _known(scores[group[0]]), expected, leave_out)
        for group in groups.values()
        if len(group) > 1 and _known(scores[group[0]]) >= FEWEST_NUMBERS
    ]


def _known(row: Floats) -> int:
    return int(np.isfinite(row).sum())


def _accidents(distinct: Floats, n: int) -> float:
    """Pairs among ``n`` variants expected to agree in everything, given (variants, quantities) without copies."""
    pairs = len(distinct) * (len(distinct) - 1) / 2
    if not pairs:
        return float("inf")
    shares = 1.0
    for column in distinct.T:
        # A quantity without a single tie may still have one in twice as many pairs.
        shares *= max(ties(column), 0.5) / pairs
    return shares * n * (n - 1) / 2


def ties(values: Floats) -> int:
    """Pairs of equal values; missing ones are equal to each other."""
    counts = np.unique(values, return_counts=True, equal_nan=True)[1].astype(np.int64)
    return int((counts * (counts - 1) // 2).sum())


def _finding(group: list[str], n_numbers: int, expected: float, leave_out: bool) -> Finding:
    head = f"Variants {listed(group)} agree exactly in all {n_numbers} numbers: "
    numbers = {"n_numbers": n_numbers, "kept": group[0]}
    if expected > MOST_ACCIDENTS:
        sentence = head + "the numbers are so coarse that this may be an accident; all are kept."
        return Finding("duplicates", "note", sentence, variants=tuple(group), numbers=numbers, action="kept")
    end = f"only {group[0]} is kept." if leave_out else "all are kept."
    return Finding(
        kind="duplicates",
        severity="warning",
        sentence=head + "probably one measurement entered more than once; " + end,
        variants=tuple(group),
        numbers=numbers,
        action="left out" if leave_out else "kept",
    )
