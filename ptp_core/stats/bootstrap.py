"""Resamples of variants, since pairs share variants and are no samples of their own."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ptp_core.stats.pairs import Floats, PairMask, weighted_accuracies

CHUNK = 2048
"""Resamples handled at once: bounds memory at CHUNK x n numbers."""


def bootstrap_accuracies(
    indicators: Floats,
    outcome: Floats,
    *,
    resamples: int,
    rng: np.random.Generator,
    clusters: NDArray[np.intp] | None = None,
    judged: PairMask | None = None,
) -> Floats:
    """Pairwise accuracies in resamples of the variants, (n, K), (n,) -> (resamples, K); all columns see the same ones.

    Variants are drawn with replacement, with ``clusters`` (n,) whole clusters. Pairs of a variant with its own copy
    are dropped, since they would pull every accuracy to 1/2; pairs of different members of a cluster and its copy
    count. Only pairs that ``judged`` (n, n) marks count. NaN for a resample without a pair of unequal outcomes.
    Source: Efron & Tibshirani 1993, ch. 8; resampling the units of a U-statistic. For intervals and tests of
    accuracies use ``jackknife_intervals`` and ``difference_tests``, which keep their level with few variants.
    """
    codes = np.arange(len(outcome)) if clusters is None else np.unique(clusters, return_inverse=True)[1]
    units = int(codes.max()) + 1
    parts = []
    for start in range(0, resamples, CHUNK):
        drawn = rng.multinomial(units, np.full(units, 1 / units), size=min(CHUNK, resamples - start))
        parts.append(weighted_accuracies(indicators, outcome, drawn[:, codes].astype(np.float32), judged))
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
