"""The tidy table of measurements, one row per number: build it, validate it, write it, read it back."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from ptp_core.errors import UserError, Where
from ptp_core.files import write_atomically
from ptp_core.table.columns import COLUMNS, KEY, NAMES
from ptp_core.table.rules import cast, check_columns, check_rows

STEM = "measurements"


def from_rows(rows: Iterable[Mapping[str, Any]], where: Where | None = None) -> pd.DataFrame:
    """A validated table from dictionaries, one per number; absent keys are missing values."""
    rows = list(rows)
    names = list(dict.fromkeys(name for row in rows for name in row)) or list(NAMES)
    columns = {name: pd.Series([row.get(name) for row in rows], dtype=object) for name in names}
    return validate(pd.DataFrame(columns), where)


def validate(frame: pd.DataFrame, where: Where | None = None) -> pd.DataFrame:
    """The same table in its canonical form: columns and dtypes of ``COLUMNS``, rows in the order of ``KEY``.

    Raises UserError naming the column or row when a column is unknown, lacking or of another type, when a row breaks
    a rule of the schema, or when two rows claim the same number.
    """
    check_columns([str(name) for name in frame.columns], where)
    frame = frame.reset_index(drop=True)
    table = pd.DataFrame(
        {
            column.name: cast(frame[column.name], column, where)
            if column.name in frame.columns
            else pd.Series([None] * len(frame), dtype=column.dtype)
            for column in COLUMNS
        }
    )
    check_rows(table, where)
    return table.sort_values(list(KEY), na_position="first", kind="stable").reset_index(drop=True)


def write_table(frame: pd.DataFrame, folder: Path) -> tuple[Path, Path]:
    """Write ``measurements.parquet`` (for programs) and ``measurements.csv`` (for people); return their paths.

    Each file is replaced in one step, and the same numbers give the same bytes whatever the order of their rows.
    Raises UserError when the table breaks the schema; nothing is written then.
    """
    parquet, text = folder / f"{STEM}.parquet", folder / f"{STEM}.csv"
    table = validate(frame, Where(parquet))
    binary = io.BytesIO()
    table.to_parquet(binary, index=False, engine="pyarrow", compression="zstd")
    write_atomically(parquet, binary.getvalue())
    write_atomically(text, table.to_csv(index=False, lineterminator="\n"))
    return parquet, text


def read_table(path: Path) -> pd.DataFrame:
    """The validated table of a ``.parquet`` or ``.csv`` file that follows the schema.

    Raises UserError when the file is missing, unreadable or breaks the schema.
    """
    where = Where(path)
    if not path.is_file():
        raise UserError("table not found", where=where, fix="check the path, or run the study that writes it")
    try:
        # CSV as text only: pandas would otherwise turn a variant called "NA" or "007" into something else.
        frame = (
            pd.read_csv(path, dtype="str", keep_default_na=False, encoding="utf-8")
            if ".csv" in path.suffixes
            else pd.read_parquet(path)
        )
    except (ValueError, OSError) as error:
        raise UserError(
            "cannot be read as a table",
            where=where,
            expected="a .parquet or .csv file in the tidy schema",
            got=(str(error).splitlines() or [""])[0],
        ) from error
    return validate(frame, where)
