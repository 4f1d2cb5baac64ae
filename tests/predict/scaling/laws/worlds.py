"""Made-up runs that obey a known law, for the tests of forms, fits and bands."""

from __future__ import annotations

import numpy as np

from ptp_core.predict.scaling.laws.form import Floats
from ptp_core.predict.scaling.laws.forms import FORMS, Form, Inputs

TRUE = {
    "flp": (1.2, 0.07),
    "nd": (1.7, 0.2, 0.3, 0.0, 0.28),
    "overtraining": (1.7, 0.2, 0.0, 0.28),
    "linear": (0.95, -0.15),
    "exponential": (0.5, 0.25, 0.8),
    "sigmoid": (0.15, 0.65, 1.5, 3.0),
    "fp": (-1.2, 0.1),
    "direct": (0.1, -1.2, 0.2, -1.0, 0.25),
}
"""Coordinates of each form that give losses from 2 to 5 and errors from .3 to .8."""


def runs(sizes: int, ratios: int) -> Inputs:
    """A grid of sizes from 10M to 400M, by tokens per parameter from 5 to 320; losses obey the over-training law."""
    n, m = (x.ravel() for x in np.meshgrid(np.geomspace(1e7, 4e8, sizes), np.geomspace(5, 320, ratios)))
    return of_sizes(n, n * m)


def of_sizes(params: Floats, tokens: Floats) -> Inputs:
    """Runs of these sizes, with the losses of the over-training law."""
    loss = FORMS["overtraining"].predict(np.array(TRUE["overtraining"]), Inputs(params, tokens))
    return Inputs(params, tokens, 6 * params * tokens, loss)


def measured(form: Form, inputs: Inputs, noise: float, rng: np.random.Generator, rising: bool = True) -> Floats:
    """What a form predicts, off by normal noise: of ln for losses, else of the share of the ceiling."""
    exact = form.values(np.array(TRUE[form.name]), inputs)[0]
    off = noise * rng.standard_normal(exact.shape)
    return form.restored(exact * np.exp(off) if form.log_residuals else exact + off, 1.0, rising)
