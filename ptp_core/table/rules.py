"""The rules of the tidy table: what each column may hold, and what makes a row one number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from ptp_core.errors import UserError, UserErrors, Where, did_you_mean, shorten
from ptp_core.table.columns import COLUMNS, KEY, KINDS, Column
from ptp_core.table.ranges import is_outside

HEX = "[0-9a-f]{64}"
STORE = f"[a-z_]+/{HEX}(/.*)?"
"""How the source of a number of the store reads: stage and fingerprint."""

MAX_REPORTED = 10
"""So many mistakes are listed at once; a longer list is not read."""


def check_columns(present: Sequence[str], where: Where | None, columns: tuple[Column, ...] = COLUMNS) -> None:
    """Raise UserError for an unknown, repeated or lacking column among the names ``present``."""
    known = [column.name for column in columns]
    for name in present:
        if name not in known:
            raise UserError("unknown column", where=where, subject=name, fix=did_you_mean(name, known))
        if present.count(name) > 1:
            raise UserError("column appears twice", where=where, subject=name, fix="keep one of them")
    for column in columns:
        if column.required and column.name not in present:
            raise UserError(
                "column is lacking", where=where, subject=column.name, expected=column.description, fix="add it"
            )


def cast(values: pd.Series[Any], column: Column, where: Where | None) -> pd.Series[Any]:
    """The column in its dtype; the empty string counts as missing, as it does in a CSV file."""
    if column.dtype == "str":
        words = values.astype(object)
        strange = words.notna() & ~words.map(lambda cell: isinstance(cell, str))
        _refuse(strange, words, column, "text", where)
        return words.where(words.notna() & (words != ""), None).astype("str")
    if column.dtype == "boolean":
        flags = values.astype(object).map(_as_flag)
        _refuse(flags.map(lambda flag: isinstance(flag, str)), values, column, "true or false", where)
        return flags.astype("boolean")
    blank = values.isna() | (values.astype(object) == "")
    numbers = pd.to_numeric(values.astype(object).where(~blank, None), errors="coerce").astype("float64")
    _refuse(~blank & ~np.isfinite(numbers), values, column, "a finite number", where)
    if column.dtype == "float64":
        return numbers
    _refuse(~blank & (numbers != np.floor(numbers)), values, column, "a whole number", where)
    return numbers.astype("Int64")


def _as_flag(cell: object) -> object:
    if cell is None or cell is pd.NA or cell == "" or (isinstance(cell, float) and np.isnan(cell)):
        return pd.NA
    return {"true": True, "false": False}.get(str(cell).lower(), "?")


def _refuse(bad: pd.Series[Any], values: pd.Series[Any], column: Column, expected: str, where: Where | None) -> None:
    if bad.any():
        row = int(np.flatnonzero(bad.to_numpy(dtype=bool))[0])
        raise UserError(
            "cannot be read",
            where=where,
            subject=f"row {row + 1} {column.name}",
            expected=expected,
            got=values.iloc[row],
            fix=column.description,
        )


def check_rows(table: pd.DataFrame, where: Where | None) -> None:
    """Raise UserErrors naming the rows that break a rule, at most ``MAX_REPORTED`` of them."""
    measured = table["kind"].isin(("indicator", "outcome"))
    has_value, has_text = table["value"].notna(), table["text"].notna()
    rules: list[tuple[pd.Series[Any], str, str]] = [
        (table["variant"].isna(), "variant", "a name"),
        (table["name"].isna(), "name", "a name"),
        (table["source"].isna(), "source", "where the number comes from"),
        (~table["kind"].isin(KINDS), "kind", "config, indicator or outcome"),
        (measured & ~has_value, "value", "a number, since the row is an indicator or outcome"),
        (measured & has_text, "text", "nothing, since the row is an indicator or outcome"),
        (measured & table["higher_is_better"].isna(), "higher_is_better", "true or false"),
        ((table["kind"] == "config") & (has_value == has_text), "value", "either a value or a text"),
        (table["stderr"] < 0, "stderr", "a number >= 0"),
        ((table["n_items"] < 1).fillna(False), "n_items", "an integer >= 1"),
        ((table["checkpoint_tokens"] < 0).fillna(False), "checkpoint_tokens", "an integer >= 0"),
        (table["digest"].notna() & ~table["digest"].str.fullmatch(HEX), "digest", "64 hexadecimal digits (sha256)"),
        (_out_of_range(table, measured), "value", "a number that its metric can have: shares lie in 0 … 1"),
        (table.duplicated(list(KEY)), "value", f"one row per {', '.join(KEY)}"),
        (_direction_changes(table), "higher_is_better", "one direction for all rows of a name"),
    ]
    errors = [
        _row_error(table, int(row), column, expected, where)
        for bad, column, expected in rules
        for row in np.flatnonzero(bad.to_numpy(dtype=bool))[:MAX_REPORTED]
    ]
    if errors:
        raise errors[0] if len(errors) == 1 else UserErrors(errors[:MAX_REPORTED])


def _direction_changes(table: pd.DataFrame) -> pd.Series[Any]:
    first = table.groupby(["kind", "name"], dropna=False)["higher_is_better"].transform("first")
    return (table["higher_is_better"] != first).fillna(False)


def _out_of_range(table: pd.DataFrame, measured: pd.Series[Any]) -> pd.Series[Any]:
    """Numbers made here only: in a table measured elsewhere a column called ``acc`` may well be in percent."""
    ours = table[measured & table["digest"].isna() & table["source"].str.fullmatch(STORE).fillna(False)]
    outside = [is_outside(name, value) for name, value in zip(ours["name"], ours["value"], strict=True)]
    return pd.Series(table.index.isin(ours.index[outside]), index=table.index)


def _row_error(table: pd.DataFrame, row: int, column: str, expected: str, where: Where | None) -> UserError:
    cells = table.iloc[row]
    got = cells[column]
    # A number as people write it, not as numpy shows it.
    got = got.item() if hasattr(got, "item") else got
    return UserError(
        f"row {row + 1} breaks a rule of the table",
        where=where,
        subject=f"{column} of {shorten(cells['name'])} for variant {shorten(cells['variant'])}",
        expected=expected,
        got=None if pd.isna(got) else got,
        fix=None if pd.isna(cells["source"]) else f"look at {cells['source']}",
    )
