"""A long table (a row per number) and its mapping, read into the tidy schema."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from ptp_core.errors import UserError, Where, did_you_mean
from ptp_core.spec.measurements import LongMapping, LongTable, Rows
from ptp_core.spec.paths import expand_variables
from ptp_core.table.cells import Cells, read_cells
from ptp_core.table.columns import KEY
from ptp_core.table.lines import (
    Line,
    as_columns,
    joined,
    lines_of,
    nothing_left,
    origin,
    raise_all,
    refuse_double_columns,
    settings_of,
    tokens_seen,
)
from ptp_core.table.matching import as_finite, is_wanted
from ptp_core.table.schema import from_rows

WORDS = ("family", "split", "prompt_format", "train_task")
NUMBERS = ("stderr", "n_items", "seed")
CLOCKS = ("tokens", "step")
"""Fields of the mapping that name a column of words or numbers; their cells may be empty."""


def read_long(spec: LongTable, base: Path, where: Where) -> pd.DataFrame:
    """The tidy rows of a long file; ``source`` is ``file:line``, config columns make one row a variant.

    Parameters and errors as of ``read_measurements``: a file that is missing or damaged, a column that is lacking or
    double, a filter that leaves nothing, a cell that is no number, a row that is indicator and outcome at once, two
    rows with different values for one number, a config column with two values for one variant.
    """
    cells = read_cells(base / expand_variables(spec.path, where, "measurements.path"), where)
    refuse_double_columns(cells)
    mapping = spec.long
    raise_all(list(_lacking(mapping, cells, where)))
    kinds = _kinds(mapping, cells, where)
    raise_all([error for line, _ in kinds for error in _cell_errors(mapping, line, cells)])
    reader = _Reader(mapping, cells)
    rows = list(reader.numbers(kinds))
    _refuse_unknown_names(mapping, rows, where)
    lines = [line for line, _ in kinds]
    settings = [row for column in mapping.config for row in settings_of(column, lines, reader.variant, cells)]
    return from_rows([*rows, *settings], Where(cells.path))


def _conditions(mapping: LongMapping) -> dict[str, Rows]:
    found = {"only": mapping.only, "indicators": mapping.indicators, "outcomes": mapping.outcomes}
    return {key: rows for key, rows in found.items() if isinstance(rows, dict)}


def _lacking(mapping: LongMapping, cells: Cells, where: Where) -> Iterator[UserError]:
    named = {"variant": as_columns(mapping.variant), "name": as_columns(mapping.name), "value": (mapping.value,)}
    named |= {
        field: (getattr(mapping, field),)
        for field in (*WORDS, *NUMBERS, *CLOCKS)
        if getattr(mapping, field) is not None
    }
    named |= {"config": mapping.config} | {key: tuple(rows) for key, rows in _conditions(mapping).items()}
    for field, columns in named.items():
        for column in columns:
            if column not in cells.header:
                fix = f"{did_you_mean(column, cells.header)} (columns of {cells.path.name})"
                yield UserError("no such column", where=where, subject=f"long.{field}", got=column, fix=fix)


def _kinds(mapping: LongMapping, cells: Cells, where: Where) -> list[tuple[Line, str]]:
    """The rows that are read, and what each is. Raises UserError when a condition leaves none of them."""
    kept = lines_of(cells, mapping.only, "long.only", where)
    kinds = [(line, kind) for line in kept if (kind := _kind(mapping, line.cells, cells.at(line.number)))]
    for kind, rows in (("indicator", mapping.indicators), ("outcome", mapping.outcomes)):
        if rows is not None and all(found != kind for _, found in kinds):
            columns = rows if isinstance(rows, dict) else {}
            known = {line.cells[column] for line in kept for column in columns}
            raise nothing_left(f"long.{kind}s", rows, known, where)
    return kinds


def _kind(mapping: LongMapping, row: dict[str, str], at: Where) -> str | None:
    def is_one(rows: Rows | str | None) -> bool:
        return isinstance(rows, dict) and all(is_wanted(row[column], wanted) for column, wanted in rows.items())

    indicator, outcome = is_one(mapping.indicators), is_one(mapping.outcomes)
    if indicator and outcome:
        fix = "narrow `indicators` or `outcomes`, or say that one of them is `others`"
        raise UserError("this row is an indicator and an outcome", where=at, fix=fix)
    if indicator or (mapping.indicators == "others" and not outcome):
        return "indicator"
    return "outcome" if outcome or mapping.outcomes == "others" else None


def _cell_errors(mapping: LongMapping, line: Line, cells: Cells) -> Iterator[UserError]:
    at, fix = cells.at(line.number), "correct the cell, or leave the row out with `only`"
    for column in (*as_columns(mapping.variant), *as_columns(mapping.name), mapping.value):
        if not line.cells[column]:
            yield UserError("cell is empty", where=at, subject=column, fix=fix)
    for column in (mapping.value, *(getattr(mapping, field) for field in (*NUMBERS, *CLOCKS))):
        if column is not None and line.cells[column] and as_finite(line.cells[column]) is None:
            yield UserError("not a finite number", where=at, subject=column, got=line.cells[column], fix=fix)


@dataclass(frozen=True)
class _Reader:
    mapping: LongMapping
    cells: Cells

    def numbers(self, kinds: list[tuple[Line, str]]) -> Iterator[dict[str, Any]]:
        """A row per number; rows that agree are one. Raises UserError for two that do not."""
        first: dict[tuple[Any, ...], tuple[Line, dict[str, Any]]] = {}
        for line, kind in kinds:
            row = self._number(line, kind)
            known, other = first.setdefault(tuple(row.get(column) for column in KEY), (line, row))
            if other is row:
                yield row
            elif other["value"] != row["value"]:
                column = self.mapping.value
                raise UserError(
                    f"another value of {row['name']} for {row['variant']} than on line {known.number}",
                    where=self.cells.at(line.number), subject=column, expected=known.cells[column],
                    got=line.cells[column], fix=self._differing(known, line),
                )  # fmt: skip

    def variant(self, line: Line) -> str:
        """Whose line it is."""
        return joined(line, self.mapping.variant, "-")

    def _number(self, line: Line, kind: str) -> dict[str, Any]:
        mapping = self.mapping
        name = joined(line, mapping.name, ".")
        found = {field: self._cell(line, field) for field in (*WORDS, *NUMBERS)}
        numbers = {field: as_finite(found[field]) if found[field] else None for field in NUMBERS}
        words = {field: found[field] or None for field in WORDS}
        if kind == "indicator":
            words["train_task"] = None
        return {
            "variant": self.variant(line),
            "checkpoint_tokens": tokens_seen(line, mapping),
            "kind": kind,
            "name": name,
            "value": as_finite(line.cells[mapping.value]),
            "higher_is_better": name not in mapping.lower_is_better,
            **numbers,
            **words,
            **origin(line, self.cells),
        }

    def _cell(self, line: Line, field: str) -> str:
        column = getattr(self.mapping, field)
        return "" if column is None else line.cells[column]

    def _differing(self, one: Line, other: Line) -> str:
        columns = [c for c in self.cells.header if c != self.mapping.value and one.cells[c] != other.cells[c]]
        return f"map or filter what differs: {', '.join(columns) or 'nothing does'}"


def _refuse_unknown_names(mapping: LongMapping, rows: list[dict[str, Any]], where: Where) -> None:
    names = {row["name"] for row in rows}
    for name in mapping.lower_is_better:
        if name not in names:
            fix = did_you_mean(name, names)
            raise UserError("no such name", where=where, subject="long.lower_is_better", got=name, fix=fix)
