"""The rules of the scores of single items: what each column may hold, and that an item counts once."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ptp_core.errors import UserError, Where, shorten
from ptp_core.table.columns import ITEM_COLUMNS, NUMBER, Column
from ptp_core.table.rules import check_columns

_ARROW = {"str": pa.string(), "float64": pa.float64(), "Int64": pa.int64()}
TYPES = pa.schema([(column.name, _ARROW[column.dtype]) for column in ITEM_COLUMNS])


def checked(batch: pa.Table | pd.DataFrame, where: Where | None) -> pa.Table:
    """The batch in ``TYPES``. Raises UserError for a column, a cell or an item that breaks the rules."""
    if isinstance(batch, pd.DataFrame):
        present = [str(name) for name in batch.columns]
        check_columns(present, where, ITEM_COLUMNS)
        cells = {name: _array(batch.iloc[:, at], name, where) for at, name in enumerate(present)}
    else:
        check_columns(batch.column_names, where, ITEM_COLUMNS)
        cells = {name: batch[name] for name in batch.column_names}
    n = len(batch)
    table = pa.table(
        [_cast(cells.get(c.name, pa.nulls(n)), c, where) for c in ITEM_COLUMNS], schema=TYPES
    )  # fmt: skip
    _refuse(pc.invert(pc.is_in(table["kind"], pa.array(["indicator", "outcome"]))), table, "kind", where)
    for name in ("score", "logprob"):
        _refuse(pc.invert(pc.is_finite(table[name])), table, name, where)
    _refuse_repeated(table, where)
    return table


def _array(values: pd.Series[Any], name: str, where: Where | None) -> pa.Array:
    try:
        return pa.Array.from_pandas(values)
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise _unreadable(name, where, str(error).splitlines()[0]) from None


def _cast(cells: Any, column: Column, where: Where | None) -> Any:
    """The column in its type, the empty word as missing. A number is no word and a word no number."""
    stored, wanted = cells.type, TYPES.field(column.name).type
    words = stored.value_type if pa.types.is_dictionary(stored) else stored
    is_text = pa.types.is_string(words) or pa.types.is_large_string(words)
    is_number = pa.types.is_integer(words) or pa.types.is_floating(words)
    is_empty = pa.types.is_null(words)
    if not (is_empty or (is_text if column.dtype == "str" else is_number)):
        raise _unreadable(column.name, where, str(stored))
    try:
        values = pa.nulls(len(cells), wanted) if is_empty else cells.cast(wanted)
    except pa.ArrowInvalid as error:
        raise _unreadable(column.name, where, str(error)) from None
    if column.dtype == "str":
        values = pc.if_else(pc.equal(values, ""), pa.scalar(None, wanted), values)
    if column.required and values.null_count:
        row = pc.index(pc.is_null(values), True).as_py()
        raise UserError("is missing", where=where, subject=f"row {row + 1} {column.name}", expected=column.description)
    return values


def _unreadable(name: str, where: Where | None, got: str) -> UserError:
    column = next(column for column in ITEM_COLUMNS if column.name == name)
    expected = {"str": "text", "Int64": "whole numbers"}.get(column.dtype, "numbers")
    what, fix = "cannot be read", f"{name}: {column.description}"
    return UserError(what, where=where, subject=f"column {name}", expected=expected, got=got, fix=fix)


def _refuse(bad: Any, table: pa.Table, name: str, where: Where | None) -> None:
    row = pc.index(bad, True).as_py()
    if row >= 0:
        expected = "indicator or outcome" if name == "kind" else "a finite number"
        subject = f"row {row + 1} {name} of item {shorten(table['item'][row].as_py())}"
        raise UserError("breaks a rule of the items", where=where, subject=subject, expected=expected,
                        got=table[name][row].as_py())  # fmt: skip


def _refuse_repeated(table: pa.Table, where: Where | None) -> None:
    key = [*NUMBER, "item"]
    counts = table.select(key).group_by(key, use_threads=False).aggregate([([], "count_all")])
    if counts.num_rows < table.num_rows:
        row = counts.filter(pc.greater(counts["count_all"], 1)).slice(0, 1).to_pylist()[0]
        subject = f"item {shorten(row['item'])} of {shorten(row['name'])} for variant {shorten(row['variant'])}"
        raise UserError(
            "an item is there twice", where=where, subject=subject, expected=f"once per {', '.join(NUMBER)}"
        )
