"""Fits of a law: many starts, robust or by squares, and again over resamples of the runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from ptp_core.predict.scaling.laws.form import Floats, Form, Inputs
from ptp_core.predict.scaling.laws.solver import Residuals, minimise, objective

By = Literal["huber", "squares"]
LOG_DELTA = 1e-3
"""Huber's δ for logarithms of losses (Hoffmann et al. 2022, appendix D.2)."""
SCORE_DELTA = 1e-2
"""Huber's δ for scores: a hundredth of the ceiling, about what a benchmark of a thousand items is off by chance."""


class TooFew(Exception):  # noqa: N818 (it is no mistake of the user's: the caller says it in a status)
    """There are too few points for a form, or they do not tell its parameters apart; ``str`` says why, for people."""


@dataclass(frozen=True)
class Fit:
    """A fitted law."""

    form: Form
    theta: Floats
    """(p,): the coordinates it was fitted in."""
    objective: float
    converged: bool
    """Whether it predicts finite values, and a second start, or the only one there is, ends at the same objective."""

    @property
    def parameters(self) -> dict[str, float]:
        """Name → value, as in the formula."""
        return dict(zip(self.form.parameters, self.form.natural(self.theta).tolist(), strict=True))


def fit(
    form: Form,
    inputs: Inputs,
    y: Floats,
    weights: Floats | None = None,
    *,
    by: By = "huber",
    ceiling: float = 1.0,
    rising: bool = True,
) -> Fit:
    """The law through the points y (n,), from many starts.

    ``huber``: Huber's loss with δ = 1e-3 of the residuals of ln L; scores and errors are compared as shares of the
    ceiling, with δ = 1e-2. ``squares``: least squares of losses, or of shares of the ceiling, as they are. ``weights``
    (n,) default to 1. Raises TooFew (see ``check``).
    """
    check(form, inputs, y)
    response = form.response(np.asarray(y, dtype=np.float64), ceiling, rising)
    starts = form.starts(inputs, response, rising)
    one = np.ones(len(y)) if weights is None else np.asarray(weights, dtype=np.float64)
    ends, objectives = _solve(form, inputs, response, np.tile(one, (len(starts), 1)), starts, by, rising)
    best = int(np.argmin(objectives))
    agree = objectives <= objectives[best] * (1 + 1e-3) + 1e-12
    converged = bool(np.isfinite(objectives[best])) and (int(agree.sum()) >= min(2, len(starts)))
    return Fit(form, ends[best], float(objectives[best]), converged)


def refit(
    form: Form,
    inputs: Inputs,
    y: Floats,
    weights: Floats,
    theta: Floats,
    *,
    by: By = "huber",
    ceiling: float = 1.0,
    rising: bool = True,
) -> Floats:
    """The law refitted with each row of weights (B, n), begun at theta (p,) -> (B, p)."""
    response = form.response(np.asarray(y, dtype=np.float64), ceiling, rising)
    starts = np.tile(theta, (len(weights), 1))
    return _solve(form, inputs, response, np.asarray(weights, dtype=np.float64), starts, by, rising)[0]


def check(form: Form, inputs: Inputs, y: Floats) -> None:
    """Raises TooFew where a form cannot be fitted to n points.

    It takes one point more than parameters; as many values of each input as a curve needs (two); and, for laws of size
    and tokens, tokens per parameter that differ, since otherwise nothing tells the two apart.
    """
    p = len(form.parameters)
    if len(y) <= p:
        raise TooFew(f"{len(y)} points for {p} parameters; it takes {p + 1}")
    for name in form.needs:
        if len(np.unique(np.asarray(getattr(inputs, name)))) < 2:
            raise TooFew(f"all {len(y)} points have the same {name}")
    if "tokens" in form.needs and np.ptp(inputs.log_tokens - inputs.log_params) < 1e-2:
        raise TooFew(f"all {len(y)} points have the same tokens per parameter, which leaves size and tokens undivided")


def misfit(
    form: Form,
    inputs: Inputs,
    y: Floats,
    weights: Floats,
    theta: Floats,
    *,
    by: By = "huber",
    ceiling: float = 1.0,
    rising: bool = True,
) -> Floats:
    """What fits minimise, at theta (B, p), for each row of weights (B, n), scaled to a mean of 1 -> (B,)."""
    residuals, delta = _problem(form, inputs, form.response(y, ceiling, rising), by)
    return objective(residuals(theta)[0], weights / weights.mean(axis=1, keepdims=True), delta)


def _solve(
    form: Form, inputs: Inputs, response: Floats, weights: Floats, starts: Floats, by: By, rising: bool
) -> tuple[Floats, Floats]:
    residuals, delta = _problem(form, inputs, response, by)
    # Weights are brought to a mean of 1: dampings and tolerances then mean the same in every problem.
    scaled = weights / weights.mean(axis=1, keepdims=True)
    return minimise(residuals, starts, scaled, form.bounds(response, rising), delta)


def _problem(form: Form, inputs: Inputs, response: Floats, by: By) -> tuple[Residuals, float]:
    """(What is predicted less what was measured, by theta (B, p), with slopes; Huber's δ)."""
    logs = by == "huber" and form.log_residuals
    delta = np.inf if by == "squares" else LOG_DELTA if logs else SCORE_DELTA
    target = np.log(response) if logs else response

    def residuals(theta: Floats) -> tuple[Floats, Floats]:
        value, slopes = form.values(theta, inputs)
        return (np.log(value) - target, slopes / value[..., None]) if logs else (value - target, slopes)

    return residuals, delta
