"""Intervals of a mean over checkpoints or runs, of a share of them, and of a slope along tokens; many at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ptp_core.stats.multiplicity import benjamini_hochberg, holm

Floats = NDArray[np.float64]
NAN = float("nan")
ROUNDING = 1e-9
"""A spread below this share of the values is none."""


@dataclass(frozen=True)
class Estimate:
    """A number with its interval and the two-sided p of its being 0; NaN where n does not suffice."""

    value: float
    low: float
    high: float
    p: float
    n: int

    @property
    def interval(self) -> list[float] | None:
        """[low, high]; None where it is not known."""
        return [self.low, self.high] if np.isfinite(self.low) and np.isfinite(self.high) else None


def mean_of(values: Floats, confidence: float, least_error: float = 0.0) -> Estimate:
    """Mean of (n,) values with Student's t interval, n − 1 degrees of freedom.

    Estimand: the mean over the checkpoints or runs that these stand for, taken as independent. Null hypothesis of
    ``p``: it is 0. The standard error is at least ``least_error``. No interval with one value, or without any spread.
    """
    n = len(values)
    if not n:
        return Estimate(NAN, NAN, NAN, NAN, 0)
    spread = float(values.std(ddof=1)) if n > 1 else 0.0
    none = spread <= ROUNDING * float(np.abs(values).max(initial=0.0))
    error = max(0.0 if none else spread / np.sqrt(n), least_error)
    return _estimate(float(values.mean()), error, n - 1, n, confidence)


def normal(value: float, error: float, confidence: float, n: int = 1) -> Estimate:
    """A value whose standard error is known, such as that over its items."""
    return _estimate(value, error, None, n, confidence)


def slope_of(x: Floats, y: Floats, errors: Floats, confidence: float) -> Estimate:
    """Least-squares slope of y (n,) on x (n,), Student's t interval with n − 2 degrees of freedom.

    Estimand: the slope of the line about which the checkpoints scatter independently. Null hypothesis of ``p``: 0.
    ``errors`` (n,) are standard errors of y, NaN where not known: the slope's error is at least what they make it, so
    that a few points that happen to lie on a line are no certainty. No interval below three points, or where they
    lie on a line and ``errors`` are not known.
    """
    n = len(x)
    centred = x - x.mean() if n else x
    squares = float((centred**2).sum())
    if n < 2 or squares <= 0:
        return Estimate(NAN, NAN, NAN, NAN, n)
    slope = float((centred * (y - y.mean())).sum() / squares)
    if n < 3:
        return Estimate(slope, NAN, NAN, NAN, n)
    rest = y - y.mean() - slope * centred
    exact = float(np.abs(rest).max()) <= ROUNDING * max(float(np.abs(y).max()), 1e-300)
    scatter = 0.0 if exact else float(np.sqrt((rest**2).sum() / (n - 2) / squares))
    of_items = float(np.sqrt(((centred * np.nan_to_num(errors)) ** 2).sum()) / squares)
    return _estimate(slope, max(scatter, of_items), n - 2, n, confidence)


def _estimate(value: float, error: float, freedom: int | None, n: int, confidence: float) -> Estimate:
    from scipy.special import ndtr, ndtri, stdtr, stdtrit

    if not error > 0 or freedom == 0:
        return Estimate(value, NAN, NAN, NAN, n)
    error, tail = float(error), (1 + confidence) / 2
    z = abs(value) / error
    reach = float(ndtri(tail) if freedom is None else stdtrit(freedom, tail)) * error
    p = 2 * float(ndtr(-z) if freedom is None else stdtr(freedom, -z))
    return Estimate(value, value - reach, value + reach, p, n)


def share_interval(share: float, n: int, confidence: float) -> list[float]:
    """Interval of a share of n independent ones, Clopper & Pearson 1934; ``share``·n need not be whole."""
    from scipy.special import betaincinv

    hits, tail = share * n, (1 - confidence) / 2
    low = 0.0 if hits <= ROUNDING else float(betaincinv(hits, n - hits + 1, tail))
    high = 1.0 if hits >= n - ROUNDING else float(betaincinv(hits + 1, n - hits, 1 - tail))
    return [low, high]


def corrected(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The rows with ``p`` corrected for their number: ``p_holm`` over those in domain, ``q`` over the others.

    What a model was tuned for is claimed, so that no claim at all should be false (Holm); the other test sets are
    looked at, and of what is noted a share is false (Benjamini–Hochberg). The other one of the two is NaN.
    """
    inside = np.array([row["in_domain"] for row in rows], dtype=np.bool_)
    p = np.array([row["p"] for row in rows], dtype=np.float64)
    claimed, noted = holm(np.where(inside, p, NAN)), benjamini_hochberg(np.where(inside, NAN, p))
    return [dict(row) | {"p_holm": float(h), "q": float(q)} for row, h, q in zip(rows, claimed, noted, strict=True)]
