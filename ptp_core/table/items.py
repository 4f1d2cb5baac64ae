"""The scores of single items behind the table: written in batches, checked, and compared with the means they make."""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ptp_core.errors import UserError, Where, shorten
from ptp_core.files import as_readable_as_usual
from ptp_core.table.columns import NUMBER
from ptp_core.table.item_rules import TYPES, checked

ITEMS_FILE = "items.parquet"
ROW_GROUP = 2**18
"""Rows gathered before they are written: some 30 MB, whatever the number of models and items."""

TOLERANCE = 1e-9
"""A mean may miss the table's value by this share of the mean size of the scores: the order of a sum, no more."""

_STORED = pa.schema([(f.name, pa.dictionary(pa.int32(), f.type) if f.type == pa.string() else f.type) for f in TYPES])
"""Words repeat from row to row: each is stored once and read as a category."""


def write_items(batches: Iterable[pa.Table | pd.DataFrame], path: Path) -> Path:
    """Write the items behind a table (columns ``ITEM_COLUMNS``) to a Parquet file; returns its path.

    Batches are checked and written one after the other, so memory is that of a batch and of ``ROW_GROUP`` rows. The
    file appears in one step when all are written. Raises UserError when a batch breaks the schema; nothing is
    written then.
    """
    with _replacing(path) as partial, pq.ParquetWriter(partial, _STORED, compression="zstd") as writer:
        waiting: list[pa.Table] = []
        for batch in batches:
            waiting.append(checked(batch, Where(path)).cast(_STORED))
            if sum(table.num_rows for table in waiting) >= ROW_GROUP:
                _write(writer, waiting)
        _write(writer, waiting)
    return path


def read_items(path: Path, names: Collection[str] | None = None) -> pd.DataFrame:
    """The validated items of a file, words as categories; only those of ``names`` where it is given.

    Raises UserError when the file is missing, damaged or breaks the schema.
    """
    tables = [_of_names(table, names).cast(_STORED) for table in _row_groups(path)]
    table = pa.concat_tables(tables) if tables else _STORED.empty_table()
    items: pd.DataFrame = table.to_pandas(types_mapper={pa.int64(): pd.Int64Dtype()}.get)
    return items


def check_against(table: pd.DataFrame, items: pd.DataFrame | Path, *, not_means: Collection[str] = ()) -> None:
    """Raise UserError naming a number of ``table`` that is not the mean of its items, or items without a number.

    ``items`` may be the path of a file, which is then read in parts. ``not_means``: names whose value is not the mean
    of their scores, such as perplexities. A number that stands in the table more than once (several splits of one
    task) is not looked at: whose the items are cannot be told.
    """
    parts = _row_groups(items) if isinstance(items, Path) else [checked(items, None)]
    sums: dict[tuple[Any, ...], tuple[float, float, int]] = {}
    for part in parts:
        sized = part.append_column("size", pc.abs(part["score"]))
        wanted = [("score", "sum"), ("size", "sum"), ("score", "count")]
        for row in sized.group_by(list(NUMBER), use_threads=False).aggregate(wanted).to_pylist():
            key, new = tuple(row[c] for c in NUMBER), (row["score_sum"], row["size_sum"], row["score_count"])
            old = sums.get(key, (0.0, 0.0, 0))
            sums[key] = (old[0] + new[0], old[1] + new[1], old[2] + new[2])
    values = _values(table)
    for key, (total, size, count) in sums.items():
        if key[1] not in not_means:
            _compare(key, values.get(key, []), total / count, size / count, count)


def _compare(key: tuple[Any, ...], values: list[float], mean: float, size: float, count: int) -> None:
    named = ", ".join(f"{column} {shorten(part)}" for column, part in zip(NUMBER, key, strict=True) if part is not None)
    if not values:
        fix = "the items are of another run than the table: make both anew"
        raise UserError("items of a number that the table does not have", subject=named, fix=fix)
    if len(values) == 1 and not abs(mean - values[0]) <= TOLERANCE * max(size, abs(values[0])):
        raise UserError(
            "the table's value is not the mean of its items",
            subject=named,
            expected=f"{mean!r} (of {count:,} items)",
            got=values[0],
            fix="one of the two is of another run: make both anew",
        )


def _values(table: pd.DataFrame) -> dict[tuple[Any, ...], list[float]]:
    values: dict[tuple[Any, ...], list[float]] = {}
    rows = table.loc[table["kind"] != "config", [*NUMBER, "value"]].astype(object)
    for *key, value in rows.itertuples(index=False):
        values.setdefault(tuple(None if pd.isna(part) else part for part in key), []).append(float(value))
    return values


def _row_groups(path: Path) -> Iterator[pa.Table]:
    """The validated parts of a file."""
    where = Where(path)
    if not path.is_file():
        raise UserError("items not found", where=where, fix="check the path, or run the study that writes them")
    try:
        with pq.ParquetFile(path) as file:
            for group in range(file.num_row_groups):
                yield checked(file.read_row_group(group), where)
    except (pa.ArrowException, OSError) as error:
        got = (str(error).splitlines() or [""])[0]
        raise UserError("damaged or not a Parquet file", where=where, got=got) from error


def _of_names(table: pa.Table, names: Collection[str] | None) -> pa.Table:
    return table if names is None else table.filter(pc.is_in(table["name"], pa.array(list(names), pa.string())))


def _write(writer: pq.ParquetWriter, waiting: list[pa.Table]) -> None:
    """Write and forget what is waiting."""
    if waiting:
        writer.write_table(pa.concat_tables(waiting).unify_dictionaries(), row_group_size=ROW_GROUP)
        waiting.clear()


@contextmanager
def _replacing(path: Path) -> Iterator[Path]:
    """A file to write beside ``path``; it takes its place when all went well and is removed when not."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as made:
        partial = Path(made.name)
    try:
        yield partial
        as_readable_as_usual(partial)
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
