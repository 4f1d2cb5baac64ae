"""JSON-lines files, plain or compressed: globs, reading, and errors that name file and line."""

from __future__ import annotations

import glob
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ptp_core.data.lines import read_lines
from ptp_core.errors import UserError, Where


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

    Raises UserError with file:line for a line that is not a JSON object, and for text or a compressed file that cannot
    be decoded.
    """
    for number, line in read_lines(path):
        if line.strip():
            yield number, _parse(path, number, line)


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
