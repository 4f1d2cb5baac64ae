"""The later part of training, and how a score changes along it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ptp_core.predict.dynamics.intervals import Estimate, Floats, slope_of

TENFOLD = 10.0
"""The later part: checkpoints from a tenth of the last one's tokens on. Fixed beforehand: a window chosen where the
score begins to rise or to fall would find a trend in noise."""

FEWEST = 4
"""Checkpoints below which nothing is concluded: three leave one degree of freedom."""


def later(tokens: Floats) -> NDArray[np.bool_]:
    """(n,) -> (n,): which checkpoints are in the later part; those of unknown tokens, or none, are not."""
    known = tokens[np.isfinite(tokens)]
    last = float(known.max()) if len(known) else 0.0
    with np.errstate(invalid="ignore"):
        inside: NDArray[np.bool_] = (tokens > 0) & (tokens >= last / TENFOLD)
    return inside


def trend(tokens: Floats, goodness: Floats, errors: Floats, confidence: float) -> Estimate:
    """Slope per tenfold tokens, in the score's unit; tokens above 0."""
    return slope_of(np.log10(tokens), goodness, errors, confidence)
