"""Many claims at once: p-values adjusted so that the chance of any false claim stays at the level."""

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
