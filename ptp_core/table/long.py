"""A long table (a row per number) and its mapping, read into the tidy schema."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from ptp_core.errors import UserError, Where, did_you_mean
from ptp_core.spec.measurements import Columns, LongMapping, LongTable, Rows
from ptp_core.spec.paths import expand_variables
from ptp_core.table.cells import Cells, read_cells
from ptp_core.table.columns import KEY
from ptp_core.table.matching import as_finite, is_wanted
from ptp_core.table.schema import from_rows
from ptp_core.table.wide import raise_all, refuse_double_columns

WORDS = ("family", "split", "prompt_format", "train_task")
NUMBERS = ("stderr", "n_items", "seed", "tokens", "step")
"""Fields of the mapping that name a column of words or numbers; their cells may be empty."""


class Line(NamedTuple):
    """A row that is read: where it is, its cells by column, and what it is."""

    number: int
    cells: dict[str, str]
    kind: str


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
    lines = list(_lines(mapping, cells, where))
    raise_all([error for line in lines for error in _cell_errors(mapping, line, cells)])
    reader = _Reader(mapping, cells)
    rows = list(reader.numbers(lines))
    _refuse_unknown_names(mapping, rows, where)
    return from_rows([*rows, *reader.configuration(lines)], Where(cells.path))


def _columns(columns: Columns) -> tuple[str, ...]:
    return (columns,) if isinstance(columns, str) else columns


def _conditions(mapping: LongMapping) -> dict[str, Rows]:
    found = {"only": mapping.only, "indicators": mapping.indicators, "outcomes": mapping.outcomes}
    return {key: rows for key, rows in found.items() if isinstance(rows, dict)}


def _lacking(mapping: LongMapping, cells: Cells, where: Where) -> Iterator[UserError]:
    named = {"variant": _columns(mapping.variant), "name": _columns(mapping.name), "value": (mapping.value,)}
    named |= {field: (getattr(mapping, field),) for field in (*WORDS, *NUMBERS) if getattr(mapping, field) is not None}
    named |= {"config": mapping.config} | {key: tuple(rows) for key, rows in _conditions(mapping).items()}
    for field, columns in named.items():
        for column in columns:
            if column not in cells.header:
                fix = f"{did_you_mean(column, cells.header)} (columns of {cells.path.name})"
                yield UserError("no such column", where=where, subject=f"long.{field}", got=column, fix=fix)


def _lines(mapping: LongMapping, cells: Cells, where: Where) -> Iterator[Line]:
    """The rows that are read. Raises UserError when a condition leaves none of them."""
    kept = [(number, dict(zip(cells.header, row, strict=True))) for number, row in cells.rows]
    for column, wanted in mapping.only.items():
        known = {row[column] for _, row in kept}
        kept = [(number, row) for number, row in kept if is_wanted(row[column], wanted)]
        if not kept:
            raise _nothing(f"long.only.{column}", wanted, known, where)
    found = dict.fromkeys(("indicator", "outcome"), 0)
    for number, row in kept:
        kind = _kind(mapping, row, cells.at(number))
        if kind:
            found[kind] += 1
            yield Line(number, row, kind)
    for kind, rows in (("indicator", mapping.indicators), ("outcome", mapping.outcomes)):
        if rows is not None and not found[kind]:
            columns = rows if isinstance(rows, dict) else {}
            known = {row[column] for _, row in kept for column in columns}
            raise _nothing(f"long.{kind}s", rows, known, where)


def _nothing(subject: str, wanted: object, known: Iterable[str], where: Where) -> UserError:
    fix = f"there is: {', '.join(sorted(known)[:20])}" if known else "correct the mapping"
    return UserError("no row is left", where=where, subject=subject, got=wanted, fix=fix)


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
    for column in (*_columns(mapping.variant), *_columns(mapping.name), mapping.value):
        if not line.cells[column]:
            yield UserError("cell is empty", where=at, subject=column, fix=fix)
    for column in (mapping.value, *(getattr(mapping, field) for field in NUMBERS)):
        if column is not None and line.cells[column] and as_finite(line.cells[column]) is None:
            yield UserError("not a finite number", where=at, subject=column, got=line.cells[column], fix=fix)


@dataclass(frozen=True)
class _Reader:
    mapping: LongMapping
    cells: Cells

    def numbers(self, lines: list[Line]) -> Iterator[dict[str, Any]]:
        """A row per number; rows that agree are one. Raises UserError for two that do not."""
        first: dict[tuple[Any, ...], tuple[Line, dict[str, Any]]] = {}
        for line in lines:
            row = self._number(line)
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

    def configuration(self, lines: list[Line]) -> Iterator[dict[str, Any]]:
        """A row per variant and config column. Raises UserError when a variant has two values of one."""
        for column in self.mapping.config:
            first: dict[str, Line] = {}
            for line in lines:
                known = first.setdefault(self._variant(line), line)
                if known.cells[column] != line.cells[column]:
                    expected = f"{known.cells[column]}, as on line {known.number}"
                    raise UserError(
                        f"two values for variant {self._variant(line)}", where=self.cells.at(line.number),
                        subject=column, expected=expected, got=line.cells[column],
                        fix="take the column out of `config`, or into `variant`",
                    )  # fmt: skip
            filled = {variant: line for variant, line in first.items() if line.cells[column]}
            numeric = all(as_finite(line.cells[column]) is not None for line in filled.values())
            for variant, line in filled.items():
                cell = line.cells[column]
                value = {"value": as_finite(cell)} if numeric else {"text": cell}
                yield {"variant": variant, "kind": "config", "name": column} | value | self._origin(line)

    def _number(self, line: Line) -> dict[str, Any]:
        mapping = self.mapping
        name = ".".join(line.cells[column] for column in _columns(mapping.name))
        found = {field: self._cell(line, field) for field in (*WORDS, *NUMBERS)}
        numbers = {field: as_finite(found[field]) if found[field] else None for field in NUMBERS}
        tokens, step = numbers.pop("tokens"), numbers.pop("step")
        if step is not None and mapping.tokens_per_step is not None:
            tokens = step * mapping.tokens_per_step
        words = {field: found[field] or None for field in WORDS}
        if line.kind == "indicator":
            words["train_task"] = None
        return {
            "variant": self._variant(line),
            "checkpoint_tokens": tokens,
            "kind": line.kind,
            "name": name,
            "value": as_finite(line.cells[mapping.value]),
            "higher_is_better": name not in mapping.lower_is_better,
            **numbers,
            **words,
            **self._origin(line),
        }

    def _variant(self, line: Line) -> str:
        return "-".join(line.cells[column] for column in _columns(self.mapping.variant))

    def _cell(self, line: Line, field: str) -> str:
        column = getattr(self.mapping, field)
        return "" if column is None else line.cells[column]

    def _origin(self, line: Line) -> dict[str, str]:
        return {"source": f"{self.cells.path.name}:{line.number}", "digest": self.cells.digest}

    def _differing(self, one: Line, other: Line) -> str:
        columns = [c for c in self.cells.header if c != self.mapping.value and one.cells[c] != other.cells[c]]
        return f"map or filter what differs: {', '.join(columns) or 'nothing does'}"


def _refuse_unknown_names(mapping: LongMapping, rows: list[dict[str, Any]], where: Where) -> None:
    names = {row["name"] for row in rows}
    for name in mapping.lower_is_better:
        if name not in names:
            fix = did_you_mean(name, names)
            raise UserError("no such name", where=where, subject="long.lower_is_better", got=name, fix=fix)
