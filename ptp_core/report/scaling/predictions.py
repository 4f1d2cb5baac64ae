"""What is predicted for the runs that were not fitted: by the chosen form, and folded away by every form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ptp_core.report.charts import Mark, Scale, Tick
from ptp_core.report.numbers import DASH, ends, finite, level, level_interval, percent, scientific, short, tokens
from ptp_core.report.scaling.study import KNOWN_AS, Group, Laws, form_name
from ptp_core.report.study import mapping
from ptp_core.report.tables import (
    Plain,
    Row,
    Table,
    clamped,
    folded_after,
    mean_of,
    without_empty,
)

OPEN_RUNS, OPEN_ROWS = 3, 12
MOST_ROWS = 1000
"""Rows of the folded tables, over the whole page; what is beyond stands in the JSON."""
COLUMNS = ("band", "actual", "error")
WIDEST = 1.0
"""The axis of predictions ends where they are off by the whole actual value."""


@dataclass(frozen=True)
class Target:
    """One predicted run: what is known of it, the table of the chosen forms, and every form folded away."""

    run: str
    is_prospect: bool
    facts: tuple[tuple[str, str], ...]
    reach: str
    table: Table
    every_form: Plain | None


@dataclass(frozen=True)
class Predictions:
    """The predicted runs of one group, those shown and those folded away."""

    group: Group
    shown: tuple[Target, ...]
    folded: tuple[Target, ...]
    n_abstained: int


def predictions_of(laws: Laws) -> list[Predictions]:
    """One a group that has anything to predict."""
    found, left = [], MOST_ROWS
    for group in laws.groups:
        targets = []
        for at, (run, block) in enumerate(laws.targets(group).items()):
            if not _is_predicted(block):
                continue
            target = _target(laws, group, f"{group.key}-{at}", run, block, left)
            left -= len(target.every_form.rows) if target.every_form else 0
            targets.append(target)
        if targets:
            n_abstained = sum(_abstains(laws, group, block) for block in laws.targets(group).values())
            shown, folded = tuple(targets[:OPEN_RUNS]), tuple(targets[OPEN_RUNS:])
            found.append(Predictions(group, shown, folded, n_abstained))
    return found


def _is_predicted(block: Mapping[str, Any]) -> bool:
    """Whether any form predicts anything of a run; why none does is said where the forms are ranked."""
    return any(
        mapping(found).get("predicted") is not None for forms in block.values() for found in mapping(forms).values()
    )


def _abstains(laws: Laws, group: Group, block: Mapping[str, Any]) -> int:
    return sum(bool(_of_chosen(laws, group, metric, block)[1].get("abstains")) for metric in block)


def _of_chosen(laws: Laws, group: Group, metric: str, block: Mapping[str, Any]) -> tuple[str | None, Mapping[str, Any]]:
    form = laws.chosen(group, metric)
    return form, mapping(mapping(block.get(metric)).get(form)) if form else {}


def _target(laws: Laws, group: Group, key: str, run: str, block: Mapping[str, Any], left: int) -> Target:
    about = mapping(laws.runs.get(run))
    groups, means = [], []
    entries = {metric: _of_chosen(laws, group, metric, block)[1] for metric in map(str, block)}
    marks = {metric: _off(entry) for metric, entry in entries.items()}
    farthest = max((abs(x) for mark in marks.values() for x in mark if x is not None), default=0.0)
    reach = min(WIDEST, 1.08 * farthest or WIDEST)
    scale = Scale(-reach, reach)
    ticks = _percents(scale) if any(mark[0] is not None for mark in marks.values()) else ()
    for kind, title in (("loss", "Losses"), ("score", "Scores")):
        metrics = laws.of_kind(kind, block)
        rows = [_row(laws, group, metric, block, marks[metric], scale) for metric in metrics]
        groups.append((title, sorted(rows, key=lambda row: row.value == DASH)))
        mean, n = mean_of([entries[metric].get("relative_error") for metric in metrics])
        if mean is not None:
            means.append((f"mean error, {title.lower()}", f"{percent(mean)} (n = {n})"))
    columns, _ = without_empty(COLUMNS, [row for _, rows in groups for row in rows])
    told = tuple(_told_once(title, _only(columns, rows)) for title, rows in groups)
    facts = (
        ("parameters", tokens(about.get("params"))),
        ("tokens", tokens(about.get("tokens"))),
        ("FLOPs", scientific(about.get("compute"))),
        *means,
    )
    return Target(
        run=run,
        is_prospect=about.get("role") == "prospect",
        facts=tuple((label, text) for label, text in facts if text != DASH),
        reach=reach_words(block),
        table=Table(f"target-{key}", "Metric", "Predicted", columns, told, ticks),
        every_form=_every_form(laws, block, left),
    )


def _told_once(title: str, rows: Sequence[Row]) -> tuple[str, tuple[Row, ...]]:
    """A group of rows; a form that all of them share is named in its title alone."""
    forms = {row.note for row in rows if row.note}
    if len(forms) == 1:
        title, rows = f"{title} · {forms.pop()}", [replace(row, note="") for row in rows]
    return title, folded_after(rows, OPEN_ROWS)


def _only(columns: Sequence[str], rows: Sequence[Row]) -> list[Row]:
    """The rows with the cells of these columns."""
    places = [COLUMNS.index(column) for column in columns]
    return [replace(row, cells=tuple(row.cells[at] for at in places)) for row in rows]


def _percents(scale: Scale) -> tuple[Tick, ...]:
    """Ticks in percent of the actual value, the actual value itself dashed."""
    ticks = scale.ticks(5, label=lambda value: "actual" if abs(value) < 1e-12 else f"{short(100 * value)} %")
    return tuple(Tick(tick.at, tick.label, tick.label == "actual") for tick in ticks)


def reach_words(block: Mapping[str, Any]) -> str:
    """``12× beyond the largest fitted compute``; said plainly too where nothing is extrapolated."""
    reaches = [finite(mapping(entry).get("reach")) for forms in block.values() for entry in mapping(forms).values()]
    known = [reach for reach in reaches if reach is not None]
    if not known:
        return ""
    reach = max(known)
    if reach <= 1:
        return f"within the fitted compute ({reach:.2g}× the largest)"
    text = short(float(f"{reach:.2g}")) if reach < 1e4 else scientific(reach)
    return f"{text}× beyond the largest fitted compute"


def _off(entry: Mapping[str, Any]) -> tuple[float | None, float | None, float | None]:
    """Prediction and band as distances from the actual value, in shares of it; None without one."""
    actual, predicted = finite(entry.get("actual")), finite(entry.get("predicted"))
    if not actual or predicted is None:
        return None, None, None
    low, high = ends(entry.get("band95"))
    if low is None or high is None:
        return (predicted - actual) / abs(actual), None, None
    return (predicted - actual) / abs(actual), (low - actual) / abs(actual), (high - actual) / abs(actual)


def _row(
    laws: Laws,
    group: Group,
    metric: str,
    block: Mapping[str, Any],
    off: tuple[float | None, float | None, float | None],
    scale: Scale,
) -> Row:
    form, entry = _of_chosen(laws, group, metric, block)
    words = str(entry.get("words") or "") or (_why_none(laws, group, metric) if form is None else "")
    chips = [("abstains", "bad")] if entry.get("abstains") else []
    if form is None:
        chips.append(("no prediction", "open"))
    return Row(
        name=metric,
        value=level(entry.get("predicted")),
        cells=(
            level_interval(entry.get("band95")),
            level(entry.get("actual") if form else _actual(mapping(block.get(metric)))),
            percent(entry.get("relative_error")),
        ),
        note=laws.words(group, metric, form) if form else "",
        mark=_mark(off, scale),
        chips=tuple(chips),
        words=words,
    )


def _actual(forms: Mapping[str, Any]) -> object:
    return next((mapping(entry).get("actual") for entry in forms.values()), None)


def _mark(off: tuple[float | None, float | None, float | None], scale: Scale) -> Mark | None:
    """A dot with its band; in the colour of warning where the band misses the actual value."""
    at, low, high = off
    if at is None:
        return None
    missed = low is not None and high is not None and not low <= 0 <= high
    places = [None if x is None else scale.at(x) for x in off]
    return clamped(Mark(places[0], places[1], places[2], "bad" if missed else "good"))


def _why_none(laws: Laws, group: Group, metric: str) -> str:
    """Why no form could be chosen, in the words of the fits."""
    fits = laws.forms(group, metric).values()
    said = [str(fit.get("words") or fit.get("status") or "") for fit in fits]
    return next(iter(dict.fromkeys(filter(None, said))), "")


def _every_form(laws: Laws, block: Mapping[str, Any], left: int) -> Plain | None:
    rows = [
        (
            f"{metric} · {form_name(form)}" + (f" ({KNOWN_AS[form]})" if form in KNOWN_AS else ""),
            level(entry.get("predicted")),
            level_interval(entry.get("band95")),
            level(entry.get("actual")),
            percent(entry.get("relative_error")),
            "yes" if entry.get("abstains") else "no",
        )
        for metric in (*laws.of_kind("loss", block), *laws.of_kind("score", block))
        for form, entry in ((str(form), mapping(entry)) for form, entry in mapping(block.get(metric)).items())
    ]
    heads = ("Metric and form", "predicted", "band", "actual", "error", "abstains")
    kept = rows[: max(0, left)]
    return Plain("Every form", heads, tuple(kept), len(rows) - len(kept)) if kept else None
