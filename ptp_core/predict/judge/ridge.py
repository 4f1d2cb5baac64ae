"""Ridge regression in closed form: all settings together as predictor of an outcome."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ptp_core.predict.quantities import Floats
from ptp_core.predict.splits import Split

PENALTIES = 10.0 ** np.arange(-3, 4)
"""Tried penalties, per training variant: from hardly any shrinking to hardly any slope."""


def ridge_prediction(columns: Floats, outcome: Floats, split: Split) -> Floats:
    """(tests,): the outcome of the test side, fitted on the training side only.

    ``columns`` (n, d) are standardised by the training variants; a missing value is their mean. The penalty is the one
    of ``PENALTIES`` with the smallest squared leave-one-out error on the training side (PRESS, in closed form from the
    hat matrix; Hoerl & Kennard 1970; Golub, Heath & Wahba 1979), of equals the largest. Predictions are rounded to
    nine digits of the outcome's spread, so that variants of equal settings are tied exactly.
    """
    train, test = split
    unit = _standardised(columns, train)
    known, middle = outcome[train], float(outcome[train].mean())
    left, sizes, right = np.linalg.svd(unit[train], full_matrices=False)
    loadings = left.T @ (known - middle)
    errors = [_press(left, sizes, loadings, known - middle, penalty * len(train)) for penalty in PENALTIES]
    best = max(range(len(errors)), key=lambda i: (-round(errors[i], 9), i))
    penalty = float(PENALTIES[best]) * len(train)
    slopes = right.T @ (sizes * loadings / (sizes**2 + penalty))
    spread = float(known.std()) or 1.0
    return np.asarray(middle + spread * np.round(unit[test] @ slopes / spread, 9))


def _press(left: Floats, sizes: Floats, loadings: Floats, centred: Floats, penalty: float) -> float:
    """Mean squared leave-one-out error, relative to the variance."""
    shrunk = sizes**2 / (sizes**2 + penalty)
    leverage = 1 / len(centred) + (left**2) @ shrunk
    residual = (centred - left @ (shrunk * loadings)) / np.maximum(1 - leverage, 1e-9)
    return float((residual**2).mean() / ((centred**2).mean() or 1.0))


def _standardised(columns: Floats, train: NDArray[np.intp]) -> Floats:
    known = ~np.isnan(columns[train])
    counts = np.maximum(known.sum(axis=0), 1)
    mean = np.where(known, columns[train], 0.0).sum(axis=0) / counts
    deviations = np.where(known, columns[train] - mean, 0.0)
    sd = np.sqrt((deviations**2).sum(axis=0) / counts)
    # A column that is constant on the training side says nothing about the test side.
    usable = sd > 1e-12 * np.maximum(np.abs(mean), 1e-300)
    unit = np.where(usable, (columns - mean) / np.where(usable, sd, 1.0), 0.0)
    return np.where(np.isnan(unit), 0.0, unit)
