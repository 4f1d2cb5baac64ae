"""Many claims at once: p-values adjusted for any false claim at all, or for the share of false ones."""

from __future__ import annotations

import numpy as np

from ptp_core.stats.pairs import Floats


def holm(p_values: Floats) -> Floats:
    """Holm's step-down adjusted p-values, (m,) -> (m,); claim those at or below the level.

    Controls the probability of one or more false claims under any dependence (Holm 1979). NaN (a test that could
    not be made) stays NaN and is not counted.
    """
    known = np.flatnonzero(~np.isnan(p_values))
    order = known[np.argsort(p_values[known], kind="stable")]
    steps = p_values[order] * (len(order) - np.arange(len(order)))
    adjusted = np.full(len(p_values), np.nan)
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(steps))
    return adjusted


def benjamini_hochberg(p_values: Floats) -> Floats:
    """Benjamini–Hochberg adjusted p-values (q), (m,) -> (m,); note those at or below the rate.

    Controls the expected share of false ones among those noted, the false discovery rate, when tests are independent
    or positively dependent (Benjamini & Hochberg 1995; Benjamini & Yekutieli 2001). For exploration: weaker than
    ``holm``. NaN (a test that could not be made) stays NaN and is not counted.
    """
    known = np.flatnonzero(~np.isnan(p_values))
    order = known[np.argsort(p_values[known], kind="stable")]
    steps = p_values[order] * len(order) / np.arange(1, len(order) + 1)
    adjusted = np.full(len(p_values), np.nan)
    adjusted[order] = np.minimum(1.0, np.minimum.accumulate(steps[::-1])[::-1])
    return adjusted
