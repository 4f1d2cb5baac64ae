"""Laws of the score: from a loss (linear as in FLP, exponential, sigmoid), or from compute alone (FP)."""

from __future__ import annotations

from itertools import product

import numpy as np

from ptp_core.predict.scaling.laws.form import EXPONENT, Bounds, Floats, Form, Inputs, least_squares, stacked
from ptp_core.predict.scaling.laws.losses import LOG_SCALE, as_power, power

LOSS = 3.0
"""The exponential law is fitted as value and slope at this loss, which are far less entangled than ε and k."""
RATE = (1e-3, 20.0)
"""Bounds of γ and of the sigmoid's k; at the lower one the exponential law is a straight line."""
FAR = 1e3
"""Bound of what needs none."""


def _linear(theta: Floats, inputs: Inputs) -> tuple[Floats, Floats]:
    loss = inputs.losses
    value = theta[..., :1] + theta[..., 1:] * loss
    return value, stacked(np.ones_like(value), loss)


def _linear_starts(inputs: Inputs, y: Floats, rising: bool) -> Floats:
    loss = inputs.losses
    line = np.linalg.lstsq(np.stack([np.ones_like(loss), loss], axis=1), y, rcond=None)[0]
    return np.asarray(line[None], dtype=np.float64)


def _linear_bounds(y: Floats, rising: bool) -> Bounds:
    return np.full(2, -FAR), np.full(2, FAR)


def _exponential(theta: Floats, inputs: Inputs) -> tuple[Floats, Floats]:
    distance = inputs.losses - LOSS
    slope, rate = theta[..., 1:2], theta[..., 2:3]
    # Losses may be bits, and γ large: what grows without bound is no prediction anyhow.
    grown = np.exp(np.minimum(-rate * distance, LOG_SCALE))
    reach = (1 - grown) / rate
    value = theta[..., :1] + slope * reach
    return value, stacked(np.ones_like(value), reach, slope * (distance * grown - reach) / rate)


def _exponential_starts(inputs: Inputs, y: Floats, rising: bool) -> Floats:
    distance = inputs.losses - LOSS
    starts = []
    for rate in (0.01, 0.1, 0.3, 0.6, 1.0, 1.6, 2.5, 4.0, 7.0):
        reach = (1 - np.exp(np.minimum(-rate * distance, LOG_SCALE))) / rate
        level, slope = np.linalg.lstsq(np.stack([np.ones_like(reach), reach], axis=1), y, rcond=None)[0]
        starts.append([level, max(slope, 1e-6), rate])
    return np.array(starts)


def _exponential_bounds(y: Floats, rising: bool) -> Bounds:
    return np.array([-FAR, 0.0, RATE[0]]), np.array([FAR, FAR, RATE[1]])


def _exponential_natural(theta: Floats) -> Floats:
    level, slope, rate = np.moveaxis(theta, -1, 0)
    return np.stack([level + slope / rate, slope / rate * np.exp(rate * LOSS), rate], axis=-1)


def _sigmoid(theta: Floats, inputs: Inputs) -> tuple[Floats, Floats]:
    loss = inputs.losses
    height, rate, middle = (theta[..., i : i + 1] for i in (1, 2, 3))
    share = 1 / (1 + np.exp(np.clip(-rate * (loss - middle), -LOG_SCALE, LOG_SCALE)))
    value = theta[..., :1] + height * share
    steep = height * share * (1 - share)
    return value, stacked(np.ones_like(value), share, steep * (loss - middle), -steep * rate)


def _sigmoid_starts(inputs: Inputs, y: Floats, rising: bool) -> Floats:
    loss = inputs.losses
    spread = max(float(np.ptp(loss)), 1e-3)
    starts = []
    for steepness, at in product((1.0, 3.0, 8.0), (0.0, 0.3, 0.6, 1.0)):
        rate, middle = float(np.clip(steepness / spread, *RATE)), float(loss.min()) + at * spread
        share = 1 / (1 + np.exp(-rate * (loss - middle)))
        starts.append([*least_squares([np.ones_like(loss), share], y), rate, middle])
    return np.array(starts)


def _sigmoid_bounds(y: Floats, rising: bool) -> Bounds:
    highest = max(1.0, float(np.max(y)))
    return np.array([0.0, 0.0, RATE[0], 0.0]), np.array([highest, highest, RATE[1], 30.0])


def _fp(theta: Floats, inputs: Inputs) -> tuple[Floats, Floats]:
    x = inputs.log_compute
    value = np.exp(np.minimum(theta[..., :1] + theta[..., 1:] * x, LOG_SCALE))
    return value, stacked(value, x * value)


def _fp_starts(inputs: Inputs, y: Floats, rising: bool) -> Floats:
    return power(inputs.log_compute, y, rising)


def _fp_bounds(y: Floats, rising: bool) -> Bounds:
    low, high = EXPONENT if rising else (-EXPONENT[1], -EXPONENT[0])
    return np.array([-LOG_SCALE, low]), np.array([LOG_SCALE, high])


LINEAR = Form(
    name="linear",
    kind="score",
    parameters=("w0", "w1"),
    formula="score = w0 + w1·L",
    needs=("loss",),
    of_error=False,
    log_residuals=False,
    values=_linear,
    starts=_linear_starts,
    bounds=_linear_bounds,
    natural=lambda theta: theta,
)
EXPONENTIAL = Form(
    name="exponential",
    kind="score",
    parameters=("epsilon", "k", "gamma"),
    formula="error = epsilon − k·e^(−gamma·L)",
    needs=("loss",),
    of_error=True,
    log_residuals=False,
    values=_exponential,
    starts=_exponential_starts,
    bounds=_exponential_bounds,
    natural=_exponential_natural,
)
SIGMOID = Form(
    name="sigmoid",
    kind="score",
    parameters=("E", "a", "k", "L0"),
    formula="error = E + a / (1 + e^(−k·(L − L0)))",
    needs=("loss",),
    of_error=True,
    log_residuals=False,
    values=_sigmoid,
    starts=_sigmoid_starts,
    bounds=_sigmoid_bounds,
    natural=lambda theta: theta,
)
FP = Form(
    name="fp",
    kind="direct",
    parameters=("C_N", "alpha"),
    formula="score = (C / C_N)^alpha",
    needs=("compute",),
    of_error=False,
    log_residuals=False,
    values=_fp,
    starts=_fp_starts,
    bounds=_fp_bounds,
    natural=lambda theta: as_power(theta, 1.0),
)
