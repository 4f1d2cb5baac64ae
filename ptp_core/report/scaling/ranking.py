"""Which form extrapolates best: held-out error by form, and what choosing by inner error gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ptp_core.report.charts import Mark, Scale, fit
from ptp_core.report.lines import rows_of
from ptp_core.report.numbers import finite, percent, short
from ptp_core.report.scaling.study import CHOSEN, COMBINED, KNOWN_AS, Group, Laws, form_name
from ptp_core.report.tables import Row, Table, clamped

COLUMNS = ("median", "n", "inner error", "chosen for")
KINDS = {"loss": "Losses", "score": "Scores", "direct": "Scores, directly"}
BY = "by inner error, inside the fitted runs"
CLIP = 4.0
"""The axis ends at this many times the middle error: one form that went astray must not hide all others."""


@dataclass(frozen=True)
class Ranking:
    """The forms of one group, one table a kind of metric."""

    group: Group
    tables: tuple[tuple[str, Table], ...]


def rankings_of(laws: Laws) -> list[Ranking]:
    """One ranking a group that has any row."""
    found = []
    for group in laws.groups:
        rows = [row for row in rows_of(laws.summary.get("ranking")) if str(row.get("group") or "") == group.name]
        kinds = list(dict.fromkeys(str(row.get("kind")) for row in rows))
        tables = [
            (KINDS.get(kind, kind), _table(laws, group, kind, [row for row in rows if str(row.get("kind")) == kind]))
            for kind in kinds
        ]
        if tables:
            found.append(Ranking(group, tuple(tables)))
    return found


def _table(laws: Laws, group: Group, kind: str, rows: Sequence[Mapping[str, Any]]) -> Table:
    errors = sorted(error for row in rows if (error := finite(row.get("held_out_error"))) is not None)
    scale = _scale(errors)
    key = f"ranking-{group.key}-{kind if kind in KINDS else 'other'}"
    together = " and ".join(laws.together(group, kind))
    shown = tuple(_row(row, scale, together) for row in _merged(rows))
    ticks = scale.ticks(5, label=lambda value: f"{short(100 * value)} %")
    return Table(key, "Form", "Held-out error", COLUMNS, (("", shown),), ticks)


def _merged(rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The rows; where one form was chosen for everything, its row and that of the choice are one."""
    choice = next((row for row in rows if row.get("form") == CHOSEN), None)
    same = [row for row in rows if choice and row is not choice and _figures(row) == _figures(choice)]
    if not same or finite(same[0].get("held_out_error")) is None:
        return list(rows)
    return [{**row, "is_choice": row is same[0]} for row in rows if row is not choice]


def _figures(row: Mapping[str, Any]) -> tuple[object, ...]:
    return tuple(row.get(key) for key in ("held_out_error", "median", "n", "inner_error", "n_chosen"))


def _scale(errors: Sequence[float]) -> Scale:
    if not errors:
        return Scale(0.0, 1.0)
    middle = errors[len(errors) // 2]
    return Scale(0.0, fit([0.0, *(error for error in errors if error <= CLIP * middle)]).high or 1.0)


def _row(row: Mapping[str, Any], scale: Scale, together: str) -> Row:
    form = str(row.get("form"))
    key = f"{form}: {together}" if form == COMBINED and together else form
    error = finite(row.get("held_out_error"))
    is_merged = bool(row.get("is_choice"))
    is_chosen = form == CHOSEN or is_merged
    chips = [(KNOWN_AS[form], "open")] if form in KNOWN_AS else []
    if is_merged:
        chips.append((form_name(CHOSEN), ""))
    return Row(
        name=form_name(form),
        value=percent(error),
        cells=(
            percent(row.get("median")),
            short(row.get("n")),
            percent(row.get("inner_error")),
            short(row.get("n_chosen")),
        ),
        mark=None if error is None else clamped(Mark(scale.at(error), None, None, "good" if is_chosen else "open")),
        note=f"{key}; chosen {BY}" if is_merged else BY if is_chosen else key,
        chips=tuple(chips),
        is_best=is_chosen,
    )
