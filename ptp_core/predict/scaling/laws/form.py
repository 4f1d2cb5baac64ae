"""What a law is: inputs, coordinates, values with their slopes, and how scores of any unit are read and given back."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Kind = Literal["loss", "score", "direct"]
Bounds = tuple[Floats, Floats]
LOG_PARAMS, LOG_TOKENS, LOG_COMPUTE = math.log(1e8), math.log(2e9), math.log(1e18)
"""Sizes are counted in these units while a law is fitted, so that its coordinates are of the order of one."""
EXPONENT = (1e-3, 3.0)
"""Exponents are positive: more size, data or compute never makes a prediction worse."""


@dataclass(frozen=True)
class Inputs:
    """What laws read, (n,) each, None where a form does not need it; for predictions a loss may be (B, n)."""

    params: Floats | None = None
    tokens: Floats | None = None
    compute: Floats | None = None
    loss: Floats | None = None

    @property
    def log_params(self) -> Floats:
        """ln of the parameters, in the unit of the fits."""
        return _log(self.params, "params", LOG_PARAMS)

    @property
    def log_tokens(self) -> Floats:
        """ln of the tokens, in the unit of the fits."""
        return _log(self.tokens, "tokens", LOG_TOKENS)

    @property
    def log_compute(self) -> Floats:
        """ln of the FLOPs, in the unit of the fits."""
        return _log(self.compute, "compute", LOG_COMPUTE)

    @property
    def losses(self) -> Floats:
        """The losses; ValueError where there are none."""
        return _given(self.loss, "loss")


def _given(values: Floats | None, name: str) -> Floats:
    if values is None:
        raise ValueError(f"this form needs {name}")
    return np.asarray(values, dtype=np.float64)


def _log(values: Floats | None, name: str, unit: float) -> Floats:
    logs: Floats = np.log(_given(values, name)) - unit
    return logs


@dataclass(frozen=True)
class Form:
    """A law. ``theta`` (…, p) are the coordinates it is fitted in; ``natural`` turns them into those of its formula."""

    name: str
    kind: Kind
    parameters: tuple[str, ...]
    """Names of what ``natural`` gives."""
    formula: str
    """For people; scores and errors in it are shares of the ceiling."""
    needs: tuple[str, ...]
    """Fields of ``Inputs``."""
    of_error: bool
    """Whether it is a law of the error, 1 − score / ceiling (or the value / ceiling where lower is better)."""
    log_residuals: bool
    """Whether robust fits compare logarithms."""
    values: Callable[[Floats, Inputs], tuple[Floats, Floats]]
    """theta (…, p), inputs -> values (…, n) and their slopes by theta (…, n, p)."""
    starts: Callable[[Inputs, Floats, bool], Floats]
    """inputs, values (n,), rising -> (starts, p): where a fit begins."""
    bounds: Callable[[Floats, bool], Bounds]
    """values (n,), rising -> lowest and highest theta, (p,) each."""
    natural: Callable[[Floats], Floats]
    """theta (…, p) -> the parameters of the formula (…, p)."""

    def predict(self, theta: Floats, inputs: Inputs, *, ceiling: float = 1.0, rising: bool = True) -> Floats:
        """Predicted losses or scores in their own unit, (…, p) and inputs (n,) -> (…, n).

        ``ceiling`` and ``rising`` (higher is better) must be those of the fit; laws of a loss do not read them.
        """
        return self.restored(self.values(np.asarray(theta, dtype=np.float64), inputs)[0], ceiling, rising)

    def response(self, y: Floats, ceiling: float, rising: bool) -> Floats:
        """What is fitted: losses as they are, scores as shares of the ceiling, or the errors that are left of it."""
        if self.kind == "loss":
            return y
        share = y / ceiling
        return 1 - share if self.of_error and rising else share

    def restored(self, response: Floats, ceiling: float, rising: bool) -> Floats:
        """The inverse of ``response``."""
        if self.kind == "loss":
            return response
        return ceiling * (1 - response if self.of_error and rising else response)


def stacked(*slopes: Floats | float) -> Floats:
    """Slopes (…, n) by one parameter each -> (…, n, p)."""
    return np.stack(np.broadcast_arrays(*slopes), axis=-1)


def least_squares(columns: list[Floats], y: Floats) -> Floats:
    """Coefficients of the columns (n,), each at least a millionth of the spread of ``y``, but the first at least 0.

    They only start a fit, so that a projection will do in place of a constrained problem.
    """
    solved = np.linalg.lstsq(np.stack(columns, axis=1), y, rcond=None)[0]
    least = np.full(len(columns), 1e-6 * max(float(np.ptp(y)), 1e-6))
    least[0] = 0.0
    coefficients: Floats = np.maximum(solved, least)
    return coefficients
