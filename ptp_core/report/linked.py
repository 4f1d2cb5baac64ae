"""The linked chart: an indicator against an outcome, and for the variant pointed at all pairs that it gets wrong.

Columns of the data are named ``i0``, ``i1``, … for indicators and ``y0``, … for outcomes: names that a user chose stand
in the data only, never in an expression.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ptp_core.report.chart_spec import spec
from ptp_core.report.charts import LOG_FROM_RATIO
from ptp_core.report.numbers import finite, fixed
from ptp_core.report.scatter import headlines_in_order
from ptp_core.report.study import Outcome, Study, mapping

MOST_CHARTS = 8
"""Outcomes that get a linked chart."""
MOST_INDICATORS = 12
MOST_VARIANTS = 1500
MOST_SETTINGS = 6
"""Configuration columns named when a variant is pointed at."""
DIGITS = 9
"""Significant digits of a drawn value."""


@dataclass(frozen=True)
class Choice:
    """An indicator of the drop-down: its label, its accuracy, its column in the data, and how its axis runs."""

    label: str
    accuracy: str
    field: str
    lower: bool
    log: bool


@dataclass(frozen=True)
class Linked:
    """The linked charts: the outcomes that have one and their choices; ``data`` is JSON, safe inside a script element.

    ``n_charts_left``, ``n_variants_left``: what is not drawn for size.
    """

    charts: Mapping[int, tuple[Choice, ...]]
    variants: tuple[str, ...]
    data: str
    n_charts_left: int
    n_variants_left: int


def linked_of(study: Study) -> Linked | None:
    """The charts of the headline outcomes, their specs and the one table they share; None without two points."""
    outcomes = study.headline_outcomes
    names = {o.key: _chosen(study, o) for o in outcomes}
    drawn = [o for o in outcomes if names[o.key]][:MOST_CHARTS]
    if not drawn:
        return None
    measured = {name: study.indicator_values(name) for o in drawn for name in names[o.key]}
    fields = {name: f"i{at}" for at, name in enumerate(measured)}
    variants = list(dict.fromkeys(v for o in drawn for v in mapping(o.data.get("values"))))
    shown = variants[:MOST_VARIANTS]
    rows = [_row(study, v, at, drawn, measured, fields) for at, v in enumerate(shown)]
    charts = {o.key: tuple(_choice(o, n, measured[n], fields[n]) for n in names[o.key]) for o in drawn}
    payload = {
        "rows": rows,
        "charts": [
            {
                "name": o.name,
                "about": {"field": f"y{o.key}", "lower": not o.higher_is_better, "best": _best(o, shown)},
                "choices": [vars(choice) for choice in charts[o.key]],
            }
            for o in drawn
        ],
        "spec": spec(),
    }
    left = sum(bool(names[o.key]) for o in outcomes) - len(drawn)
    return Linked(charts, tuple(shown), json_in_script(payload), left, len(variants) - len(shown))


def _best(outcome: Outcome, variants: Sequence[str]) -> int:
    best = mapping(outcome.data.get("best")).get("variant")
    return variants.index(best) if best in variants else -1


def _chosen(study: Study, outcome: Outcome) -> list[str]:
    """The indicators with two drawable variants, best first."""
    values = {v for v, raw in mapping(outcome.data.get("values")).items() if finite(raw) is not None}
    known = [n for n in headlines_in_order(study, outcome) if len(values & study.indicator_values(n).keys()) > 1]
    return known[:MOST_INDICATORS]


def _choice(outcome: Outcome, name: str, values: Mapping[str, float], field: str) -> Choice:
    row = mapping(mapping(outcome.data.get("indicators")).get(name))
    low, high = min(values.values()), max(values.values())
    lower = row.get("higher_is_better") is False
    is_log = low > 0 and high / low > LOG_FROM_RATIO
    return Choice(name, fixed(row.get("accuracy")), field, lower, is_log)


def _row(
    study: Study,
    variant: str,
    at: int,
    outcomes: Sequence[Outcome],
    measured: Mapping[str, Mapping[str, float]],
    fields: Mapping[str, str],
) -> dict[str, Any]:
    """One variant: its place and name, its colour, its settings, its indicators and outcomes where it has them."""
    config = [(name, column[variant]) for name, column in study.config.items() if variant in column]
    row: dict[str, Any] = {"k": at, "n": variant, "c": int(study.colouring.tone(variant)[1:])}
    row["s"] = [f"{name} {text}" for name, text in config[:MOST_SETTINGS]]
    row |= {fields[name]: _rounded(values[variant]) for name, values in measured.items() if variant in values}
    known = {f"y{o.key}": finite(mapping(o.data.get("values")).get(variant)) for o in outcomes}
    return row | {name: _rounded(value) for name, value in known.items() if value is not None}


def _rounded(value: float) -> float:
    # Fewer digits could tie two variants that the analysis tells apart.
    return float(f"{value:.{DIGITS}g}")


def json_in_script(value: object) -> str:
    """JSON that may stand inside a script element: no ``<`` can close it, no line separator can break it."""
    text = json.dumps(value, separators=(",", ":"), allow_nan=False, ensure_ascii=True)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
