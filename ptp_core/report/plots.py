"""Panels of lines with bands and of points that play a part: fits over compute, and curves along training."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ptp_core.report.charts import Point, Scale, Tick, fit
from ptp_core.report.numbers import finite, finite_all, power

BOX = 1000
"""Lines are drawn in a box of this many units a side, which the browser stretches to the plot."""
BAND_ROOM = 0.6
"""A band may stretch the frame by this share of what the points and lines need; beyond it is cut off."""
FAR = 3.0
"""Lines that leave the frame are followed for this many of its heights, no further."""
LABEL_ROOM = 7.0
"""Percent of an axis that the label of a reference needs to itself."""


@dataclass(frozen=True)
class Curve:
    """One line: its legend and hover text, its colour class, SVG paths of line and band in units of ``BOX``."""

    label: str
    tone: str
    path: str
    band: str = ""


@dataclass(frozen=True)
class Plot:
    """A panel; ``x_mark`` is the place of a vertical rule in percent, ``note`` what is said under the plot."""

    title: str
    caption: str
    x_title: str
    y_title: str
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    curves: tuple[Curve, ...] = ()
    points: tuple[Point, ...] = ()
    x_mark: float | None = None
    note: str = ""
    has_legend: bool = False


@dataclass(frozen=True)
class Gallery:
    """Panels of one part of a page: those shown, those folded away, and how many are not drawn at all."""

    shown: tuple[Plot, ...]
    folded: tuple[Plot, ...]
    n_left: int = 0


def gallery(plots: Sequence[Plot], n_open: int, most: int = 10_000) -> Gallery:
    """The first ``n_open`` panels open, the rest folded, none beyond ``most``."""
    return Gallery(tuple(plots[:n_open]), tuple(plots[n_open:most]), max(0, len(plots) - most))


def log_scale(values: Iterable[object], pad: float = 0.04) -> Scale:
    """A logarithmic scale of all positive values; a linear one where there is none."""
    known = [value for value in finite_all(values) if value > 0]
    if not known:
        return Scale(0.0, 1.0)
    low, high = min(known), max(known)
    room = (high / low) ** pad if high > low else 2.0
    return Scale(low / room, high * room, log=True)


def framed(values: Iterable[object], bands: Iterable[object] = (), *, reverse: bool = False) -> Scale:
    """The linear scale that holds all values, and of the bands' ends those that do not flatten the rest."""
    known, ends = finite_all(values), finite_all(bands)
    if not known:
        return fit(ends, reverse=reverse)
    low, high = min(known), max(known)
    room = BAND_ROOM * (high - low)
    return fit([low, high, *(min(max(end, low - room), high + room) for end in ends)], reverse=reverse)


def axis(scale: Scale, most: int = 5) -> tuple[Tick, ...]:
    """Ticks; powers of ten where the scale is logarithmic."""
    return scale.ticks(most, label=power if scale.log else None)


def with_reference(ticks: Sequence[Tick], scale: Scale, value: object, label: str) -> tuple[Tick, ...]:
    """The ticks and a dashed one at ``value`` where that is inside the scale; its label displaces near ones."""
    number = finite(value)
    if number is None or not scale.low <= number <= scale.high:
        return tuple(ticks)
    at = scale.at(number)
    return (*(tick for tick in ticks if abs(tick.at - at) > LABEL_ROOM), Tick(at, label, is_reference=True))


def polyline(xs: Sequence[object], ys: Sequence[object], x: Scale, y: Scale) -> str:
    """SVG path through the points in ``BOX`` units; a value that is missing breaks the line."""
    parts, part = [], list[str]()
    for across, up in zip(xs, ys, strict=False):
        place = _place(across, up, x, y)
        if place is None:
            parts.append(part)
            part = []
        else:
            part.append(place)
    return "".join("M" + "L".join(part if len(part) > 1 else part * 2) for part in [*parts, part] if part)


def ribbon(xs: Sequence[object], lows: Sequence[object], highs: Sequence[object], x: Scale, y: Scale) -> str:
    """SVG path round a band, left to right along its top and back along its bottom; empty below two places."""
    pairs = [(_place(a, h, x, y), _place(a, low, x, y)) for a, low, h in zip(xs, lows, highs, strict=False)]
    known = [(top, bottom) for top, bottom in pairs if top is not None and bottom is not None]
    if len(known) < 2:
        return ""
    return "M" + "L".join([*(top for top, _ in known), *(bottom for _, bottom in reversed(known))]) + "Z"


def _place(across: object, up: object, x: Scale, y: Scale) -> str | None:
    a, b = finite(across), finite(up)
    if a is None or b is None or (x.log and a <= 0) or (y.log and b <= 0):
        return None
    return f"{_units(x.at(a))} {_units(y.from_top(b))}"


def _units(at: float) -> int:
    return round(min(max(at, -100 * FAR), 100 * (1 + FAR)) * BOX / 100)


def inside(at: float) -> bool:
    """Whether a place in percent lies in the frame."""
    return math.isfinite(at) and -0.5 <= at <= 100.5


def thinned(items: Sequence[Point], most: int) -> tuple[Point, ...]:
    """At most ``most`` of the items, evenly spaced in their order."""
    if len(items) <= most:
        return tuple(items)
    return tuple(items[round(at * (len(items) - 1) / max(1, most - 1))] for at in range(most))
