"""Ranks, and the correlation of two orders."""

from __future__ import annotations

from typing import Any

import numpy as np

Floats = np.ndarray[Any, np.dtype[np.float64]]


def unit_ranks(values: Floats) -> Floats:
    """Ranks along the last axis less their mean, scaled to length 1; ties share their mean rank; NaN where all tie."""
    from scipy.stats import rankdata

    ranks = rankdata(values, axis=-1)
    ranks = ranks - ranks.mean(axis=-1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(ranks / np.sqrt((ranks**2).sum(axis=-1, keepdims=True)))


def spearman(first: Floats, second: Floats) -> Floats:
    """Spearman's rank correlation along the last axis of two (…, n) -> (…); NaN where one of them is all ties."""
    # Ranks are halves, so a dozen digits tell all orders apart, and a perfect order is exactly 1.
    return np.asarray(np.clip(np.round((unit_ranks(first) * unit_ranks(second)).sum(axis=-1), 12), -1, 1))
