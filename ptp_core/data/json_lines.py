"""JSON-lines files, plain or gzipped: globs, reading, and errors that name file and line."""

from __future__ import annotations

import glob
import gzip
import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, cast

from ptp_core.errors import UserError, Where

MAX_LINE_BYTES = 64 * 2**20
_BROKEN_GZIP = (gzip.BadGzipFile, EOFError, zlib.error)


def matching_files(pattern: Path, where: Where, subject: str) -> list[Path]:
    """The files that a path or glob names, sorted; raises UserError if there is none."""
    # A file whose own name holds [ or * is meant literally.
    found = [pattern] if pattern.is_file() else sorted(Path(name) for name in glob.glob(str(pattern), recursive=True))  # noqa: PTH207
    files = [path for path in found if path.is_file()]
    if not files:
        raise UserError(
            "no such file", where=where, subject=subject, got=str(pattern), fix="check the path or the glob"
        )
    return files


def read_json_lines(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """(line number from 1, object) of every line; blank lines are passed over.

    Raises UserError with file:line for a line that is not a JSON object, and for text or gzip that cannot be decoded.
    """
    number = 0
    try:
        with _open(path) as stream:
            while line := stream.readline(MAX_LINE_BYTES):
                number += 1
                if len(line) == MAX_LINE_BYTES and not line.endswith(b"\n"):
                    limit = f"at most {MAX_LINE_BYTES:,} bytes"
                    raise UserError("this line is too long", where=Where(path, number), expected=limit)
                if line.strip():
                    yield number, _parse(path, number, line)
    except (OSError, EOFError, zlib.error) as error:
        fix = "the compressed file is damaged or cut short" if isinstance(error, _BROKEN_GZIP) else None
        raise UserError("cannot be read", where=Where(path, number + 1), got=str(error), fix=fix) from None


def _open(path: Path) -> BinaryIO:
    # By content, not by name: a file that was decompressed in place keeps working.
    with path.open("rb") as stream:
        magic = stream.read(2)
    return cast(BinaryIO, gzip.open(path, "rb")) if magic == b"\x1f\x8b" else path.open("rb")


def _parse(path: Path, number: int, line: bytes) -> dict[str, Any]:
    where = Where(path, number)
    try:
        value = json.loads(line.decode("utf-8"))
        if b"\\u" in line:
            # Half of a surrogate pair is JSON, but no text: it could be neither tokenised nor written.
            json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        shown = line[:60].decode("utf-8", "replace")
        raise UserError(
            "not JSON lines", where=where, expected="one JSON object a line", got=shown, fix=str(error)
        ) from None
    if not isinstance(value, dict):
        raise UserError("not JSON lines", where=where, expected="one JSON object a line", got=value)
    return value


def text_of(record: dict[str, Any], field: str, path: Path, number: int) -> str:
    """The text of one document; raises UserError if the field is missing or not text."""
    value = record.get(field)
    if not isinstance(value, str):
        fix = f"set text_field; this line has: {', '.join(sorted(record))}" if field not in record else None
        raise UserError(f'no text under "{field}"', where=Where(path, number), got=value, fix=fix)
    return value
