"""The geometry of a chart: scales that turn values into percent of the plot, ticks, marks, points.

Everything is placed in percent so that the browser can stretch a plot to any width without touching its text;
the template draws what is computed here.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from matplotlib.ticker import LogLocator, MaxNLocator

from ptp_core.report.numbers import ends, finite, finite_all, fixed, short

LOG_FROM_RATIO = 40.0
"""A scale turns logarithmic when the largest value is this many times the smallest."""


@dataclass(frozen=True)
class Tick:
    """A labelled place on an axis; ``at`` in percent of its length."""

    at: float
    label: str
    is_reference: bool = False
    """Drawn dashed: the value of no skill, no difference."""


@dataclass(frozen=True)
class Mark:
    """One estimate with its interval, in percent of the plot's width; None where there is no number to be drawn.

    ``is_left`` and ``is_right``: the estimate or an end of its interval lies beyond that edge of the plot.
    """

    at: float | None
    low: float | None
    high: float | None
    tone: str
    is_left: bool = False
    is_right: bool = False


def side(bounds: object, reference: float) -> str:
    """Class of an interval: ``good`` wholly above the value of no skill, ``bad`` wholly below it, else ``open``."""
    low, high = ends(bounds)
    if low is None or high is None:
        return "open"
    return "good" if low > reference else "bad" if high < reference else "open"


def interval_mark(value: object, bounds: object, scale: Scale, reference: float) -> Mark:
    """The mark of an estimate; its tone says on which side of ``reference`` the whole interval lies, if on one."""
    number, (low, high) = finite(value), ends(bounds)
    at = None if number is None else scale.at(number)
    if low is None or high is None:
        return Mark(at, None, None, "open")
    return Mark(at, scale.at(low), scale.at(high), side(bounds, reference))


@dataclass(frozen=True)
class Point:
    """One point of a panel; ``x`` from the left, ``y``, ``low`` and ``high`` from the top, in percent."""

    x: float
    y: float
    title: str
    tone: str
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Panel:
    """A plot with two axes."""

    title: str
    caption: str
    x_title: str
    y_title: str
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    points: tuple[Point, ...] = ()
    primary: bool = False


@dataclass(frozen=True)
class Series:
    """One line of a plot: its legend, its colour class, its points from left to right and the SVG path through them."""

    label: str
    tone: str
    points: tuple[Point, ...]

    @property
    def path(self) -> str:
        """In units of percent, for a box of 100 by 100 that the browser stretches to the plot."""
        return "M" + "L".join(f"{point.x} {point.y}" for point in self.points) if self.points else ""


@dataclass(frozen=True)
class LinePlot:
    """Lines over one axis; ``diagonal``: whether the line of equality is drawn."""

    x_title: str
    y_title: str
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    series: tuple[Series, ...]
    diagonal: bool = False


@dataclass(frozen=True)
class Scale:
    """Maps ``low`` … ``high`` onto 0 … 100 percent, turned round when ``reverse``."""

    low: float
    high: float
    log: bool = False
    reverse: bool = False

    def at(self, value: float) -> float:
        """Place of a value in percent, two decimals (a hundredth of a pixel or so)."""
        low, high = (math.log(self.low), math.log(self.high)) if self.log else (self.low, self.high)
        place = 100 * ((math.log(value) if self.log else value) - low) / (high - low)
        return round(100 - place if self.reverse else place, 2)

    def from_top(self, value: float) -> float:
        """The same for a vertical axis, whose percent run downwards."""
        return round(100 - self.at(value), 2)

    def ticks(self, most: int = 5, label: Callable[[float], str] | None = None) -> tuple[Tick, ...]:
        """At most about ``most`` round values inside the scale."""
        values = self._round_values(most)
        name = label or self._labels(values)
        return tuple(Tick(self.at(value), name(value)) for value in values)

    def _round_values(self, most: int) -> list[float]:
        if self.log:
            for subs, fewest in (((1.0,), 3), ((1.0, 2.0, 5.0), 2)):
                locator = LogLocator(base=10, subs=subs, numticks=most + 1)
                values = self._inside(locator.tick_values(self.low, self.high))
                if len(values) >= fewest:
                    return values
        return self._inside(MaxNLocator(nbins=most, steps=[1, 2, 2.5, 5, 10]).tick_values(self.low, self.high))

    def _inside(self, values: Iterable[float]) -> list[float]:
        slack = 1e-9 * (self.high - self.low)
        return [float(value) for value in values if self.low - slack <= value <= self.high + slack]

    def _labels(self, values: list[float]) -> Callable[[float], str]:
        if self.log or len(values) < 2 or max(map(abs, values)) >= 1e5:
            return short
        step = min(high - low for low, high in itertools.pairwise(values))
        decimals = next((d for d in range(7) if math.isclose(round(step, d), step, rel_tol=1e-6)), 7)
        return (lambda value: fixed(value, decimals)) if decimals < 7 else short


def fit(values: Iterable[object], *, pad: float = 0.06, reverse: bool = False, may_log: bool = False) -> Scale:
    """The scale that holds all finite values with ``pad`` of its length free at either end."""
    known = finite_all(values)
    low, high = (min(known), max(known)) if known else (0.0, 1.0)
    if may_log and low > 0 and high / low > LOG_FROM_RATIO:
        room = (high / low) ** pad
        return Scale(low / room, high * room, log=True, reverse=reverse)
    room = pad * (high - low) if high > low else 0.05 * abs(high) or 1.0
    return Scale(low - room, high + room, reverse=reverse)
