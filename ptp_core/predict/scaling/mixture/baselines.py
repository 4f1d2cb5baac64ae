"""What a law of the mixture has to beat: a linear regression and boosted trees on the same shares and compute."""

from __future__ import annotations

from typing import Any

import numpy as np

from ptp_core.predict.scaling.mixture.domain import Runs
from ptp_core.predict.scaling.points import Floats
from ptp_core.predict.trees import fitted

TREES: dict[str, Any] = {
    # Customary values, not tuned on any of the tables here. One thread fixes the order of sums.
    "iterations": 500,
    "depth": 4,
    "learning_rate": 0.1,
    "boosting_type": "Plain",
    "thread_count": 1,
    "allow_writing_files": False,
    "verbose": False,
}


def linear(runs: Runs, loss: Floats, asked: Runs) -> Floats:
    """(m,) losses of ``asked`` by least squares on shares and log compute; the least-norm one where many fit."""
    return np.asarray(_columns(asked) @ np.linalg.lstsq(_columns(runs), loss, rcond=None)[0])


def trees(runs: Runs, loss: Floats, asked: Runs, seed: int) -> Floats:
    """(m,) the same by CatBoost."""
    model = fitted("CatBoostRegressor", TREES | {"random_seed": seed}, _columns(runs), loss)
    return np.asarray(model.predict(_columns(asked)), dtype=np.float64)


def _columns(runs: Runs) -> Floats:
    # Shares add up to 1, so they hold the constant.
    return np.column_stack([runs.shares, runs.size]) if runs.scaled else runs.shares
