"""The headline indicators against every outcome, one small panel each, better always up and to the right."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ptp_core.report.charts import Panel, Point, fit
from ptp_core.report.numbers import decimals_for, finite, fixed, interval, short
from ptp_core.report.study import Outcome, Study, mapping

MOST_POINTS = 5000
"""Points on the whole page; about 300 bytes each, so that a large study stays within a few megabytes."""
MOST_PANELS = 12
"""Panels of an outcome; with more of them nobody compares."""


@dataclass(frozen=True)
class Scatters:
    """The panels of one outcome; ``left_out``: headlines not drawn for size, ``without_values``: for lack of data.

    ``n_further``: further quantities of headlines, which are never drawn.
    """

    outcome: Outcome
    panels: tuple[Panel, ...]
    left_out: tuple[str, ...]
    without_values: tuple[str, ...]
    n_further: int


def scatters_of(study: Study, outcome: Outcome, most_points: int) -> Scatters:
    """Panels of one outcome: the primary indicator first, then headlines by accuracy, as ``most_points`` allow."""
    values = {v: x for v, raw in mapping(outcome.data.get("values")).items() if (x := finite(raw)) is not None}
    panels: list[Panel] = []
    left_out: list[str] = []
    empty: list[str] = []
    n_points = 0
    drawn = headlines_in_order(study, outcome)
    for indicator in drawn:
        measured = {v: x for v, x in study.indicator_values(indicator).items() if v in values}
        n_points += len(measured)
        if len(measured) < 2:
            empty.append(indicator)
        elif (n_points > most_points and panels) or len(panels) >= MOST_PANELS:
            left_out.append(indicator)
        else:
            panels.append(_panel(study, outcome, indicator, measured, values))
    return Scatters(
        outcome, tuple(panels), tuple(left_out), tuple(empty), len(mapping(outcome.data.get("indicators"))) - len(drawn)
    )


def points_for_each(study: Study) -> int:
    """How many points an outcome may draw."""
    return MOST_POINTS // max(1, len(study.outcomes))


def headlines_in_order(study: Study, outcome: Outcome) -> list[str]:
    """Headline indicators, the primary one first, then by accuracy."""
    return [name for name in _in_order(study, outcome) if study.headline(outcome, name) == name]


def _in_order(study: Study, outcome: Outcome) -> list[str]:
    indicators = mapping(outcome.data.get("indicators"))
    accuracy = {name: finite(mapping(row).get("accuracy")) or 0.0 for name, row in indicators.items()}
    return sorted(indicators, key=lambda name: (name != study.primary_indicator, -accuracy[name]))


def _panel(
    study: Study, outcome: Outcome, indicator: str, measured: Mapping[str, float], values: Mapping[str, float]
) -> Panel:
    row = mapping(mapping(outcome.data.get("indicators")).get(indicator))
    lower = row.get("higher_is_better") is False
    x = fit(measured.values(), reverse=lower, may_log=True)
    y = fit((values[variant] for variant in measured), reverse=not outcome.higher_is_better)
    best = mapping(outcome.data.get("best")).get("variant")
    decimals = decimals_for(values.values())
    points = [
        Point(
            x=x.at(value),
            y=y.from_top(values[variant]),
            title=f"{variant}\n{indicator} {short(value)}\n{outcome.name} {fixed(values[variant], decimals)}",
            tone=study.colouring.tone(variant) + (" best" if variant == best else ""),
        )
        for variant, value in measured.items()
    ]
    accuracy = finite(row.get("accuracy"))
    caption = "" if accuracy is None else f"accuracy {fixed(accuracy)} ({interval(row.get('ci95'))})"
    title = f"{indicator} (axis reversed)" if lower else indicator
    is_primary = outcome.is_primary and indicator == study.primary_indicator
    return Panel(indicator, caption, title, outcome.name, x.ticks(5), y.ticks(5), tuple(points), is_primary)
