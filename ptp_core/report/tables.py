"""Tables of estimates: a name, a mark on a common axis, figures, and what has to be said about a row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ptp_core.report.charts import Mark, Scale, Tick, fit, interval_mark
from ptp_core.report.numbers import DASH, ends, finite, finite_all
from ptp_core.report.transfer import shade

UPRIGHT = 7
"""A heat map of more columns than these has its titles turned by a quarter."""
SLACK = 1e-6
"""Percent of an axis by which rounding may put a place beyond its end."""


@dataclass(frozen=True)
class Row:
    """One estimate. ``chips`` are (text, tone); ``words`` stand in a line of their own below the row."""

    name: str
    value: str
    cells: tuple[str, ...] = ()
    mark: Mark | None = None
    note: str = ""
    chips: tuple[tuple[str, str], ...] = ()
    words: str = ""
    is_best: bool = False
    is_more: bool = False


@dataclass(frozen=True)
class Table:
    """Rows under one head; ``key`` makes ids, ``groups`` are (title, rows), rows that are more are folded away."""

    key: str
    head: str
    value_title: str
    columns: tuple[str, ...]
    groups: tuple[tuple[str, tuple[Row, ...]], ...]
    ticks: tuple[Tick, ...] = ()

    @property
    def is_cut(self) -> bool:
        """Whether anything lies beyond the axis."""
        marks = (row.mark for _, rows in self.groups for row in rows)
        return any(mark.is_left or mark.is_right for mark in marks if mark)

    @property
    def n_more(self) -> int:
        """Rows that are folded away."""
        return sum(row.is_more for _, rows in self.groups for row in rows)

    @property
    def n_columns(self) -> int:
        """Columns in all."""
        return 2 + len(self.columns) + bool(self.ticks)


@dataclass(frozen=True)
class HeatCell:
    """One cell of a heat map: its figure, what stands small below it, its shade, whether it is framed, hover text."""

    text: str
    small: str = ""
    shade: str = ""
    is_framed: bool = False
    is_faint: bool = False
    title: str = ""


@dataclass(frozen=True)
class Heat:
    """A heat map; rows beyond ``n_open`` are folded away."""

    key: str
    corner: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[HeatCell, ...]], ...]
    n_open: int = 1000

    @property
    def is_wide(self) -> bool:
        """Whether the columns fit only where their titles are turned."""
        return len(self.columns) > UPRIGHT


@dataclass(frozen=True)
class Plain:
    """A plain table that is folded away: the summary, the heads, the rows of texts and how many rows are left out."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    n_left: int = 0


def folded_after(rows: Sequence[Row], n_open: int) -> tuple[Row, ...]:
    """The rows, those beyond the first ``n_open`` marked to be folded; one row alone is not worth folding."""
    if len(rows) <= n_open + 1:
        return tuple(rows)
    return tuple(replace(row, is_more=at >= n_open) for at, row in enumerate(rows))


def without_empty(columns: Sequence[str], rows: Sequence[Row]) -> tuple[tuple[str, ...], tuple[Row, ...]]:
    """Columns and rows less the columns in which no row has a figure."""
    kept = [at for at in range(len(columns)) if any(row.cells[at] != DASH for row in rows)]
    shorter = tuple(replace(row, cells=tuple(row.cells[at] for at in kept)) for row in rows)
    return tuple(columns[at] for at in kept), shorter


def shaded(value: float | None, largest: float) -> str:
    """Class of a heat-map cell: above nought ``up``, below it ``down``, the stronger the nearer to ``largest``."""
    if value is None:
        return ""
    return shade(0.5 + 0.5 * max(-1.0, min(1.0, value / largest if largest > 0 else 0.0)))


def around_nought(values: Sequence[tuple[object, object]]) -> tuple[Scale, tuple[Tick, ...]]:
    """The scale that holds estimates and their intervals with nought in its middle, and its ticks."""
    known = finite_all(x for value, bounds in values for x in (value, *ends(bounds)))
    reach = 1.08 * max(map(abs, known), default=1.0) or 1.0
    scale = Scale(-reach, reach)
    return scale, reference_ticks(scale, 0.0)


def holding(values: Sequence[tuple[object, object]], reference: float | None = None) -> tuple[Scale, tuple[Tick, ...]]:
    """The scale that holds estimates, their intervals and the reference, and its ticks."""
    known = [x for value, bounds in values for x in (value, *ends(bounds))]
    scale = fit([*known, reference])
    return scale, reference_ticks(scale, reference)


def reference_ticks(scale: Scale, reference: float | None, most: int = 5) -> tuple[Tick, ...]:
    """Round values, the one at ``reference`` drawn dashed."""
    at = None if reference is None else scale.at(reference)
    return tuple(Tick(tick.at, tick.label, at is not None and abs(tick.at - at) < 0.01) for tick in scale.ticks(most))


def clamped(mark: Mark) -> Mark:
    """The mark with its interval cut off at the edge of the plot; a dot outside is not drawn there."""
    known = [x for x in (mark.at, mark.low, mark.high) if x is not None]
    is_left, is_right = any(x < -SLACK for x in known), any(x > 100.0 + SLACK for x in known)
    at, low, high = (None if x is None else min(100.0, max(0.0, x)) for x in (mark.at, mark.low, mark.high))
    is_inside = mark.at is not None and -SLACK <= mark.at <= 100.0 + SLACK
    return Mark(at if is_inside else None, low, high, mark.tone, is_left, is_right)


def estimate(value: object, bounds: object, scale: Scale, reference: float) -> Mark:
    """The mark of an estimate on a scale that may be shorter than its interval."""
    return clamped(interval_mark(value, bounds, scale, reference))


def decided(bounds: object, reference: float = 0.0) -> int:
    """1 where the whole interval lies above the reference, −1 below it, 0 where it holds it or there is none."""
    low, high = ends(bounds)
    if low is None or high is None:
        return 0
    return 1 if low > reference else -1 if high < reference else 0


def mean_of(values: Sequence[object]) -> tuple[float | None, int]:
    """Mean of the finite values and how many there are."""
    known = [number for value in values if (number := finite(value)) is not None]
    return (sum(known) / len(known) if known else None), len(known)
