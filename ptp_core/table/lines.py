"""Lines of a table under a mapping: which are read, whose they are, after how many tokens, and their settings."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from ptp_core.errors import UserError, UserErrors, Where
from ptp_core.spec.measurements import Columns, Rows, TokensSeen
from ptp_core.spec.quantities import parse_count
from ptp_core.table.cells import Cells
from ptp_core.table.matching import as_finite, is_wanted
from ptp_core.table.rules import MAX_REPORTED


class Line(NamedTuple):
    """A row of the file: where it is, and its cells by column."""

    number: int
    cells: dict[str, str]


def as_columns(columns: Columns) -> tuple[str, ...]:
    """One column is a list of one."""
    return (columns,) if isinstance(columns, str) else columns


def joined(line: Line, columns: Columns, by: str) -> str:
    """The cells of the columns as one name."""
    return by.join(line.cells[column] for column in as_columns(columns))


def lines_of(cells: Cells, only: Rows, subject: str, where: Where) -> list[Line]:
    """The rows that every condition keeps. Raises UserError when one of them, ``subject`` in the spec, keeps none."""
    kept = [Line(number, dict(zip(cells.header, row, strict=True))) for number, row in cells.rows]
    for column, wanted in only.items():
        known = {line.cells[column] for line in kept}
        kept = [line for line in kept if is_wanted(line.cells[column], wanted)]
        if not kept:
            raise nothing_left(f"{subject}.{column}", wanted, known, where)
    return kept


def nothing_left(subject: str, wanted: object, known: Iterable[str], where: Where) -> UserError:
    """What is said of a condition that no row meets; ``known`` is what it could have asked for."""
    fix = f"there is: {', '.join(sorted(known)[:20])}" if known else "correct the mapping"
    return UserError("no row is left", where=where, subject=subject, got=wanted, fix=fix)


def tokens_seen(line: Line, mapping: TokensSeen) -> float | None:
    """Tokens of the checkpoint that the line is about; None for the end of the training."""
    if mapping.step is not None and mapping.tokens_per_step is not None:
        step = as_finite(line.cells[mapping.step])
        return None if step is None else step * mapping.tokens_per_step
    return None if mapping.tokens is None else as_count(line.cells[mapping.tokens])


def as_count(cell: str) -> float | None:
    """The finite number of a cell, which may be written as people do, such as 250M; None for other words."""
    number = as_finite(cell)
    if number is None and cell:
        try:
            return float(parse_count(cell))
        except ValueError:
            return None
    return number


def settings_of(
    column: str, lines: Iterable[Line], variant_of: Callable[[Line], str], cells: Cells
) -> Iterator[dict[str, Any]]:
    """A config row per variant. Raises UserError when the lines of a variant do not agree.

    Numbers only where every cell is one: "0-25" beside "all" must not split into two kinds.
    """
    first: dict[str, Line] = {}
    for line in lines:
        known = first.setdefault(variant_of(line), line)
        if known.cells[column] != line.cells[column]:
            raise UserError(
                f"two values for variant {variant_of(line)}", where=cells.at(line.number), subject=column,
                expected=f"{known.cells[column]}, as on line {known.number}", got=line.cells[column],
                fix="take the column out of `config`, or into `variant`",
            )  # fmt: skip
    filled = {variant: line for variant, line in first.items() if line.cells[column]}
    numeric = all(as_finite(line.cells[column]) is not None for line in filled.values())
    for variant, line in filled.items():
        cell = line.cells[column]
        value = {"value": as_finite(cell)} if numeric else {"text": cell}
        yield {"variant": variant, "kind": "config", "name": column} | value | origin(line, cells)


def origin(line: Line, cells: Cells) -> dict[str, str]:
    """Where a number comes from, as columns of the tidy table."""
    return {"source": f"{cells.path.name}:{line.number}", "digest": cells.digest}


def refuse_double_columns(cells: Cells) -> None:
    """Raises UserError for a column whose name is not its own."""
    for name in cells.header:
        if name and cells.header.count(name) > 1:
            raise UserError("column appears twice", where=cells.at(cells.header_line), subject=name, fix="rename one")


def raise_all(errors: list[UserError]) -> None:
    """Raise UserError or UserErrors if there are any, the first ``MAX_REPORTED`` of them."""
    if len(errors) > MAX_REPORTED:
        more = UserError(f"… and {len(errors) - MAX_REPORTED} more mistakes like these")
        raise UserErrors([*errors[:MAX_REPORTED], more])
    if errors:
        raise errors[0] if len(errors) == 1 else UserErrors(errors)
