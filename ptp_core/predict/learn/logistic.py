"""Logistic regression as a judge of pairs: the plainest model that can weigh indicators against each other."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ptp_core.predict.learn.features import Features
from ptp_core.predict.quantities import Floats

RIDGE = 1.0
"""Penalty ½·RIDGE·|w|² on the summed log loss: the customary default, not tuned."""


def logistic_regression(features: Features, wins: Floats, seed: int) -> Callable[[Features], Floats]:
    """P(first wins) = σ(w·x + b), ridge-penalised, b free; pairs (P, F), ``wins`` (P,) of 0 and 1; no randomness.

    With both orders of every pair given, the minimum is antisymmetric by itself: w of a·b and b are 0, and w of a is
    minus w of b.
    """
    from scipy.optimize import minimize
    from scipy.special import expit

    x, signs = features.astype(np.float64), 2 * wins - 1

    def loss(weights: Floats) -> tuple[float, Floats]:
        margins = signs * (x @ weights[:-1] + weights[-1])
        pull = -signs * expit(-margins)
        penalised = np.append(weights[:-1], 0.0)
        value = float(np.logaddexp(0, -margins).sum() + RIDGE / 2 * penalised @ penalised)
        return value, np.append(pull @ x, pull.sum()) + RIDGE * penalised

    weights = minimize(loss, np.zeros(x.shape[1] + 1), jac=True, method="L-BFGS-B").x
    return lambda asked: np.asarray(expit(asked.astype(np.float64) @ weights[:-1] + weights[-1]))
