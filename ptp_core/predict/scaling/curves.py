"""Lines with bands for the page: value against compute, and score against loss."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ptp_core.predict.scaling.chains import Combined, Law, Stage, Unfit
from ptp_core.predict.scaling.emerged import Metric, emerged
from ptp_core.predict.scaling.laws.forms import Inputs
from ptp_core.predict.scaling.points import Floats, Points
from ptp_core.predict.scaling.roles import Aims, Roles

STREAM = 61
GRID = 40
BEYOND = 2.0
"""Lines go on to so many times the largest compute there is."""
MOST_POINTS = 400
DIGITS = 5
Block = dict[str, Any]


def path_of(ends: Points, aims: Aims) -> Inputs:
    """Sizes along the lines (GRID,): from the least compute to twice the largest, at the median tokens per parameter.

    ``ends`` are those of the group's runs. Compute is counted as theirs is: the median of C / (N·D) says how.
    """
    compute = np.concatenate([ends.compute, aims.compute])
    params, tokens = np.concatenate([ends.params, aims.params]), np.concatenate([ends.tokens, aims.tokens])
    known = (compute > 0) & (tokens > 0)
    x = np.geomspace(compute[known].min(), BEYOND * compute[known].max(), GRID)
    ratio = float(np.median(tokens[known] / params[known]))
    each = float(np.median(compute[known] / (params[known] * tokens[known])))
    size = np.sqrt(x / (each * ratio))
    return Inputs(size, ratio * size, x)


def against_compute(
    metric: Metric,
    laws: Mapping[str, Law | Combined | Unfit],
    ends: Points,
    roles: Roles,
    path: Inputs,
    *,
    confidence: float,
    seed: int,
) -> Block:
    """Ends of the group's runs, and a line with its band for each form that could be fitted."""
    values = ends.values[metric.name]
    points = [
        {"run": run, "x": _short(ends.compute[i]), "y": _short(values[i]), "role": roles.of(run)}
        for i, run in enumerate(ends.runs)
        if np.isfinite(values[i])
    ]
    x = np.asarray(path.compute)
    lines = [
        _line(form, x, law.predict(path), law.band(path, [seed, STREAM], confidence))
        for form, law in laws.items()
        if not isinstance(law, Unfit)
    ]
    return {"x": "compute", "points": points, "lines": lines}


def against_loss(
    metric: Metric,
    stages: Mapping[str, Stage],
    points: Points,
    ends: Points,
    roles: Roles,
    *,
    emerged_share: float,
    confidence: float,
    seed: int,
) -> Block:
    """Ends and checkpoints of the group's runs (at most 400), and a line with its band for each law of the score."""
    shown = [*_rows(metric, ends, roles, emerged_share, final=True)]
    rows = _rows(metric, points, roles, emerged_share, final=False) if len(points.run) > len(ends.run) else []
    left = max(MOST_POINTS - len(shown), 0)
    if len(rows) > left:
        rows = [rows[i] for i in np.linspace(0, len(rows) - 1, left).round().astype(int)]
    losses = np.array([row["x"] for row in [*rows, *shown] if row["emerged"]] or [row["x"] for row in shown])
    lines = []
    if len(losses):
        reach = 0.1 * (losses.max() - losses.min())
        x = np.linspace(max(losses.min() - reach, 1e-6), losses.max() + reach, GRID)
        inputs = Inputs(loss=x)
        lines = [
            _line(form, x, law.predict(inputs), law.band(inputs, [seed, STREAM], confidence))
            for form, law in ((form, Law((stage,))) for form, stage in stages.items())
        ]
    return {"loss": metric.loss, "points": [*rows, *shown][:MOST_POINTS], "lines": lines}


def _rows(metric: Metric, points: Points, roles: Roles, share: float, *, final: bool) -> list[Block]:
    loss, score = points.values[str(metric.loss)], points.values[metric.name]
    above = emerged(metric, score, share)
    return [
        {
            "run": points.runs[points.run[i]],
            "x": _short(loss[i]),
            "y": _short(score[i]),
            "role": roles.of(points.runs[points.run[i]]),
            "final": final,
            "emerged": bool(above[i]),
        }
        for i in np.flatnonzero(np.isfinite(loss) & np.isfinite(score)).tolist()
    ]


def _line(form: str, x: Floats, y: Floats, interval: Floats) -> Block:
    columns = {"x": x, "y": y, "low": interval[:, 0], "high": interval[:, 1]}
    return {"form": form} | {name: [_short(value) for value in column] for name, column in columns.items()}


def _short(value: float) -> float | None:
    """Five digits: a page of curves is not to be megabytes."""
    return float(f"{value:.{DIGITS}g}") if np.isfinite(value) else None
