"""Intervals that resample variants, since pairs share variants and are no samples of their own."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ptp_core.stats.pairs import Floats, weighted_accuracies

CHUNK = 2048
"""Resamples handled at once: bounds memory at CHUNK x n numbers."""


def accuracy_intervals(
    indicators: Floats, outcome: Floats, *, resamples: int, confidence: float, rng: np.random.Generator
) -> Floats:
    """Percentile interval of each indicator's pairwise accuracy: (n, K), (n,) -> (K, 2), larger is better.

    Estimand: the accuracy over the population the variants stand for. Variants are drawn with replacement, and pairs
    of a variant with its own copy are dropped; the copies would otherwise pull every accuracy to 1/2. All indicators
    see the same resamples, so their intervals can be compared. NaN where no resample has untied outcomes.
    Source: Efron & Tibshirani 1993, ch. 13; resampling the units of a U-statistic.
    """
    accuracies = bootstrap_accuracies(indicators, outcome, resamples=resamples, rng=rng)
    return percentile_interval(accuracies, confidence)


def bootstrap_accuracies(indicators: Floats, outcome: Floats, *, resamples: int, rng: np.random.Generator) -> Floats:
    """The accuracies behind ``accuracy_intervals``, one row per resample: (resamples, K)."""
    n = len(outcome)
    parts = []
    for start in range(0, resamples, CHUNK):
        counts = rng.multinomial(n, np.full(n, 1 / n), size=min(CHUNK, resamples - start))
        parts.append(weighted_accuracies(indicators, outcome, counts.astype(np.float32)))
    return np.concatenate(parts)


def percentile_interval(draws: NDArray[np.float64], confidence: float) -> Floats:
    """Central interval of each column of (B, K) draws, NaN draws left out -> (K, 2)."""
    tail = (1 - confidence) / 2
    interval = np.full((draws.shape[1], 2), np.nan)
    for k, column in enumerate(draws.T):
        known = column[~np.isnan(column)]
        if len(known):
            interval[k] = np.quantile(known, [tail, 1 - tail])
    return interval
