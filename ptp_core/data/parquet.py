"""Parquet files, read in batches: one record a row."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ptp_core.errors import UserError, Where

BATCH_ROWS = 1000


def read_parquet(path: Path, fields: Iterable[str]) -> Iterator[tuple[int, dict[str, Any]]]:
    """(row number from 1, record) with the columns that the dotted ``fields`` lie in.

    Raises UserError for a file that is not parquet or damaged (with the row reached), and for a column that is not
    there (naming those that are).
    """
    row = 0
    try:
        with pq.ParquetFile(path) as file:
            names = file.schema_arrow.names
            columns = sorted({_column(field, names, path) for field in fields})
            for batch in file.iter_batches(BATCH_ROWS, columns=columns):
                for record in batch.to_pylist():
                    row += 1
                    yield row, record
    except (pa.ArrowException, OSError) as error:
        what = "damaged after this row" if row else "this is not a parquet file"
        got = str(error).splitlines()[0]
        raise UserError(what, where=Where(path, row or None), got=got) from None


def _column(field: str, names: list[str], path: Path) -> str:
    found = next((name for name in (field, field.split(".")[0]) if name in names), None)
    if found is None:
        raise UserError(f'no column for "{field}"', where=Where(path), fix=f"the columns are: {', '.join(names)}")
    return found
