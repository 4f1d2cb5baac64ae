"""Laws of the loss after fine-tuning on n examples: the rectified law, what it competes with, and their fits.

The rectified law L(n) = E + B / (D + n^β) (Lin et al. 2024, arXiv 2402.02314, equation 4) is a power law that starts
late: D is what pre-training is worth in fine-tuning data. Given β and D it is linear in E and B, so that a fit is a
search of a grid with a linear problem of two unknowns in each cell: no starts, no local minima, all models at once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Predict = Callable[[Floats, Floats, Floats], Floats]
"""sizes (k,), losses (m, k), sizes to predict (j,) -> losses (m, j)."""
EXPONENTS = (0.02, 3.0)
REACH = 100.0
"""What pre-training is worth lies between the smallest size over this and the largest times it."""
CELLS, ZOOMS = 33, 14
POOLINGS = 6
PULLS = (0.003, 0.01, 0.03)
"""Strengths of the pull to a common exponent and to no floor: the relative error of one point that ln β one off, or a
floor as high as the last loss, costs."""
RECENCIES = (0.0, 0.25, 0.5)
"""Powers of its size that a point weighs in proportion to: the law need not hold at the sizes far from the target."""


@dataclass(frozen=True)
class Rectified:
    """Fitted laws of m models; arrays are (m,)."""

    floor: Floats
    """E."""
    reducible: Floats
    """Loss above the floor at ``first`` examples; B = reducible · (D + first^β)."""
    log_exponent: Floats
    """ln β."""
    log_worth: Floats
    """ln of the examples that pre-training is worth, D^(1/β); −∞ for a plain power law."""
    first: float

    def at(self, sizes: Floats) -> Floats:
        """Losses after (j,) examples -> (m, j)."""
        falling = _falling(self.log_exponent[:, None], self.log_worth[:, None], sizes, self.first)
        predicted: Floats = self.floor[:, None] + self.reducible[:, None] * falling[:, 0]
        return predicted


@dataclass(frozen=True)
class Problem:
    """What is fitted, and how hard it is drawn where."""

    sizes: Floats
    """(k,)."""
    losses: Floats
    """(m, k)."""
    weights: Floats
    """(k,)."""
    pull: float
    centre: float
    """Of ln β."""


def fit_rectified(
    sizes: Floats, losses: Floats, *, late: bool = True, pull: float = 0.0, recency: float = 0.0
) -> Rectified:
    """Least relative squares of the laws of m models, losses (m, k) after sizes (k,) > 0.

    Minimised, E and B ≥ 0: Σ (n/n_k)^(2·recency) · (L̂/L − 1)² + pull² · ((ln β − centre)² + (E/L_k)²), centre the
    median of ln β over the models. ``late``: with a phase before the power law, else D = 0. Few small sizes leave β
    and E undecided between a low floor that is approached slowly and a high one that is soon reached; the pull decides.
    """
    problem = Problem(sizes, losses, (sizes / sizes[-1]) ** recency, 0.0, 0.0)
    law = _search(problem, late)
    for strength in (PULLS[0], *[pull] * POOLINGS) if pull else ():
        law = _search(replace(problem, pull=strength, centre=float(np.median(law.log_exponent))), late)
    return law


def _search(problem: Problem, late: bool) -> Rectified:
    sizes, losses = problem.sizes, problem.losses
    exponents = np.log(np.geomspace(*EXPONENTS, CELLS))
    worths = np.log(np.geomspace(sizes[0] / REACH, sizes[-1] * REACH, CELLS)) if late else np.array([-np.inf])
    steps = np.array([exponents[1] - exponents[0], worths[1] - worths[0] if late else 0.0])
    grid = np.stack(np.meshgrid(exponents, worths), axis=-1).reshape(1, -1, 2)
    lowest, highest = grid.min(axis=1, keepdims=True), grid.max(axis=1, keepdims=True)
    offsets = np.stack(np.meshgrid(*[np.linspace(-1, 1, 7), np.linspace(-1, 1, 7) if late else [0.0]]), axis=-1)
    for zoom in range(ZOOMS + 1):
        linear, objective = _linear_parts(grid, problem)
        best = np.argmin(objective, axis=1)
        rows = np.arange(len(losses))
        place = np.broadcast_to(grid, (len(losses), *grid.shape[1:]))[rows, best]
        if zoom < ZOOMS:
            around = place[:, None] + offsets.reshape(1, -1, 2) * steps / 2**zoom
            grid = np.clip(around, lowest, highest)
    floor, reducible = linear[rows, best].T
    return Rectified(floor, reducible, place[:, 0], place[:, 1], float(sizes[0]))


def _falling(log_exponent: Floats, log_worth: Floats, sizes: Floats, first: float) -> Floats:
    """(D + first^β) / (D + n^β), (m, c) and sizes (k,) -> (m, c, k); 1 at ``first`` and falling."""
    exponent = np.exp(log_exponent)[..., None]
    # Logarithms of sums, since n^β overflows no float there; −∞ · β is no worth at all.
    worth = exponent * log_worth[..., None]
    logs = np.logaddexp(worth, exponent * np.log(first)) - np.logaddexp(worth, exponent * np.log(sizes))
    falling: Floats = np.exp(logs)
    return falling


def _linear_parts(grid: Floats, problem: Problem) -> tuple[Floats, Floats]:
    """Floor and reducible loss ≥ 0 of each cell, (m, c, 2), and the objective (m, c); the grid is (m or 1, c, 2)."""
    losses, w = problem.losses[:, None], problem.weights
    falling = _falling(grid[..., 0], grid[..., 1], problem.sizes, float(problem.sizes[0]))
    # Residuals floor · one + reducible · bent − w, of L̂/L − 1.
    one, bent = w / losses, falling * (w / losses)
    a = (one**2).sum(axis=-1) + (problem.pull / losses[..., -1]) ** 2
    b, c = (bent * one).sum(axis=-1), (bent**2).sum(axis=-1)
    p, q = (one * w).sum(axis=-1), (bent * w).sum(axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        free = (p * c - q * b) / (a * c - b**2)
    # Least squares of two unknowns in a quadrant: what would fall below 0 stays at it.
    floor = np.where(np.isfinite(free), np.maximum(free, 0.0), 0.0)
    reducible = np.maximum((q - b * floor) / c, 0.0)
    floor = np.where(reducible == 0, p / a, floor)
    squares = a * floor**2 + 2 * b * floor * reducible + c * reducible**2 - 2 * (p * floor + q * reducible)
    penalty = problem.pull**2 * (grid[..., 0] - problem.centre) ** 2
    return np.stack([floor, reducible], axis=-1), squares + penalty


def _last(sizes: Floats, losses: Floats, at: Floats) -> Floats:
    return np.repeat(losses[:, -1:], len(at), axis=1)


def _slope(sizes: Floats, losses: Floats, at: Floats) -> Floats:
    exponent = np.log(losses[:, -2] / losses[:, -1]) / np.log(sizes[-1] / sizes[-2])
    predicted: Floats = losses[:, -1:] * (at / sizes[-1]) ** -exponent[:, None]
    return predicted


def _law(sizes: Floats, losses: Floats, at: Floats, *, late: bool, pull: float = 0.0, recency: float = 0.0) -> Floats:
    return fit_rectified(sizes, losses, late=late, pull=pull, recency=recency).at(at)


@dataclass(frozen=True)
class TuningForm:
    """A way to predict the loss after more examples."""

    formula: str
    """For people; s is the largest size that is fitted."""
    settings: tuple[Predict, ...]
    """How it can be set; held-out error within the fitted sizes decides."""


FORMS = {
    "last": TuningForm("L(n) = L(s)", (_last,)),
    "slope": TuningForm("L(n) = L(s)·(n/s)^−β, β from the last two sizes", (_slope,)),
    "power": TuningForm("L(n) = E + B/n^β", (partial(_law, late=False),)),
    "rectified": TuningForm("L(n) = E + B/(D + n^β)", (partial(_law, late=True),)),
    "rectified_shared": TuningForm(
        "L(n) = E + B/(D + n^β), β drawn to that of the other models, E to 0, late sizes weighing more",
        tuple(partial(_law, late=True, pull=pull, recency=recency) for recency in RECENCIES for pull in PULLS),
    ),
}
