"""Plain text files: a document is the whole file, a line, or a paragraph."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ptp_core.data.lines import read_lines
from ptp_core.errors import UserError, Where

MAX_DOCUMENT_BYTES = 64 * 2**20


def read_text(path: Path, split_by: str) -> Iterator[tuple[int, str]]:
    """(number of the first line, text) of every document that is not blank.

    Lines come without their ends, paragraphs (separated by blank lines) without the last one; a whole file comes as it
    is. Raises UserError with file:line for what is not UTF-8, and for a document of more than 64 MiB.
    """
    first, size, parts = 1, 0, list[str]()
    for number, line in read_lines(path):
        text = _decode(path, number, line)
        if split_by == "line" or (split_by == "paragraph" and not text.strip()):
            parts.append(text if split_by == "line" else "")
            yield from _document(first, parts, split_by)
            first, size, parts = number + 1, 0, []
            continue
        parts.append(text)
        size += len(line)
        if size > MAX_DOCUMENT_BYTES:
            limit = f"at most {MAX_DOCUMENT_BYTES:,} bytes"
            raise UserError("this document is too long", where=Where(path, first), expected=limit, fix="set split_by")
    yield from _document(first, parts, split_by)


def _document(first: int, parts: list[str], split_by: str) -> Iterator[tuple[int, str]]:
    text = "".join(parts)
    if text.strip():
        yield first, text if split_by == "document" else text.rstrip("\r\n")


def _decode(path: Path, number: int, line: bytes) -> str:
    try:
        # The mark that some editors put first is no part of the text.
        return line.decode("utf-8-sig" if number == 1 else "utf-8")
    except UnicodeDecodeError as error:
        raise UserError("this is not text in UTF-8", where=Where(path, number), got=str(error)) from None
