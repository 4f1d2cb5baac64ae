"""The linked chart's Vega-Lite spec, written with Altair, and the libraries that draw it in the browser."""

from __future__ import annotations

import functools
from typing import Any

from ptp_core.report.study import N_COLOURS

VALUE, OUTCOME = "datum[pick.field]", "datum[about.field]"
MISORDERED, ALIKE, WELL_ORDERED = -1, 0, 1


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
