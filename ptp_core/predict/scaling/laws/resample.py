"""Resamples of runs: what a refit weighs them with."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ptp_core.predict.scaling.laws.form import Floats

Ints = NDArray[np.int64]


def resamples(run: Ints, n_runs: int, count: int, rng: np.random.Generator) -> Floats:
    """Weights of points (count, n) in resamples of whole runs; ``run`` (n,) says which of the runs each point is of.

    The Bayesian bootstrap (Rubin 1981): exponential weights, scaled to a mean of 1 over the runs. They vary about as
    much as when runs are drawn with replacement (G − 1 over G + 1 against G − 1 over G, for G runs), but no run drops
    out, so that no law has to be fitted to fewer distinct runs than it has parameters.
    """
    drawn = rng.standard_exponential((count, n_runs))
    drawn *= n_runs / drawn.sum(axis=1, keepdims=True)
    return drawn[:, run]
