"""The lines, bands and points of the panels: the chosen form with its band, held-out runs on top."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ptp_core.report.charts import Point, Scale
from ptp_core.report.lines import rows_of
from ptp_core.report.numbers import ends, finite, level, scientific
from ptp_core.report.plots import Curve, framed, inside, polyline, ribbon, thinned
from ptp_core.report.scaling.study import COMBINED, Group, Laws, form_name, is_known
from ptp_core.report.study import mapping

ROLES = {
    "fit": "fitted",
    "fit_scores": "fitted for scores",
    "held_out": "held out",
    "prospect": "predicted only",
    "other": "not used",
}
"""What a run is to the laws, in the words of the legend."""
DRAWN_LAST = ("held_out", "prospect")


def known_of(points: object) -> list[dict[str, Any]]:
    """The points whose two places are finite numbers."""
    return [dict(p) for p in rows_of(points) if finite(p.get("x")) is not None and finite(p.get("y")) is not None]


def prospects_of(laws: Laws, group: Group, metric: str) -> Iterator[dict[str, Any]]:
    """What the chosen form predicts of runs that do not exist, as points with their bands."""
    chosen = laws.chosen(group, metric)
    for run, block in laws.targets(group).items():
        entry = mapping(mapping(block.get(metric)).get(chosen)) if chosen else {}
        compute, predicted = finite(mapping(laws.runs.get(run)).get("compute")), finite(entry.get("predicted"))
        if laws.role(run) == "prospect" and compute and predicted is not None:
            yield {"run": run, "x": compute, "y": predicted, "role": "prospect", "band": entry.get("band95")}


def leading(laws: Laws, group: Group, metric: str, lines: Sequence[Mapping[str, Any]]) -> frozenset[str]:
    """Names of the lines to bring out: the chosen form's; of a mean without a line, those of the forms it is made of.

    A line is named by its form or, where scores are drawn over a loss, by the form's second stage.
    """
    chosen, drawn = laws.chosen(group, metric), {str(line.get("form")) for line in lines}
    found = drawn & {chosen, str(chosen).rpartition("+")[2]}
    if chosen == COMBINED and not found:
        parts = laws.together(group, laws.kind(metric))
        found = drawn & {name for part in parts for name in (part, part.rpartition("+")[2])}
    return frozenset(found)


def height(
    points: Sequence[Mapping[str, Any]], lines: Sequence[Mapping[str, Any]], lead: frozenset[str], chance: object
) -> Scale:
    """Holds the points, the leading lines and chance, and the lines' bands as far as that does not flatten them."""
    first = [line for line in lines if str(line.get("form")) in lead] or list(lines)[:1]
    return framed(
        [*(p["y"] for p in points), *(v for line in first for v in line.get("y") or ()), finite(chance)],
        [v for line in first for side in ("low", "high") for v in line.get(side) or ()],
    )


def curves_of(
    lines: Sequence[Mapping[str, Any]], lead: frozenset[str], x: Scale, y: Scale, part: str = "chosen"
) -> Iterator[Curve]:
    """The leading lines first, with their bands; FLP dashed; the others thin, to be brought out by a switch.

    ``part`` is what a leading line is said to be.
    """
    for line in sorted(lines, key=lambda line: str(line.get("form")) not in lead):
        form, xs = str(line.get("form")), line.get("x") or ()
        label = form_name(form)
        ys = line.get("y") or ()
        path = polyline(xs, ys, x, y)
        if form in lead:
            band = ribbon(xs, line.get("low") or (), line.get("high") or (), x, y)
            yield Curve(f"{label}, {part}", "s0", path, band)
        elif is_known(form) or form == "linear":
            yield Curve(f"{label} (FLP)", "s2 dashed", path)
        else:
            yield Curve(label, "s7 other", polyline(xs[::2], ys[::2], x, y))


def points_of(
    laws: Laws, points: Sequence[Mapping[str, Any]], x: Scale, y: Scale, most: int, across: str
) -> tuple[Point, ...]:
    """Held-out runs and last checkpoints are always drawn, and last; the others as far as there is room."""
    placed = [(_is_kept(laws, p), _point(laws, p, x, y, across)) for p in points if not x.log or p["x"] > 0]
    kept = [point for is_kept, point in placed if is_kept and inside(point.y)]
    rest = [point for is_kept, point in placed if not is_kept and inside(point.y)]
    return thinned(rest, max(0, most - len(kept))) + thinned(kept, most)


def _is_kept(laws: Laws, point: Mapping[str, Any]) -> bool:
    return _role(laws, point) in DRAWN_LAST and point.get("final") is not False


def _role(laws: Laws, point: Mapping[str, Any]) -> str:
    role = str(point.get("role") or laws.role(point.get("run")))
    return role if role in ROLES else "other"


def _point(laws: Laws, point: Mapping[str, Any], x: Scale, y: Scale, across: str) -> Point:
    role = _role(laws, point)
    look = " hollow" if point.get("emerged") is False else " passing" if point.get("final") is False else ""
    place = scientific(point["x"]) if across == "FLOPs" else level(point["x"])
    told = [str(point.get("run")), f"{level(point['y'])} at {across} {place}", ROLES[role]]
    if point.get("emerged") is False:
        told.append("not emerged: left out of the fit")
    low, high = ends(point.get("band"))
    bars = (None, None) if low is None or high is None else (y.from_top(high), y.from_top(low))
    return Point(x.at(point["x"]), y.from_top(point["y"]), "\n".join(told), f"role-{role}{look}", *bars)
