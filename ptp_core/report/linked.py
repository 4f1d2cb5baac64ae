"""The linked chart: an indicator against an outcome, and for the variant pointed at all pairs that it gets wrong.

The chart is Vega-Lite, written with Altair and drawn by the browser. Every spec names its columns ``i0``, ``i1``, … and
``y0``, …: names that a user chose stand in the data only, never in an expression.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ptp_core.report.charts import LOG_FROM_RATIO
from ptp_core.report.numbers import finite
from ptp_core.report.scatter import headlines_in_order
from ptp_core.report.study import N_COLOURS, Outcome, Study, mapping

MOST_CHARTS = 8
"""Outcomes that get a linked chart."""
MOST_INDICATORS = 12
MOST_VARIANTS = 1500
MOST_SETTINGS = 6
"""Configuration columns named when a variant is pointed at."""
DIGITS = 9
"""Significant digits of a drawn value."""

VALUE, OUTCOME = "datum[pick.field]", "datum[about.field]"
MISORDERED, ALIKE, WELL_ORDERED = -1, 0, 1


@dataclass(frozen=True)
class Choice:
    """An indicator of the drop-down: its label, its column in the data, and how its axis runs."""

    label: str
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
    measured = {(o.key, name): study.indicator_values(o, name) for o in drawn for name in names[o.key]}
    columns = distinct(measured)
    fields = {column: f"i{at}" for at, column in enumerate(columns)}
    variants = list(dict.fromkeys(v for o in drawn for v in mapping(o.data.get("values"))))
    shown = variants[:MOST_VARIANTS]
    rows = [_row(study, v, at, drawn, columns, fields) for at, v in enumerate(shown)]
    charts = {o.key: tuple(_choice(o, n, measured, fields) for n in names[o.key]) for o in drawn}
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
    known = [
        n for n in headlines_in_order(study, outcome) if len(values & study.indicator_values(outcome, n).keys()) > 1
    ]
    return known[:MOST_INDICATORS]


Column = tuple[int, str]


def distinct(measured: Mapping[Column, Mapping[str, float]]) -> dict[Column, Mapping[str, float]]:
    """One column for each indicator; more where the selection has values of its own that differ between outcomes."""
    kept: dict[Column, Mapping[str, float]] = {}
    for (key, name), values in measured.items():
        if not any(other == name and kept[at, other] == values for at, other in kept):
            kept[key, name] = values
    return kept


def _field(
    outcome: int, name: str, measured: Mapping[Column, Mapping[str, float]], fields: Mapping[Column, str]
) -> str:
    same = [
        f for (key, other), f in fields.items() if other == name and measured[key, other] == measured[outcome, name]
    ]
    return same[0]


def _choice(
    outcome: Outcome, name: str, measured: Mapping[Column, Mapping[str, float]], fields: Mapping[Column, str]
) -> Choice:
    row = mapping(mapping(outcome.data.get("indicators")).get(name))
    values = measured[outcome.key, name].values()
    low, high = min(values), max(values)
    lower = row.get("higher_is_better") is False
    is_log = low > 0 and high / low > LOG_FROM_RATIO
    return Choice(name, _field(outcome.key, name, measured, fields), lower, is_log)


def _row(
    study: Study,
    variant: str,
    at: int,
    outcomes: Sequence[Outcome],
    columns: Mapping[Column, Mapping[str, float]],
    fields: Mapping[Column, str],
) -> dict[str, Any]:
    """One variant: its place and name, its colour, its settings, its indicators and outcomes where it has them."""
    config = [(name, column[variant]) for name, column in study.config.items() if variant in column]
    row: dict[str, Any] = {"k": at, "n": variant, "c": int(study.colouring.tone(variant)[1:])}
    row["s"] = [f"{name} {text}" for name, text in config[:MOST_SETTINGS]]
    row |= {fields[column]: _rounded(values[variant]) for column, values in columns.items() if variant in values}
    known = {f"y{o.key}": finite(mapping(o.data.get("values")).get(variant)) for o in outcomes}
    return row | {name: _rounded(value) for name, value in known.items() if value is not None}


def _rounded(value: float) -> float:
    # Fewer digits could tie two variants that the analysis tells apart.
    return float(f"{value:.{DIGITS}g}")


def json_in_script(value: object) -> str:
    """JSON that may stand inside a script element: no ``<`` can close it, no line separator can break it."""
    text = json.dumps(value, separators=(",", ":"), allow_nan=False, ensure_ascii=True)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def spec() -> dict[str, Any]:
    """The Vega-Lite spec of every chart; its data is the table ``rows``, its colours are those of the page.

    ``about`` is the outcome, ``pick`` the chosen indicator, ``chosen`` the variant chosen without a pointer, ``hover``
    the one pointed at; whoever draws the chart gives the first three their values.
    """
    import altair as alt

    about = alt.param(name="about", value={"field": "", "lower": False, "best": -1})
    pick = alt.param(name="pick", value={"field": "", "lower": False, "log": False})
    chosen = alt.param(name="chosen", value=-1)
    hover = alt.selection_point(
        name="hover", fields=["k"], on="pointerover", clear="pointerout", nearest=True, empty=False
    )
    base = _transformed(alt.Chart(alt.NamedData("rows")))
    x = alt.X("x:Q", title=None, scale=alt.Scale(zero=False, padding=14, reverse=alt.ExprRef("pick.lower")))
    x = x.axis(tickCount=6, labelFlush=True, labelExpr="pick.log ? format(pow(10, datum.value), '.2~g') : datum.label")
    y = alt.Y("y:Q", title=None, scale=alt.Scale(zero=False, padding=14, reverse=alt.ExprRef("about.lower"))).axis(
        tickCount=5
    )
    # A rule for every variant, of no length where the pair is in order: the scales must never see an empty table.
    ends = {
        "tx": f"datum.side == {MISORDERED} ? datum.hx : datum.x",
        "ty": f"datum.side == {MISORDERED} ? datum.hy : datum.y",
    }
    rules = base.transform_calculate(**ends).mark_rule(color="var(--wrong)", opacity=0.55)
    rules = rules.encode(x=x, y=y, x2="tx:Q", y2="ty:Q")
    points = base.mark_point(filled=True, tooltip={"content": "data"})
    points = points.add_params(hover).properties(name="points")
    points = points.encode(x=x, y=y, fill=_colour(), opacity=_opacity(), size=_size(), **_ring())
    chart = alt.layer(rules, points, _counts(base)).add_params(about, pick, chosen)
    chart = chart.properties(width="container", height=340, padding={"left": 2, "right": 8, "top": 26, "bottom": 4})
    return dict(chart.configure(**CONFIG).to_dict())


def _transformed(chart: Any) -> Any:
    """Place of every variant, that of the variant pointed at beside it, and how the pair of the two is ordered."""
    turn = "(pick.lower == about.lower ? 1 : -1)"
    side = f"{turn} * (datum.x - datum.hx) * (datum.y - datum.hy)"
    return (
        chart.transform_filter(f"isValid({VALUE}) && isValid({OUTCOME})")
        .transform_calculate(
            x=f"pick.log ? log({VALUE}) / LN10 : {VALUE}",
            y=OUTCOME,
            me="datum.k == (isValid(hover.k) ? hover.k[0] : chosen)",
        )
        .transform_calculate(mx="datum.me ? datum.x : null", my="datum.me ? datum.y : null")
        .transform_joinaggregate(hx="max(mx)", hy="max(my)", any="sum(me)")
        .transform_calculate(product=f"datum.any ? {side} : 0")
        .transform_calculate(
            side=f"datum.product < 0 ? {MISORDERED} : datum.product > 0 ? {WELL_ORDERED} : {ALIKE}",
            right="datum.product > 0 ? 1 : 0",
            wrong="datum.product < 0 ? 1 : 0",
            tone="datum.any && datum.me ? 'ink' : datum.product < 0 ? 'wrong' : 's' + datum.c",
        )
    )


def _ring() -> dict[str, Any]:
    """The best variant has a dark ring, as it has in the static panels."""
    import altair as alt

    is_best = alt.when("datum.k == about.best")
    return {
        "stroke": is_best.then(alt.value("var(--ink)")).otherwise(alt.value("var(--paper)")),
        "strokeWidth": is_best.then(alt.value(2)).otherwise(alt.value(1)),
    }


def _colour() -> Any:
    import altair as alt

    tones = [*(f"s{at}" for at in range(N_COLOURS)), "ink", "wrong"]
    scale = alt.Scale(domain=tones, range=[f"var(--{tone})" for tone in tones])
    return alt.Fill("tone:N", scale=scale, legend=None)


def _opacity() -> Any:
    import altair as alt

    return alt.when(f"datum.any && datum.side == {WELL_ORDERED}").then(alt.value(0.18)).otherwise(alt.value(0.9))


def _size() -> Any:
    import altair as alt

    return alt.when("datum.any && datum.me").then(alt.value(130)).otherwise(alt.value(64))


def _counts(base: Any) -> Any:
    """How many pairs of the variant pointed at the indicator orders rightly and wrongly, above the plot."""
    import altair as alt

    words = "datum.right + ' pairs right, ' + datum.wrong + ' wrong'"
    tied = "datum.rest > 0 ? ', ' + datum.rest + ' tied' : ''"
    counted = base.transform_filter("datum.any > 0").transform_aggregate(
        right="sum(right)", wrong="sum(wrong)", all="count()"
    )
    counted = counted.transform_calculate(rest="datum.all - 1 - datum.right - datum.wrong")
    counted = counted.transform_calculate(words=f"{words} + ({tied})")
    text = counted.mark_text(align="left", baseline="bottom", fontSize=13, fontWeight=600, color="var(--ink)")
    return text.encode(x=alt.value(0), y=alt.value(-8), text="words:N")


CONFIG: dict[str, Any] = {
    "background": "transparent",
    "font": "inherit",
    "view": {"stroke": None},
    "axis": {
        "domain": False,
        "ticks": False,
        "gridColor": "var(--grid)",
        "labelColor": "var(--soft)",
        "labelFontSize": 12,
        "labelPadding": 6,
    },
}
"""Colours are the variables of the style sheet: when the scheme turns dark, so does the chart."""


@functools.cache
def libraries() -> str:
    """Vega, Vega-Lite and Vega-Embed as one script, from the files that vl-convert carries; nothing is downloaded."""
    import altair as alt
    import vl_convert

    version = ".".join(alt.SCHEMA_VERSION.split(".")[:2])
    return str(vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;", vl_version=version))
