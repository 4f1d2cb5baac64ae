"""Pairwise accuracy: how often an indicator puts two variants in the order of their outcomes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
PairMask = NDArray[np.bool_]
"""Which pairs count: (n, n), symmetric."""
Signs = NDArray[np.float32]
"""Signs are float32 so that sums over pairs are matrix products, and still exact: integers below 2^24."""


@dataclass(frozen=True)
class PairAccuracy:
    """Share of pairs ordered rightly; ``accuracy`` is NaN when all outcomes are tied (``n_pairs`` 0)."""

    accuracy: float
    n_pairs: int
    """Pairs of unequal outcome: the ones that are judged."""
    n_indicator_ties: int
    """Judged pairs of equal indicator; each counts as half right."""
    n_outcome_ties: int
    """Pairs of equal outcome, of those asked for; dropped, since neither order is right."""


def sign_matrix(values: Floats) -> Signs:
    """(n,) -> (n, n): +1 where the row is larger than the column, -1 where smaller, 0 for ties and missing values."""
    larger = values[:, None] > values[None, :]
    return np.subtract(larger, larger.T, dtype=np.float32)


def pairwise_accuracy(indicator: Floats, outcome: Floats, judged: PairMask | None = None) -> PairAccuracy:
    """Accuracy over the n(n-1)/2 pairs of variants, or over those that ``judged`` (n, n, symmetric) marks.

    Both columns are (n,), larger is better, no missing values. Estimand: P(indicator orders two random variants as the
    outcome does | outcomes differ), indicator ties count 1/2. It is (τ + 1)/2 without ties, and 1/2 for an indicator
    unrelated to the outcome.
    """
    indicator_signs, outcome_signs = sign_matrix(indicator), sign_matrix(outcome)
    asked = ~np.eye(len(outcome), dtype=bool) if judged is None else judged & ~np.eye(len(outcome), dtype=bool)
    counted = asked & (outcome_signs != 0)
    n_asked, n_counted = int(asked.sum()) // 2, int(counted.sum()) // 2
    agreement = float((indicator_signs * outcome_signs)[counted].sum(dtype=np.float64)) / 2
    return PairAccuracy(
        accuracy=(1 + agreement / n_counted) / 2 if n_counted else float("nan"),
        n_pairs=n_counted,
        n_indicator_ties=int((counted & (indicator_signs == 0)).sum()) // 2,
        n_outcome_ties=n_asked - n_counted,
    )


def weighted_accuracies(
    indicators: Floats, outcome: Floats, counts: NDArray[np.float32], judged: PairMask | None = None
) -> Floats:
    """Accuracies of resampled sets of variants: ``counts`` (B, n) says how often each variant is drawn -> (B, K).

    ``indicators`` is (n, K). A pair weighs the product of its two counts; a variant drawn twice makes no pair with
    itself. Only pairs that ``judged`` (n, n) marks count. NaN for a resample without a pair of unequal outcomes.
    """
    outcome_signs = sign_matrix(outcome)
    if judged is not None:
        outcome_signs *= judged
    weights = _quadratic(counts, np.abs(outcome_signs))
    agreements = [_quadratic(counts, sign_matrix(column) * outcome_signs) for column in indicators.T]
    if not agreements:
        return np.empty((len(counts), 0))
    with np.errstate(invalid="ignore"):
        accuracies: Floats = (1 + np.stack(agreements, axis=1) / weights[:, None]) / 2
    return accuracies


def _quadratic(counts: NDArray[np.float32], matrix: Signs) -> Floats:
    """c' M c for each row c of ``counts``: (B, n), (n, n) -> (B,)."""
    return np.asarray(((counts @ matrix) * counts).sum(axis=1), dtype=np.float64)


def kendall_tau(indicator: Floats, outcome: Floats) -> float:
    """Kendall's τ-b of two (n,) columns, ties corrected (Kendall 1945); NaN when either is constant."""
    from scipy.stats import kendalltau

    if len(indicator) < 2 or np.ptp(indicator) == 0 or np.ptp(outcome) == 0:
        return float("nan")
    return float(kendalltau(indicator, outcome).statistic)


def null_sd(n_variants: int) -> float:
    """Standard deviation of a pairwise accuracy over n variants when indicator and outcome are unrelated.

    Half the null sd of Kendall's τ without ties, ½·√(2(2n+5) / (9n(n-1))) (Kendall 1938).
    """
    n = n_variants
    return float(0.5 * np.sqrt(2 * (2 * n + 5) / (9 * n * (n - 1))))
