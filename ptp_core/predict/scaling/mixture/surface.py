"""A target over mixtures, for a picture: along a line, over a triangle, or through the two sources that matter most."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ptp_core.predict.scaling.points import Floats

LINE, DIVISIONS = 41, 20
"""Points of a line; divisions of a triangle's side, which make 231 points."""

Values = Callable[[Floats], Floats]
"""(m, sources) mixtures → (m,) predicted values."""


def surface(values: Values, sources: tuple[str, ...], fitted: Floats) -> tuple[dict[str, Any], list[int]]:
    """The block without target and points, and which sources its shares are of.

    Of more than three sources the two with the largest effect span the picture, and the others share the rest in the
    proportion of their means over the ``fitted`` (n, sources) mixtures.
    """
    if len(sources) == 2:
        kind, picked, grid = "line", [0, 1], np.linspace(0, 1, LINE)
        mixtures = np.column_stack([grid, 1 - grid])
    else:
        steps = [(i, j) for i in range(DIVISIONS + 1) for j in range(DIVISIONS + 1 - i)]
        corner = np.array(steps) / DIVISIONS
        kind = "triangle" if len(sources) == 3 else "slice"
        picked = [0, 1, 2] if kind == "triangle" else largest_effects(values, fitted)
        mixtures = _with_rest(corner, picked[:2], fitted.mean(axis=0))
    predicted = values(mixtures).tolist()
    shown = mixtures[:, picked].tolist()
    grid_block = [{"shares": shares, "predicted": value} for shares, value in zip(shown, predicted, strict=True)]
    return {"sources": [sources[i] for i in picked], "kind": kind, "grid": grid_block}, picked


def largest_effects(values: Values, fitted: Floats) -> list[int]:
    """The two sources whose share changes the prediction most, from its 5th to its 95th percentile among the fitted."""
    mean = fitted.mean(axis=0)
    ends = np.quantile(fitted, [0.05, 0.95], axis=0)
    at = np.concatenate([_with_rest(ends[:, [s]], [s], mean) for s in range(fitted.shape[1])])
    change = np.abs(np.diff(values(at).reshape(-1, 2), axis=1)[:, 0])
    return sorted(np.argsort(-np.nan_to_num(change), kind="stable")[:2].tolist())


def _with_rest(shares: Floats, picked: list[int], mean: Floats) -> Floats:
    """(m, sources): the picked ones as given, the others in proportion to their means in what is left."""
    others = np.delete(np.arange(len(mean)), picked)
    mixtures = np.zeros((len(shares), len(mean)))
    mixtures[:, picked] = shares
    mixtures[:, others] = (1 - shares.sum(axis=1, keepdims=True)).clip(min=0) * mean[others] / mean[others].sum()
    return mixtures
