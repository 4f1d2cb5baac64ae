"""A wide table (a row per variant, a column per number) and its mapping, read into the tidy schema."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from ptp_core.errors import UserError, UserErrors, Where, did_you_mean
from ptp_core.spec.measurements import ColumnMeaning, WideTable
from ptp_core.spec.paths import expand_variables
from ptp_core.table.cells import Cells, read_cells
from ptp_core.table.matching import as_number
from ptp_core.table.rules import MAX_REPORTED
from ptp_core.table.schema import from_rows

MIN_VARIANTS = 4
"""Three variants make three pairs that share variants: no interval, split or test can be formed."""


@dataclass(frozen=True)
class Mapped:
    """One column of the mapping: what it holds, and its place in the header."""

    name: str
    kind: str
    higher_is_better: bool | None
    index: int


def read_wide(spec: WideTable, base: Path, where: Where) -> pd.DataFrame:
    """The tidy rows of a wide file; ``source`` is ``file:line``, config columns hold numbers or words.

    Parameters: ``spec`` the mapping, ``base`` the folder its path is relative to, ``where`` its place in the spec.
    Raises UserError (or UserErrors, at most ten cells at once) with the line of the file: a missing, empty or
    damaged file, a column that is lacking, double or mapped twice, text, nothing or infinity where a number belongs,
    a variant named twice, fewer than four variants.
    """
    cells = read_cells(base / expand_variables(spec.path, where, "measurements.path"), where)
    refuse_double_columns(cells)
    variant, *columns = _map_columns(spec, cells, where)
    raise_all([*_variant_errors(cells, variant), *_cell_errors(cells, columns)])
    if len(cells.rows) < MIN_VARIANTS:
        raise UserError(
            "too few variants to compare", where=Where(cells.path), expected=f"at least {MIN_VARIANTS} rows",
            got=len(cells.rows), fix="add variants",
        )  # fmt: skip
    return from_rows(_tidy_rows(cells, variant, columns), Where(cells.path))


def refuse_double_columns(cells: Cells) -> None:
    """Raises UserError for a column whose name is not its own."""
    for name in cells.header:
        if name and cells.header.count(name) > 1:
            raise UserError("column appears twice", where=cells.at(cells.header_line), subject=name, fix="rename one")


def _meanings(columns: tuple[str, ...] | dict[str, ColumnMeaning]) -> dict[str, bool]:
    if isinstance(columns, dict):
        return {name: meaning.higher_is_better for name, meaning in columns.items()}
    return dict.fromkeys(columns, True)


def _map_columns(spec: WideTable, cells: Cells, where: Where) -> list[Mapped]:
    wanted: list[tuple[str, str, bool | None]] = [(spec.variant, "variant", None)]
    wanted += [(name, "config", None) for name in spec.config]
    wanted += [(name, "indicator", higher) for name, higher in _meanings(spec.indicators).items()]
    wanted += [(name, "outcome", higher) for name, higher in _meanings(spec.outcomes).items()]
    names = [name for name, _, _ in wanted]
    repeated = list(spec.config) + [n for c in (spec.indicators, spec.outcomes) if not isinstance(c, dict) for n in c]
    errors = []
    for name, kind in {name: kind for name, kind, _ in wanted}.items():
        if names.count(name) > 1 or repeated.count(name) > 1:
            errors.append(
                UserError("column is mapped twice", where=where, subject=name, fix="a column has one meaning: keep one")
            )
        elif name not in cells.header:
            at = cells.at(cells.header_line)
            errors.append(UserError(f"no such {kind} column", where=at, got=name, fix=did_you_mean(name, cells.header)))
    raise_all(errors)
    return [Mapped(name, kind, higher, cells.header.index(name)) for name, kind, higher in wanted]


def _variant_errors(cells: Cells, variant: Mapped) -> Iterator[UserError]:
    first: dict[str, int] = {}
    for line, row in cells.rows:
        name, at = row[variant.index], cells.at(line)
        if not name:
            yield UserError("variant has no name", where=at, subject=variant.name, fix="name it")
        elif name in first:
            fix = f"first on line {first[name]}; give each row its own name"
            yield UserError("variant is named twice", where=at, subject=variant.name, got=name, fix=fix)
        else:
            first[name] = line


def _cell_errors(cells: Cells, columns: list[Mapped]) -> Iterator[UserError]:
    for line, row in cells.rows:
        for column in columns:
            cell, at = row[column.index], cells.at(line)
            number = as_number(cell)
            fix = f"column {column.name} is mapped as {column.kind}; correct the cell or drop the row"
            if not cell or (number is not None and not math.isfinite(number)):
                what = "cell is empty" if not cell else "not a finite number"
                yield UserError(what, where=at, subject=column.name, got=cell or None, fix=fix)
            elif number is None and column.kind != "config":
                yield UserError("not a number", where=at, subject=column.name, got=cell, fix=fix)


def _tidy_rows(cells: Cells, variant: Mapped, columns: list[Mapped]) -> Iterator[dict[str, Any]]:
    for column in columns:
        # A config column is numeric only when every cell is: "0-25" beside "all" must not split into two kinds.
        numeric = all(as_number(row[column.index]) is not None for _, row in cells.rows)
        for line, row in cells.rows:
            cell = row[column.index]
            yield {
                "variant": row[variant.index],
                "kind": column.kind,
                "name": column.name,
                "value": as_number(cell) if numeric else None,
                "text": None if numeric else cell,
                "higher_is_better": column.higher_is_better,
                "source": f"{cells.path.name}:{line}",
                "digest": cells.digest,
            }


def raise_all(errors: list[UserError]) -> None:
    """Raise UserError or UserErrors if there are any, the first ``MAX_REPORTED`` of them."""
    if len(errors) > MAX_REPORTED:
        more = UserError(f"… and {len(errors) - MAX_REPORTED} more mistakes like these")
        raise UserErrors([*errors[:MAX_REPORTED], more])
    if errors:
        raise errors[0] if len(errors) == 1 else UserErrors(errors)
