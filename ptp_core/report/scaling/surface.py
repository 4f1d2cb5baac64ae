"""The predicted surface over mixtures: a line for two sources, a triangle or a square slice for more."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ptp_core.report.charts import Point, Scale, fit
from ptp_core.report.lines import rows_of
from ptp_core.report.numbers import finite, finite_all, level, percent
from ptp_core.report.plots import Curve, Plot, axis, polyline

SHADES = 8
SIDE = 520.0
"""Units of a side of the triangle or square."""
LEFT, TOP = 60.0, 34.0
MOST_CELLS, MOST_RUNS = 2500, 400


@dataclass(frozen=True)
class Dot:
    """A run on the surface."""

    x: float
    y: float
    title: str


@dataclass(frozen=True)
class Map:
    """Cells in shades (points of a polygon, shade, hover text), runs as rings, in units of ``box``."""

    box: tuple[float, float]
    edge: str
    cells: tuple[tuple[str, int, str], ...]
    dots: tuple[Dot, ...]
    labels: tuple[tuple[float, float, str, str], ...]
    low: str
    high: str
    is_triangle: bool


@dataclass(frozen=True)
class Surface:
    """A plot for two sources, a map otherwise."""

    target: str
    kind: str
    plot: Plot | None
    map: Map | None


def surface_of(block: Mapping[str, Any]) -> Surface | None:
    """The surface; None where there are too few places of it to draw."""
    sources = [str(source) for source in block.get("sources") or ()]
    n = len(sources)
    grid = [
        (shares, value)
        for row in rows_of(block.get("grid"))
        for shares, value in [_place(row, "predicted", n)]
        if shares
    ]
    if n < 2 or len(grid) < 2:
        return None
    runs = [
        (shares, value, str(row.get("run")))
        for row in rows_of(block.get("points"))
        for shares, value in [_place(row, "actual", n)]
        if shares
    ][:MOST_RUNS]
    target, kind = str(block.get("target")), str(block.get("kind"))
    if kind == "line":
        return Surface(target, kind, _line(target, sources, grid, runs), None)
    if n >= 3:
        return Surface(target, kind, None, _triangle(sources, grid, runs))
    return Surface(target, kind, None, _square(sources, grid, runs))


def _place(row: Mapping[str, Any], key: str, n: int) -> tuple[list[float], float]:
    """The shares of the first ``n`` sources and the value there; no shares where either is missing."""
    given = row.get("shares")
    shares = finite_all(given.values() if isinstance(given, Mapping) else given or ())
    value = finite(row.get(key))
    return (shares[:n], value) if value is not None and len(shares) >= min(n, 2) else ([], 0.0)


Grid = Sequence[tuple[list[float], float]]
Runs = Sequence[tuple[list[float], float, str]]


def _line(target: str, sources: Sequence[str], grid: Grid, runs: Runs) -> Plot:
    ordered = sorted((shares[0], value) for shares, value in grid)
    x = Scale(0.0, max(1.0, ordered[-1][0]) * 1.0001)
    y = fit([*(value for _, value in ordered), *(value for _, value, _ in runs)])
    points = tuple(
        Point(x.at(s[0]), y.from_top(v), f"{run}\n{sources[0]} {percent(s[0])}\nmeasured {level(v)}", "role-fit")
        for s, v, run in runs
    )
    path = polyline([share for share, _ in ordered], [value for _, value in ordered], x, y)
    return Plot(
        title=target,
        caption=f"{sources[0]} against {sources[1]}",
        x_title=f"share of {sources[0]}, the rest {sources[1]}",
        y_title=f"{target}, predicted (line) and measured (points)",
        x_ticks=x.ticks(5, label=percent),
        y_ticks=axis(y),
        curves=(Curve("predicted", "s0", path),),
        points=points,
    )


def _triangle(sources: Sequence[str], grid: Grid, runs: Runs) -> Map:
    """Shares of three sources as places in an equal-sided triangle, each corner all of one source."""
    height = SIDE * math.sqrt(3) / 2
    places = [(*_corner(shares, height), value, shares) for shares, value in grid[:MOST_CELLS]]
    radius = _spacing([(x, y) for x, y, _, _ in places]) / math.sqrt(3) * 1.03

    def cell(x: float, y: float) -> str:
        turns = [math.radians(angle) for angle in range(30, 390, 60)]
        around = [(x + radius * math.cos(turn), y + radius * math.sin(turn)) for turn in turns]
        return " ".join(f"{across:.0f},{down:.0f}" for across, down in around)

    edge = f"{LEFT + SIDE / 2:.0f},{TOP:.0f} {LEFT + SIDE:.0f},{TOP + height:.0f} {LEFT:.0f},{TOP + height:.0f}"
    labels = (
        (LEFT + SIDE / 2, TOP - 16, f"all {sources[0]}", ""),
        (LEFT, TOP + height + 30, f"all {sources[1]}", "start"),
        (LEFT + SIDE, TOP + height + 30, f"all {sources[2]}", "end"),
    )
    dots = [(*_corner(shares, height), value, run, shares) for shares, value, run in runs]
    return _map((SIDE + 2 * LEFT, height + TOP + 46), edge, places, cell, dots, labels, sources)


def _corner(shares: Sequence[float], height: float) -> tuple[float, float]:
    first, second = shares[0], shares[1]
    third = shares[2] if len(shares) > 2 else max(0.0, 1 - first - second)
    total = first + second + third or 1.0
    return LEFT + SIDE * (0.5 * first + third) / total, TOP + height * (1 - first / total)


def _square(sources: Sequence[str], grid: Grid, runs: Runs) -> Map:
    """Shares of two sources across and up; the others fill up in their usual proportions."""
    top_x, top_y = (max(shares[axis] for shares, _ in grid) or 1.0 for axis in (0, 1))

    def at(shares: Sequence[float]) -> tuple[float, float]:
        return LEFT + SIDE * shares[0] / top_x, TOP + SIDE * (1 - shares[1] / top_y)

    places = [(*at(shares), value, shares) for shares, value in grid[:MOST_CELLS]]
    half_x, half_y = (_step(along) / 2 * 1.02 for along in ([x for x, *_ in places], [y for _, y, *_ in places]))

    def cell(x: float, y: float) -> str:
        turns = ((-1, -1), (1, -1), (1, 1), (-1, 1))
        return " ".join(f"{x + a * half_x:.0f},{y + b * half_y:.0f}" for a, b in turns)

    low, right = TOP + SIDE, LEFT + SIDE
    # Where the grid ends at shares that leave nothing for the other sources, the corner beyond is no mixture.
    is_half = all(shares[0] + shares[1] <= 1 + 1e-9 for shares, _ in grid) and top_x + top_y > 1
    corner = "" if is_half else f" {right:.0f},{TOP:.0f}"
    edge = f"{LEFT:.0f},{TOP:.0f}{corner} {right:.0f},{low:.0f} {LEFT:.0f},{low:.0f}"
    labels = (
        (right, low + 44, f"share of {sources[0]}, to {percent(top_x)} →", "end"),
        (LEFT - half_x, TOP - 18, f"↑ share of {sources[1]}, to {percent(top_y)}", "start"),
    )
    dots = [
        (*at(shares), value, run, shares) for shares, value, run in runs if shares[0] <= top_x and shares[1] <= top_y
    ]
    return _map((SIDE + 2 * LEFT, SIDE + TOP + 60), edge, places, cell, dots, labels, sources)


def _map(
    box: tuple[float, float],
    edge: str,
    places: Sequence[tuple[float, float, float, list[float]]],
    cell: Callable[[float, float], str],
    runs: Sequence[tuple[float, float, float, str, list[float]]],
    labels: tuple[tuple[float, float, str, str], ...],
    sources: Sequence[str],
) -> Map:
    values = [value for _, _, value, _ in places]
    low, high = min(values), max(values)
    room = (high - low) or 1.0
    cells = tuple(
        (
            cell(x, y),
            min(SHADES - 1, int(SHADES * (v - low) / room)),
            f"{_shares(shares, sources)}\npredicted {level(v)}",
        )
        for x, y, v, shares in places
    )
    dots = [
        Dot(round(x, 1), round(y, 1), f"{run}\n{_shares(s, sources)}\nmeasured {level(v)}") for x, y, v, run, s in runs
    ]
    return Map(box, edge, cells, tuple(dots), labels, level(low), level(high), len(sources) > 2)


def _shares(shares: Sequence[float], sources: Sequence[str]) -> str:
    return ", ".join(f"{source} {percent(share)}" for source, share in zip(sources, shares, strict=False))


def _spacing(places: Sequence[tuple[float, float]]) -> float:
    """Distance of the nearest two places, found from the first few: the grid is regular."""
    first = places[: min(8, len(places))]
    near = [math.dist(a, b) for a in first for b in places if a != b]
    return min((gap for gap in near if gap > 1e-6), default=SIDE / 10)


def _step(values: Sequence[float]) -> float:
    known = sorted({round(value, 3) for value in values})
    return min((b - a for a, b in itertools.pairwise(known)), default=SIDE / 10)
