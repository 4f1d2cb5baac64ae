"""A table as lines of text cells, whatever it is stored as: CSV, TSV, gzip or Parquet."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ptp_core.errors import UserError, Where


@dataclass(frozen=True)
class Cells:
    """Header and rows of a table; a row carries the line of the file it starts on (the header is line 1)."""

    path: Path
    header: tuple[str, ...]
    header_line: int
    rows: tuple[tuple[int, tuple[str, ...]], ...]
    digest: str
    """sha256 of the file."""

    def at(self, line: int) -> Where:
        """The place of a line of this file, for a message."""
        return Where(self.path, line)


def read_cells(path: Path, asked: Where) -> Cells:
    """The cells of ``path``, stripped of surrounding blanks; ``asked`` is the place in the spec that named the file.

    Raises UserError when the file is missing, empty, damaged or not a table.
    """
    check_is_file(path, asked)
    raw = _read_bytes(path)
    digest = hashlib.sha256(raw).hexdigest()
    if path.suffix == ".parquet":
        return _parquet_cells(path, raw, digest)
    text = _text(path, raw)
    if not text.strip():
        raise UserError("the file is empty", where=Where(path), expected="a header line and one line per variant")
    return _csv_cells(path, text, digest)


def check_is_file(path: Path, asked: Where) -> None:
    """Raises UserError unless a table may be there."""
    if not path.is_file():
        what = "is a folder, not a table" if path.is_dir() else "table not found"
        raise UserError(what, where=asked, subject="measurements.path", got=str(path), fix="check the path")


def _read_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UserError("cannot be read", where=Where(path), got=error.strerror) from error


def _text(path: Path, raw: bytes) -> str:
    try:
        if path.suffix == ".gz" or raw[:2] == b"\x1f\x8b":
            raw = gzip.decompress(raw)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise UserError(
            "damaged gzip file", where=Where(path), got=str(error), fix="fetch it again, or name the plain CSV"
        ) from error
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise _not_a_table(path, line, f"byte 0x{raw[error.start]:02x}", "text in UTF-8") from error
    if "\0" in text:
        raise _not_a_table(path, text[: text.index("\0")].count("\n") + 1, "a binary file", "text in UTF-8")
    return text


def _csv_cells(path: Path, text: str, digest: str) -> Cells:
    """Lines are physical: a quoted cell may span several, and blank lines count but make no row."""
    separator = "\t" if ".tsv" in path.suffixes else ","
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    records: list[tuple[int, tuple[str, ...]]] = []
    line = 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                records.append((line, tuple(cell.strip() for cell in cells)))
            line = reader.line_num + 1
    except csv.Error as error:
        raise _not_a_table(path, line, str(error), "cells separated by commas, quotes closed") from error
    (header_line, header), *rows = records
    if len(header) < 2:
        wanted = "at least two columns separated by " + ("tabs" if separator == "\t" else "commas")
        raise _not_a_table(path, header_line, header[0], wanted)
    for number, row in rows:
        if len(row) != len(header):
            raise _not_a_table(path, number, f"{len(row)} cells", f"{len(header)} cells, as in the header")
    return Cells(path, header, header_line, tuple(rows), digest)


def _parquet_cells(path: Path, raw: bytes, digest: str) -> Cells:
    """Rows are numbered as if the file were a CSV: the first is line 2."""
    import pandas as pd

    try:
        frame = pd.read_parquet(io.BytesIO(raw))
    except (ValueError, OSError) as error:
        raise UserError("damaged or not a Parquet file", where=Where(path), got=str(error).split("\n")[0]) from error
    # What pandas had as its index is a column of the file like any other.
    named = [name is not None for name in frame.index.names]
    frame = frame.reset_index(level=[at for at, is_named in enumerate(named) if is_named]) if any(named) else frame
    columns = [[_plain(cell) for cell in frame.iloc[:, at]] for at in range(frame.shape[1])]
    rows = tuple((number, cells) for number, cells in enumerate(zip(*columns, strict=True), start=2))
    return Cells(path, tuple(str(name) for name in frame.columns), 1, rows, digest)


def _plain(cell: Any) -> str:
    import pandas as pd

    # A list in a cell is not missing, and pandas would look into it.
    if pd.api.types.is_scalar(cell) and pd.isna(cell):
        return ""
    # Steps that stand in a column of floats are called 50, as in a CSV, and not 50.0.
    is_whole = isinstance(cell, bool) or (isinstance(cell, float) and cell.is_integer() and abs(cell) < 2**53)
    return str(int(cell)) if is_whole else str(cell).strip()


def _not_a_table(path: Path, line: int, got: str, expected: str) -> UserError:
    return UserError("not a table", where=Where(path, line), expected=expected, got=got, fix="save it as CSV in UTF-8")
