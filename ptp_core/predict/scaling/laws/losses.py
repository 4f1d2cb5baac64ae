"""Laws of the loss: FLP's power of compute, the N and D law, and the over-training law.

The N and D law is also that of an error read off size and tokens alone (form ``direct``).
"""

from __future__ import annotations

from itertools import product

import numpy as np

from ptp_core.predict.scaling.laws.form import (
    EXPONENT,
    LOG_COMPUTE,
    LOG_PARAMS,
    LOG_TOKENS,
    Bounds,
    Floats,
    Form,
    Inputs,
    least_squares,
    stacked,
)

LOG_SCALE = 40.0
"""Bound of ln A and ln B."""
LARGEST_EXPONENT = 700.0
"""exp of more is no float."""
STARTS = (0.05, 0.12, 0.25, 0.45, 0.8)
"""Exponents that fits begin at."""


def power(x: Floats, y: Floats, rising: bool) -> Floats:
    """Starts of ln y = c ± αx: the straight line through the logarithms of what is above 0."""
    known = y > 0
    sign = 1.0 if rising else -1.0
    if known.sum() < 2 or np.ptp(x[known]) == 0:
        return np.array([[float(np.log(y[known].mean())) if known.any() else 0.0, 0.1 * sign]])
    slope, level = np.polyfit(x[known], np.log(y[known]), 1)
    return np.array([[level, slope], [level, sign * 0.05], [level, sign * 0.3]])


def as_power(theta: Floats, sign: float) -> Floats:
    """(ln value at the unit of compute, exponent) -> (C_N, exponent) of (C / C_N)^(sign · exponent)."""
    level, exponent = theta[..., 0], theta[..., 1]
    log_scale = LOG_COMPUTE - sign * level / exponent
    return np.stack([np.exp(np.minimum(log_scale, LARGEST_EXPONENT)), exponent], axis=-1)


def _flp(theta: Floats, inputs: Inputs) -> tuple[Floats, Floats]:
    x = inputs.log_compute
    value = np.exp(theta[..., :1] - theta[..., 1:] * x)
    return value, stacked(value, -x * value)


def _flp_starts(inputs: Inputs, y: Floats, rising: bool) -> Floats:
    starts: Floats = power(inputs.log_compute, y, False) * np.array([1.0, -1.0])
    return starts


def _flp_bounds(y: Floats, rising: bool) -> Bounds:
    return np.array([-LOG_SCALE, EXPONENT[0]]), np.array([LOG_SCALE, EXPONENT[1]])


def _nd(theta: Floats, inputs: Inputs) -> tuple[Floats, Floats]:
    n, d = inputs.log_params, inputs.log_tokens
    of_size = np.exp(theta[..., 1:2] - theta[..., 2:3] * n)
    of_data = np.exp(theta[..., 3:4] - theta[..., 4:5] * d)
    value = theta[..., :1] + of_size + of_data
    return value, stacked(np.ones_like(value), of_size, -n * of_size, of_data, -d * of_data)


def _nd_starts(inputs: Inputs, y: Floats, rising: bool) -> Floats:
    n, d = inputs.log_params, inputs.log_tokens
    starts = []
    for alpha, beta in product(STARTS, STARTS):
        e, a, b = least_squares([np.ones_like(n), np.exp(-alpha * n), np.exp(-beta * d)], y)
        starts.append([e, np.log(a), alpha, np.log(b), beta])
    return np.array(starts)


def _nd_bounds(y: Floats, rising: bool) -> Bounds:
    low, high = EXPONENT
    return (
        np.array([0.0, -LOG_SCALE, low, -LOG_SCALE, low]),
        np.array([float(np.max(y)), LOG_SCALE, high, LOG_SCALE, high]),
    )


def _nd_natural(theta: Floats) -> Floats:
    e, a, alpha, b, beta = np.moveaxis(theta, -1, 0)
    return np.stack([e, np.exp(a + alpha * LOG_PARAMS), alpha, np.exp(b + beta * LOG_TOKENS), beta], axis=-1)


def _overtraining(theta: Floats, inputs: Inputs) -> tuple[Floats, Floats]:
    n, d = inputs.log_params, inputs.log_tokens
    exponent = theta[..., 3:4]
    of_size, of_data = np.exp(theta[..., 1:2] - exponent * n), np.exp(theta[..., 2:3] - exponent * d)
    value = theta[..., :1] + of_size + of_data
    return value, stacked(np.ones_like(value), of_size, of_data, -n * of_size - d * of_data)


def _overtraining_starts(inputs: Inputs, y: Floats, rising: bool) -> Floats:
    n, d = inputs.log_params, inputs.log_tokens
    starts = []
    for exponent in (*STARTS, 0.18, 0.35, 0.6):
        e, a, b = least_squares([np.ones_like(n), np.exp(-exponent * n), np.exp(-exponent * d)], y)
        starts.append([e, np.log(a), np.log(b), exponent])
    return np.array(starts)


def _overtraining_bounds(y: Floats, rising: bool) -> Bounds:
    low, high = EXPONENT
    return (
        np.array([0.0, -LOG_SCALE, -LOG_SCALE, low]),
        np.array([float(np.max(y)), LOG_SCALE, LOG_SCALE, high]),
    )


def _overtraining_natural(theta: Floats) -> Floats:
    e, a, b, exponent = np.moveaxis(theta, -1, 0)
    of_data = np.exp(b + exponent * LOG_TOKENS) * 6 ** (exponent / 2)
    return np.stack([e, np.exp(a + exponent * LOG_PARAMS), of_data, -exponent], axis=-1)


FLP = Form(
    name="flp",
    kind="loss",
    parameters=("C_N", "alpha"),
    formula="L = (C / C_N)^(−alpha)",
    needs=("compute",),
    of_error=False,
    log_residuals=True,
    values=_flp,
    starts=_flp_starts,
    bounds=_flp_bounds,
    natural=lambda theta: as_power(theta, -1.0),
)
ND = Form(
    name="nd",
    kind="loss",
    parameters=("E", "A", "alpha", "B", "beta"),
    formula="L = E + A / N^alpha + B / D^beta",
    needs=("params", "tokens"),
    of_error=False,
    log_residuals=True,
    values=_nd,
    starts=_nd_starts,
    bounds=_nd_bounds,
    natural=_nd_natural,
)
OVERTRAINING = Form(
    name="overtraining",
    kind="loss",
    parameters=("E", "a", "beta", "b"),
    formula="L = E + a·N^b + beta·6^(b/2)·(M·N)^b with M = D / N",
    needs=("params", "tokens"),
    of_error=False,
    log_residuals=True,
    values=_overtraining,
    starts=_overtraining_starts,
    bounds=_overtraining_bounds,
    natural=_overtraining_natural,
)
DIRECT = Form(
    name="direct",
    kind="direct",
    parameters=("E", "A", "alpha", "B", "beta"),
    formula="error = E + A / N^alpha + B / D^beta",
    needs=("params", "tokens"),
    of_error=True,
    log_residuals=False,
    values=_nd,
    starts=_nd_starts,
    bounds=_nd_bounds,
    natural=_nd_natural,
)
