"""Many small robust fits at once: a damped Newton method over a batch of problems that share their points.

The problems differ in weights and in where they start. Each minimises Σ wᵢ ρ(rᵢ(θ)) in a box, with ρ Huber's function
(Huber 1964; δ = ∞ gives least squares). A step is the minimum in the box of the quadratic with the matrix
N + min(λ, 1)·M + λ·diag: N is the Gauss-Newton matrix of ρ, to which only residuals below δ contribute, M that of the
parabolas that lie above ρ (iteratively reweighted least squares), without which a step would not see the others. λ is
kept per problem as in Levenberg-Marquardt (Moré 1978): small, and steps are Newton's; large, and they are short.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ptp_core.predict.scaling.laws.form import Bounds, Floats

Mask = NDArray[np.bool_]
Residuals = Callable[[Floats], tuple[Floats, Floats]]
"""theta (B, p) -> residuals (B, n) and their slopes (B, n, p)."""
ROUNDS = 100
ENOUGH = 1e-8
"""A fit has ended once free steps lower its objective by less than this share, twice in a row."""
FREE, HOPELESS = 1.0, 1e8
"""Dampings up to which a step counts as free, and from which on no step will help."""
FIRST_DAMPING, LEAST_DAMPING, MOST_DAMPING = 1e-1, 1e-7, 1e12
WALLS = 8
"""Times that a step is asked again because of the walls of its box."""
NUMBERS = 1_000_000
"""So many slopes are held at once, at most; they then stay near the processor."""


def minimise(
    residuals: Residuals, theta: Floats, weights: Floats, bounds: Bounds, delta: float
) -> tuple[Floats, Floats]:
    """Best theta (B, p) and objectives (B,) from starts (B, p), with weights (B, n); ``delta`` is Huber's δ."""
    theta = np.clip(theta, *bounds)
    size = max(1, NUMBERS // (weights.shape[1] * theta.shape[1]))
    parts = [
        _minimise(residuals, theta[i : i + size], weights[i : i + size], bounds, delta)
        for i in range(0, len(theta), size)
    ]
    return np.concatenate([part[0] for part in parts]), np.concatenate([part[1] for part in parts])


def objective(r: Floats, weights: Floats, delta: float) -> Floats:
    """Σ w ρ(r) over the last axis; ρ is Huber's function."""
    size = np.abs(r)
    near = np.minimum(size, delta)
    total: Floats = (weights * near * (size - near / 2)).sum(axis=-1)
    return total


def _minimise(
    residuals: Residuals, theta: Floats, weights: Floats, bounds: Bounds, delta: float
) -> tuple[Floats, Floats]:
    best, ends = theta.copy(), np.empty(len(theta))
    left = np.arange(len(theta))
    damping, still = np.full(len(theta), FIRST_DAMPING), np.zeros(len(theta), dtype=np.int64)
    r, slopes = residuals(theta)
    value = objective(r, weights, delta)
    for _ in range(ROUNDS):
        tried = np.clip(theta + _step(theta, r, slopes, weights, damping, bounds, delta), *bounds)
        r_tried, slopes_tried = residuals(tried)
        value_tried = objective(r_tried, weights, delta)
        better = value_tried < value
        small = (value - value_tried <= ENOUGH * value) & (better & (damping <= FREE) | (damping >= HOPELESS))
        still = np.where(small, still + 1, np.where(better, 0, still))
        damping = np.clip(np.where(better, damping / 5, damping * 6), LEAST_DAMPING, MOST_DAMPING)
        theta, value = np.where(better[:, None], tried, theta), np.where(better, value_tried, value)
        r, slopes = np.where(better[:, None], r_tried, r), np.where(better[:, None, None], slopes_tried, slopes)
        done = still >= 2
        if done.any():
            best[left[done]], ends[left[done]] = theta[done], value[done]
            on = ~done
            left, theta, value, damping, still = left[on], theta[on], value[on], damping[on], still[on]
            r, slopes, weights = r[on], slopes[on], weights[on]
        if not len(left):
            break
    best[left], ends[left] = theta, value
    return best, ends


def _step(
    theta: Floats, r: Floats, slopes: Floats, weights: Floats, damping: Floats, box: Bounds, delta: float
) -> Floats:
    size = np.maximum(np.abs(r), 1e-300)
    pull = weights * np.minimum(1.0, delta / size)  # w ρ'(r) / r
    stiff = weights * (size <= delta) + np.minimum(damping, 1.0)[:, None] * pull
    gradient = np.matmul((pull * r)[:, None, :], slopes)[:, 0, :]
    matrix = np.matmul((slopes * stiff[:, :, None]).swapaxes(1, 2), slopes)
    diagonal = np.einsum("bii->bi", matrix)
    diagonal *= 1 + damping[:, None]
    low, high = box[0] - theta, box[1] - theta
    return _in_box(matrix, gradient, low, high)


def _in_box(matrix: Floats, gradient: Floats, low: Floats, high: Floats) -> Floats:
    """Minimum of ½s·matrix·s + gradient·s in boxes around 0: (B, p, p), (B, p) each -> (B, p).

    Primal-dual active sets (Hintermüller, Ito & Kunisch 2003): what has left the box is put on its wall, what pulls
    off a wall is let go, until nothing changes. It may cycle, so that the caller must clip what it gets.
    """
    at_low, at_high = (low >= 0) & (gradient > 0), (high <= 0) & (gradient < 0)
    step = _newton(matrix, gradient, at_low | at_high, np.where(at_low, low, high))
    rows = np.arange(len(step))
    for _ in range(WALLS):
        s, was_low, was_high = step[rows], at_low[rows], at_high[rows]
        pull = gradient[rows] + np.matmul(matrix[rows], s[..., None])[..., 0]
        free = ~(was_low | was_high)
        now_low = np.where(free, s < low[rows], was_low & (pull > 0))
        now_high = np.where(free, s > high[rows], was_high & (pull < 0))
        changed = ((now_low != was_low) | (now_high != was_high)).any(axis=1)
        if not changed.any():
            break
        rows, now_low, now_high = rows[changed], now_low[changed], now_high[changed]
        at_low[rows], at_high[rows] = now_low, now_high
        walls = np.where(now_low, low[rows], high[rows])
        step[rows] = _newton(matrix[rows], gradient[rows], now_low | now_high, walls)
    return step


def _newton(matrix: Floats, gradient: Floats, held: Mask, moved: Floats) -> Floats:
    """Steps (B, p) to the minimum of the quadratic, where what is held moves by ``moved`` (B, p)."""
    fixed = np.where(held, moved, 0.0)
    wanted = np.where(held, fixed, -gradient - np.matmul(matrix, fixed[..., None])[..., 0])
    free = ~held
    matrix = matrix * (free[:, :, None] & free[:, None, :])
    diagonal = np.einsum("bii->bi", matrix)
    # What is held, or what nothing depends on, gets a row of its own; rounding cannot make the matrix singular.
    diagonal *= 1 + 1e-10
    diagonal[diagonal <= 0] = 1.0
    scale = 1 / np.sqrt(diagonal)
    scaled = matrix * scale[:, :, None] * scale[:, None, :]
    step: Floats = np.linalg.solve(scaled, (wanted * scale)[..., None])[..., 0] * scale
    return np.where(np.isfinite(step), step, 0.0)
