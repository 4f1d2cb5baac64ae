"""The fits as panels: metrics over compute, and scores over loss, with the chosen form's band and held-out points."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ptp_core.report.lines import rows_of
from ptp_core.report.numbers import count, percent, short
from ptp_core.report.plots import (
    Gallery,
    Plot,
    axis,
    framed,
    gallery,
    log_scale,
    with_reference,
)
from ptp_core.report.scaling.marks import ROLES, curves_of, height, known_of, leading, points_of, prospects_of
from ptp_core.report.scaling.study import COMBINED, Group, Laws, form_name
from ptp_core.report.study import mapping
from ptp_core.report.tables import Plain

OPEN_FITS, OPEN_STAGES, FEWEST_OPEN = 9, 6, 3
"""Panels shown over the whole page, shared among the groups; the rest is folded away."""
MOST_PANELS = 160
"""Panels of a section, over all groups."""
MOST_POINTS, MOST_IN_ALL, FEWEST_POINTS = 150, 7000, 24
"""Points of a panel and of a section: a page of 46 tasks stays within a few megabytes."""
MOST_ROWS = 800
PART = "part of the chosen mean"


@dataclass(frozen=True)
class Fits:
    """The panels of one group, and every fit in figures."""

    group: Group
    panels: Gallery
    figures: Plain | None = None
    n_not_emerged: int = 0
    has_parts: bool = False
    """Whether any panel brings out the parts of a mean, for want of its own line."""


def roles_of(laws: Laws) -> list[tuple[str, str]]:
    """The roles that runs of this study play, for the legend: (class, words)."""
    played = {str(row.get("role")) for row in laws.runs.values()}
    return [(role, words) for role, words in ROLES.items() if role in played]


def fits_of(laws: Laws) -> list[Fits]:
    """Metrics over compute, one a group that has curves."""
    drawn = {group: list(_drawable(laws, group, "curves")) for group in laws.groups}
    most = _most_points(sum(map(len, drawn.values())))
    found, left = [], MOST_ROWS
    for group, metrics in drawn.items():
        plots = [_fit_plot(laws, group, metric, most) for metric in metrics]
        figures = _figures(laws, group, left)
        left -= len(figures.rows) if figures else 0
        if plots or figures:
            parts = any(_role(laws, group, metric, "curves") == PART for metric in metrics)
            found.append(Fits(group, _gallery(plots, OPEN_FITS, laws), figures, has_parts=parts))
    return found


def stages_of(laws: Laws) -> list[Fits]:
    """Scores over loss, one a group that has any."""
    drawn = {group: list(_drawable(laws, group, "stage2")) for group in laws.groups}
    most = _most_points(sum(map(len, drawn.values())))
    found = []
    for group, metrics in drawn.items():
        plots = [_stage_plot(laws, group, metric, most) for metric in metrics]
        if plots:
            silent = sum(not rows_of(mapping(laws.block("stage2", group).get(name)).get("lines")) for name in metrics)
            parts = any(_role(laws, group, metric, "stage2") == PART for metric in metrics)
            found.append(Fits(group, _gallery(plots, OPEN_STAGES, laws), n_not_emerged=silent, has_parts=parts))
    return found


def _role(laws: Laws, group: Group, metric: str, block: str) -> str:
    """What the lines brought out are: the chosen form, or part of a chosen mean that has no line of its own."""
    lead = leading(laws, group, metric, rows_of(mapping(laws.block(block, group).get(metric)).get("lines")))
    return PART if laws.chosen(group, metric) == COMBINED and lead and COMBINED not in lead else "chosen"


def _gallery(plots: Sequence[Plot], n_open: int, laws: Laws) -> Gallery:
    n_groups = max(1, len(laws.groups))
    shown = FEWEST_OPEN * max(1, -(-n_open // (n_groups * FEWEST_OPEN)))  # whole rows of three
    return gallery(plots, shown, max(FEWEST_OPEN, MOST_PANELS // n_groups))


def _most_points(n_panels: int) -> int:
    return max(FEWEST_POINTS, min(MOST_POINTS, MOST_IN_ALL // max(1, n_panels)))


def _drawable(laws: Laws, group: Group, name: str) -> Iterator[str]:
    """The metrics with points or lines: losses first, then scores; those without any line last."""
    block = laws.block(name, group)
    metrics = [*laws.of_kind("loss", block), *laws.of_kind("score", block)]
    for wants_lines in (True, False):
        for metric in metrics:
            entry = mapping(block.get(metric))
            if bool(entry.get("lines")) == wants_lines and (entry.get("lines") or entry.get("points")):
                yield metric


def _fit_plot(laws: Laws, group: Group, metric: str, most: int) -> Plot:
    entry = mapping(laws.block("curves", group).get(metric))
    points, lines = known_of(entry.get("points")), rows_of(entry.get("lines"))
    ahead = [*prospects_of(laws, group, metric)]
    chosen = laws.chosen(group, metric)
    lead = leading(laws, group, metric, lines)
    x = log_scale(
        [*(p["x"] for p in points), *(p["x"] for p in ahead), *(v for line in lines for v in line.get("x") or ())]
    )
    about = mapping(laws.metrics.get(metric))
    y = height(points + ahead, lines, lead, about.get("chance"))
    ticks = with_reference(axis(y), y, about.get("chance"), "chance")
    return Plot(
        title=metric,
        caption=_caption(laws, group, metric, chosen),
        x_title="training compute, FLOPs" + (" (log)" if x.log else ""),
        y_title=_unit(laws, metric),
        x_ticks=axis(x),
        y_ticks=ticks,
        curves=tuple(curves_of(lines, lead, x, y, _role(laws, group, metric, "curves"))),
        points=points_of(laws, points + ahead, x, y, most, "FLOPs"),
        note=_cut_note(len(points), most),
    )


def _stage_plot(laws: Laws, group: Group, metric: str, most: int) -> Plot:
    entry = mapping(laws.block("stage2", group).get(metric))
    points, lines = known_of(entry.get("points")), rows_of(entry.get("lines"))
    chosen = laws.chosen(group, metric)
    across = [*(p["x"] for p in points), *(v for line in lines for v in line.get("x") or ())]
    lead, about = leading(laws, group, metric, lines), mapping(laws.metrics.get(metric))
    x, y = framed(across, reverse=True), height(points, lines, lead, about.get("chance"))
    emerged = sum(p.get("emerged") is not False for p in points)
    loss = str(entry.get("loss") or "loss")
    return Plot(
        title=metric,
        caption=(f"{laws.words(group, metric, chosen)}; " if chosen and lines else "" if lines else "not fitted; ")
        + f"{emerged} of {count(len(points), 'point')} emerged",
        x_title=f"{loss}, axis reversed",
        y_title=_unit(laws, metric),
        x_ticks=x.ticks(5),
        y_ticks=with_reference(axis(y), y, about.get("chance"), "chance"),
        curves=tuple(curves_of(lines, lead, x, y, _role(laws, group, metric, "stage2"))),
        points=points_of(laws, points, x, y, most, loss),
        note=_cut_note(len(points), most),
    )


def _unit(laws: Laws, metric: str) -> str:
    if laws.kind(metric) == "loss":
        return "loss (lower is better)"
    higher = mapping(laws.metrics.get(metric)).get("higher_is_better") is not False
    return f"score ({'higher' if higher else 'lower'} is better)"


def _caption(laws: Laws, group: Group, metric: str, chosen: str | None) -> str:
    fits = laws.forms(group, metric)
    if chosen is None:
        said = [str(fit.get("words") or fit.get("status") or "") for fit in fits.values()]
        return next(filter(None, said), "no form could be chosen")
    error = percent(fits[chosen].get("held_out_error"))
    n = short(fits[chosen].get("n_runs"))
    return f"{laws.words(group, metric, chosen)}; held-out error {error}, {n} runs fitted"


def _cut_note(n: int, most: int) -> str:
    return f"{most} of {n} points drawn" if n > most else ""


def _figures(laws: Laws, group: Group, left: int) -> Plain | None:
    """Every fit of a group: what it was fitted on, its parameters and its errors."""
    block = laws.block("fits", group)
    rows = [
        (
            f"{metric} · {form_name(form)}" + (" · chosen" if fit.get("chosen") else ""),
            str(fit.get("status") or ""),
            f"{short(fit.get('n_runs'))} / {short(fit.get('n_points'))}",
            percent(fit.get("inner_error")),
            percent(fit.get("held_out_error")),
            ", ".join(f"{name} {short(value)}" for name, value in mapping(fit.get("parameters")).items()),
        )
        for metric in (*laws.of_kind("loss", block), *laws.of_kind("score", block))
        for form, fit in laws.forms(group, metric).items()
    ]
    heads = ("Metric and form", "status", "runs / points", "inner error", "held-out error", "parameters")
    kept = rows[: max(0, left)]
    return Plain("Every fit in figures", heads, tuple(kept), len(rows) - len(kept)) if kept else None
