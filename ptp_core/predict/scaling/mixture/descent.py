"""Many robust least-squares fits of one curve at once: starts, folds, penalties and resamples side by side."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ptp_core.predict.scaling.points import Floats

Curve = Callable[[Floats], tuple[Floats, Floats]]
"""(B, p) parameters → (B, n) values and (B, n, p) derivatives."""
STEPS, LONGEST, ENOUGH = 80, 2.0, 1e-7
"""Most steps; the longest step in any parameter (they are logarithms and exponents); a gain too small to go on."""
HUBER = 1.345
"""Robust standard deviations beyond which a residual counts linearly: 95 % efficiency under normal errors (Huber)."""
CHUNK = 4_000_000
"""Derivatives held at a time: 32 MB."""


def descend(
    curve: Curve, y: Floats, weights: Floats, start: Floats, centre: Floats, penalty: Floats, bend: float = np.inf
) -> tuple[Floats, Floats]:
    """(B, p) parameters and (B,) objectives of B fits to one ``y`` (n,).

    Minimises Σ_i w_i·ρ(curve_i - y_i) + Σ_j λ_j·(θ_j - centre_j)², where ρ(r) is r² up to ``bend`` and linear beyond
    (Huber 1964); ``weights`` are (B, n), ``start`` and ``penalty`` (B, p), all penalties above 0. Levenberg-Marquardt
    on reweighted residuals, each fit with its own damping; a fit that has converged is left alone.
    """
    chunk = max(1, CHUNK // (len(y) * start.shape[1]))
    parts = [slice(at, at + chunk) for at in range(0, len(start), chunk)]
    found = [_descend(curve, y, weights[p], start[p], centre, penalty[p], bend) for p in parts]
    return np.concatenate([theta for theta, _ in found]), np.concatenate([value for _, value in found])


def _descend(
    curve: Curve, y: Floats, weights: Floats, start: Floats, centre: Floats, penalty: Floats, bend: float
) -> tuple[Floats, Floats]:
    theta, damping, going = start.copy(), np.full(len(start), 1e-2), np.arange(len(start))
    values, slopes = curve(theta)
    residual = values - y
    objective = _objective(residual, weights, theta - centre, penalty, bend)
    for _ in range(STEPS):
        at = going
        step = _step(residual[at], slopes[at], weights[at], theta[at] - centre, penalty[at], damping[at], bend)
        tried = theta[at] + step
        values, new_slopes = curve(tried)
        new = _objective(values - y, weights[at], tried - centre, penalty[at], bend)
        better = new < objective[at]
        stuck = np.where(better, objective[at] - new <= ENOUGH * objective[at], damping[at] > 1e8)
        won = at[better]
        theta[won], residual[won], slopes[won] = tried[better], (values - y)[better], new_slopes[better]
        objective[won] = new[better]
        damping[at] *= np.where(better, 1 / 3, 4)
        going = at[~stuck]
        if not len(going):
            break
    return theta, objective


def _objective(residual: Floats, weights: Floats, away: Floats, penalty: Floats, bend: float) -> Floats:
    size = np.abs(residual)
    bent = np.minimum(size, bend)
    return np.asarray((weights * bent * (2 * size - bent)).sum(axis=1) + (penalty * away**2).sum(axis=1))


def _step(
    residual: Floats, slopes: Floats, weights: Floats, away: Floats, penalty: Floats, damping: Floats, bend: float
) -> Floats:
    reweighted = weights * np.minimum(1, bend / np.maximum(np.abs(residual), 1e-300))
    matrix = np.matmul((slopes * reweighted[..., None]).transpose(0, 2, 1), slopes)
    gradient = np.matmul((reweighted * residual)[:, None], slopes)[:, 0] + penalty * away
    diagonal = np.arange(matrix.shape[1])
    matrix[:, diagonal, diagonal] += penalty
    matrix[:, diagonal, diagonal] *= 1 + damping[:, None]
    step = np.linalg.solve(matrix, -gradient[..., None])[..., 0]
    return np.asarray(np.clip(step, -LONGEST, LONGEST))


def robust_spread(residual: Floats) -> float:
    """Standard deviation of normal errors with this median distance from 0."""
    return float(1.4826 * np.median(np.abs(residual)))
