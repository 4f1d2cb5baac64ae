"""A wide table (a row per variant or checkpoint, a column per number) and its mapping, read into the tidy schema."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from ptp_core.errors import UserError, Where, did_you_mean
from ptp_core.spec.measurements import ColumnMeaning, WideTable
from ptp_core.spec.paths import expand_variables
from ptp_core.spec.quantities import LARGEST
from ptp_core.table.cells import Cells, read_cells
from ptp_core.table.lines import (
    Line,
    as_columns,
    as_count,
    joined,
    lines_of,
    origin,
    raise_all,
    refuse_double_columns,
    settings_of,
    tokens_seen,
)
from ptp_core.table.matching import as_finite, as_number
from ptp_core.table.schema import from_rows

MIN_VARIANTS = 4
"""Three variants make three pairs that share variants: no interval, split or test can be formed."""


@dataclass(frozen=True)
class Mapped:
    """One column of the mapping, and what it holds."""

    name: str
    kind: str
    higher_is_better: bool | None = None


def read_wide(spec: WideTable, base: Path, where: Where) -> pd.DataFrame:
    """The tidy rows of a wide file; ``source`` is ``file:line``, config columns hold numbers or words.

    Parameters: ``spec`` the mapping, ``base`` the folder its path is relative to, ``where`` its place in the spec.
    Raises UserError (or UserErrors, at most ten cells at once) with the line of the file: a missing, empty or
    damaged file, a column that is lacking, double or mapped twice, text, nothing or infinity where a number belongs,
    a checkpoint of a variant that is there twice, a setting with two values for one variant, fewer than four variants.
    """
    cells = read_cells(base / expand_variables(spec.path, where, "measurements.path"), where)
    refuse_double_columns(cells)
    columns = _mapped(spec, cells, where)
    lines = lines_of(cells, spec.only, "only", where)
    raise_all([*_name_errors(spec, lines, cells), *_cell_errors(spec, lines, columns, cells)])
    raise_all(list(_nothing_measured(columns, lines, cells)))
    variants = {joined(line, spec.variant, "-") for line in lines}
    # The checkpoints of a single run are worth a look, too.
    if len(variants) < MIN_VARIANTS and not (spec.tokens or spec.step):
        raise UserError(
            "too few variants to compare", where=Where(cells.path), expected=f"at least {MIN_VARIANTS} variants",
            got=len(variants), fix="add variants",
        )  # fmt: skip
    return from_rows(_tidy_rows(spec, lines, columns, cells), Where(cells.path))


def _meanings(columns: tuple[str, ...] | dict[str, ColumnMeaning]) -> dict[str, bool]:
    if isinstance(columns, dict):
        return {name: meaning.higher_is_better for name, meaning in columns.items()}
    return dict.fromkeys(columns, True)


def _mapped(spec: WideTable, cells: Cells, where: Where) -> list[Mapped]:
    """The columns that hold numbers or settings. Raises UserError for one that is lacking or has two meanings."""
    numbers = [Mapped(name, "config") for name in spec.config]
    numbers += [Mapped(name, "indicator", higher) for name, higher in _meanings(spec.indicators).items()]
    numbers += [Mapped(name, "outcome", higher) for name, higher in _meanings(spec.outcomes).items()]
    whole = [spec.variant] if isinstance(spec.variant, str) else []
    clock = [name for name in (spec.tokens or spec.step,) if name]
    # A part of a name may be a setting as well; a whole name tells variants apart and is none.
    owned = [*whole, *clock, *spec.config, *spec.indicators, *spec.outcomes]
    others = {"only": list(spec.only), "variant": as_columns(spec.variant), "tokens": clock}
    kinds = {name: kind for kind, names in others.items() for name in names} | {c.name: c.kind for c in numbers}
    errors = []
    for name, kind in kinds.items():
        if owned.count(name) > 1:
            fix = "a column has one meaning: keep one"
            errors.append(UserError("column is mapped twice", where=where, subject=name, fix=fix))
        elif name not in cells.header:
            at, fix = cells.at(cells.header_line), did_you_mean(name, cells.header)
            errors.append(UserError(f"no such {kind} column", where=at, got=name, fix=fix))
    raise_all(errors)
    return numbers


def _name_errors(spec: WideTable, lines: list[Line], cells: Cells) -> Iterator[UserError]:
    """A variant, or a checkpoint of one, that has no name or has been there before."""
    clock = spec.tokens or spec.step
    columns = as_columns(spec.variant)
    fix = "give each row its own name" + ("" if clock else ", or map the column of its `tokens`")
    first: dict[tuple[str, float | None], int] = {}
    for line in lines:
        name, at = joined(line, columns, "-"), cells.at(line.number)
        unnamed = [column for column in columns if not line.cells[column]]
        if unnamed:
            yield UserError("variant has no name", where=at, subject=unnamed[0], fix="name it")
        elif clock and line.cells[clock] and not _is_whole(as_count(line.cells[clock])):
            expected = "a whole number, such as 250000000 or 250M"
            yield UserError("not a number of tokens", where=at, subject=clock, expected=expected, got=line.cells[clock])
        elif (seen := first.setdefault((name, tokens_seen(line, spec)), line.number)) != line.number:
            what = (
                f"checkpoint {line.cells[clock] or 'at the end'} is there twice" if clock else "variant is named twice"
            )
            subject = ", ".join(columns)
            yield UserError(what, where=at, subject=subject, got=name, fix=f"first on line {seen}; {fix}")


def _is_whole(number: float | None) -> bool:
    return number is not None and number.is_integer() and 0 <= number <= LARGEST


def _is_measured(cell: str) -> bool:
    return bool(cell) and not math.isnan(as_number(cell) or 0.0)


def _cell_errors(spec: WideTable, lines: list[Line], columns: list[Mapped], cells: Cells) -> Iterator[UserError]:
    for line in lines:
        for column in columns:
            cell, at = line.cells[column.name], cells.at(line.number)
            if spec.missing == "allow" and not _is_measured(cell):
                continue
            number = as_number(cell)
            fix = f"column {column.name} is mapped as {column.kind}; correct the cell or drop the row"
            if not _is_measured(cell) and spec.missing == "refuse":
                fix += ", or say `missing: allow` where it was not measured"
            if not cell or (number is not None and not math.isfinite(number)):
                what = "cell is empty" if not cell else "not a finite number"
                yield UserError(what, where=at, subject=column.name, got=cell or None, fix=fix)
            elif number is None and column.kind != "config":
                yield UserError("not a number", where=at, subject=column.name, got=cell, fix=fix)


def _nothing_measured(columns: list[Mapped], lines: list[Line], cells: Cells) -> Iterator[UserError]:
    for column in columns:
        if not any(_is_measured(line.cells[column.name]) for line in lines):
            at, fix = cells.at(cells.header_line), "take the column out of the mapping"
            yield UserError(
                "no cell of the column is filled in the rows that are read", where=at, subject=column.name, fix=fix
            )


def _tidy_rows(spec: WideTable, lines: list[Line], columns: list[Mapped], cells: Cells) -> Iterator[dict[str, Any]]:
    def variant_of(line: Line) -> str:
        return joined(line, spec.variant, "-")

    for column in columns:
        measured = [line for line in lines if _is_measured(line.cells[column.name])]
        if column.kind == "config":
            yield from settings_of(column.name, measured, variant_of, cells)
            continue
        for line in measured:
            yield {
                "variant": variant_of(line),
                "checkpoint_tokens": tokens_seen(line, spec),
                "kind": column.kind,
                "name": column.name,
                "value": as_finite(line.cells[column.name]),
                "higher_is_better": column.higher_is_better,
            } | origin(line, cells)
