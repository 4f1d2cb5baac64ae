"""Training loss against tokens, one line a variant, held-out losses as rings."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from ptp_core.report import numbers
from ptp_core.report.charts import Point, Scale, Tick, fit
from ptp_core.report.run import Curve, Run
from ptp_core.report.study import Study

MOST_POINTS = 160
"""Points a line may have; longer ones are averaged over stretches, which no screen can tell apart."""
MOST_IN_ALL, FEWEST_POINTS = 40_000, 40
"""With many lines each has fewer points, so that a thousand of them stay within a megabyte or so."""
WARM_UP = 0.1
"""Share of the tokens at the start that the height of the frame ignores: the first fall would flatten the rest."""
BOX = 1000
"""Lines are drawn in a box of this many units a side, which the browser stretches to the plot."""


@dataclass(frozen=True)
class Line:
    """One variant's curve: an SVG path in ``BOX`` units, its colour class and hover text."""

    path: str
    tone: str
    title: str


@dataclass(frozen=True)
class Curves:
    """The plot of all curves."""

    lines: tuple[Line, ...]
    rings: tuple[Point, ...]
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    is_cut: bool
    is_averaged: bool


def curves_of(study: Study, run: Run) -> Curves | None:
    """Lines and axes; None when no variant has a training curve."""
    known = {variant: finite_points(curve) for variant, curve in run.curves.items()}
    known = {variant: curve for variant, curve in known.items() if curve}
    if not known:
        return None
    most = max(FEWEST_POINTS, min(MOST_POINTS, MOST_IN_ALL // len(known)))
    shown = {variant: averaged(curve, most) for variant, curve in known.items()}
    held_out = {variant: finite_points(curve) for variant, curve in run.held_out.items()}
    x = Scale(0.0, max(tokens for curve in known.values() for tokens, _ in curve) or 1.0)
    y = _loss_scale([*shown.values(), *held_out.values()], x.high)
    return Curves(
        lines=tuple(
            Line(_path(curve, x, y), study.colouring.tone(variant), _title(study, variant, known[variant]))
            for variant, curve in shown.items()
        ),
        rings=tuple(ring for variant, curve in held_out.items() for ring in _rings(study, variant, curve, x, y)),
        x_ticks=x.ticks(6, label=numbers.tokens),
        y_ticks=y.ticks(6),
        is_cut=any(loss > y.high for curve in shown.values() for _, loss in curve),
        is_averaged=any(len(curve) > most for curve in known.values()),
    )


def finite_points(curve: Curve) -> Curve:
    """The points whose tokens and loss are finite numbers; a diverged run ends where its loss does."""
    pairs = ((numbers.finite(tokens), numbers.finite(loss)) for tokens, loss in curve)
    return [(tokens, loss) for tokens, loss in pairs if tokens is not None and loss is not None]


def averaged(curve: Curve, most: int = MOST_POINTS) -> Curve:
    """The curve in at most ``most`` points: means of tokens and of loss over stretches of equal length."""
    if len(curve) <= most:
        return curve
    edges = [round(at * len(curve) / most) for at in range(most + 1)]
    stretches = [curve[start:end] for start, end in itertools.pairwise(edges)]
    return [(_mean([t for t, _ in part]), _mean([loss for _, loss in part])) for part in stretches]


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _loss_scale(curves: Sequence[Curve], last_tokens: float) -> Scale:
    """From the lowest loss to the highest one after warm-up, but never above where training started."""
    started = max((curve[0][1] for curve in curves if curve), default=1.0)
    settled = [min(loss, started) for curve in curves for tokens, loss in curve if tokens >= WARM_UP * last_tokens]
    return fit(settled or [loss for curve in curves for _, loss in curve])


def _path(curve: Curve, x: Scale, y: Scale) -> str:
    """``M0 12L4 30…`` in box units; a lone point becomes a stroke of no length, which round caps show as a dot."""
    places = [f"{x.at(tokens) * BOX / 100:.0f} {y.from_top(loss) * BOX / 100:.0f}" for tokens, loss in curve]
    return "M" + "L".join(places if len(places) > 1 else places * 2)


def _title(study: Study, variant: str, curve: Curve) -> str:
    tokens, loss = curve[-1]
    lines = [variant, f"loss {numbers.fixed(loss)} after {numbers.tokens(tokens)} tokens"]
    column = study.colouring.column
    if column is not None and variant in study.config[column]:
        lines.append(f"{column}: {study.config[column][variant]}")
    return "\n".join(lines)


def _rings(study: Study, variant: str, curve: Curve, x: Scale, y: Scale) -> list[Point]:
    return [
        Point(
            x=x.at(tokens),
            y=y.from_top(loss),
            title=f"{variant}\nheld-out loss {numbers.fixed(loss)} after {numbers.tokens(tokens)} tokens",
            tone=study.colouring.tone(variant),
        )
        for tokens, loss in curve
        if tokens <= x.high and y.low <= loss <= y.high
    ]
