"""How far an accuracy, or a difference of two, would move with other variants: a jackknife, less half its excess."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ptp_core.stats.pairs import Floats, PairMask, sign_matrix

ROUNDING = 1e-9
"""Errors below are none."""


@dataclass(frozen=True)
class TauError:
    """A τ = 2·accuracy − 1 over judged pairs, or the difference of two, and its standard error."""

    value: float
    """NaN where no pair is judged."""
    error: float
    units: int
    """Independent units behind it: clusters, or variants where there are none; ``units - 1`` degrees of freedom."""


def judged_signs(outcome: Floats, judged: PairMask | None) -> Floats:
    """Signs of the outcome (n, n), 0 for the pairs that do not count."""
    signs = sign_matrix(outcome).astype(np.float64)
    return signs if judged is None else signs * judged


def tau_error(credits: Floats, weights: Floats, clusters: NDArray[np.intp] | None = None) -> TauError:
    """τ = sum(credits) / sum(weights) over pairs, both (n, n), symmetric and 0 on the diagonal, and how sure it is.

    Estimand: τ over the population of variants, or of ``clusters`` (n,) of them, whose errors are independent. The
    delete-one jackknife of the linearised ratio counts the part of the variance that belongs to pairs, not to units,
    twice (Efron & Stein 1981): two alike indicators would be called different in 1 % of trials instead of 5. The
    unbiased estimate of a U-statistic's variance does not, but is so noisy that up to 11 % would be. Their mean keeps
    the level (tests/stats/test_differences.py). Where nothing varies, as in a perfect record, the error is that of a
    record with one wrong pair, since few variants are no certainty; it is 0 if no pair has any credit.
    """
    total = weights.sum()
    units = len(weights) if clusters is None else len(np.unique(clusters))
    if total == 0:
        return TauError(float("nan"), float("nan"), units)
    value = float(credits.sum() / total)
    if not credits.any():
        return TauError(value, 0.0, units)
    if units < 3:
        return TauError(value, float("inf"), units)
    error = float(np.sqrt(_variance(_between_units(credits - value * weights, clusters))) / (total / 2))
    return TauError(value, error if error > ROUNDING else np.sqrt(8) / unit_pairs(weights, units), units)


def unit_pairs(weights: Floats, units: int) -> float:
    """Judged pairs, but no more than there are pairs of independent units; at least 2."""
    return float(max(2, min(np.count_nonzero(weights) / 2, units * (units - 1) / 2)))


def _between_units(kernel: Floats, clusters: NDArray[np.intp] | None) -> Floats:
    """Sums of a pair kernel (n, n) over pairs of units (C, C); what is inside a unit is shared out over its pairs."""
    if clusters is None:
        return kernel
    codes = np.unique(clusters, return_inverse=True)[1]
    member = np.eye(codes.max() + 1)[codes]  # (n, C)
    sums: Floats = member.T @ kernel @ member
    inside = np.diag(sums) / (2 * (len(sums) - 1))
    sums += inside[:, None] + inside[None, :]
    np.fill_diagonal(sums, 0)
    return sums


def _variance(kernel: Floats) -> float:
    """Variance of the sum over pairs of a kernel (C, C) that adds up to 0."""
    units = len(kernel)
    squared_rows, squared_pairs = float((kernel.sum(axis=1) ** 2).sum()), float((kernel**2).sum() / 2)
    jackknife = units * (units - 1) / (units - 2) ** 2 * squared_rows
    if units < 4:
        return jackknife
    unbiased = units * (units - 1) / ((units - 2) * (units - 3)) * (squared_rows - squared_pairs)
    return (jackknife + max(0.0, unbiased)) / 2
