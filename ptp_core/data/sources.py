"""The documents of a source, whatever it is: JSON lines, parquet, text files, or a data set of the hub."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple, get_args

from ptp_core.data.hub import read_hub
from ptp_core.data.json_lines import read_json_lines
from ptp_core.data.text_files import read_text
from ptp_core.errors import UserError, Where
from ptp_core.spec.data import Format, Reading

Record = dict[str, Any]
_PACKED = (".gz", ".zst", ".zstd")
_FORMATS: dict[str, Format] = {".parquet": "parquet", ".pq": "parquet", ".txt": "text", ".text": "text", ".md": "text"}


class Document(NamedTuple):
    """A text, and where it stands: file and line, file and row, or data set and row."""

    where: Where
    text: str


def documents(reading: Reading, files: Iterable[Path], dropped: Counter[str]) -> Iterator[Document]:
    """The documents of a source in order, at most ``max_documents``.

    What ``only`` leaves out and what is blank is counted in ``dropped`` (keys ``filtered`` and ``blank``). Raises
    UserError with file:line or file:row for a document without text.
    """
    taken = 0
    for where, record in records(reading, files):
        if not matches(record, reading.only):
            dropped["filtered"] += 1
            continue
        text = text_of(record, reading.text_field, where)
        if not text.strip():
            dropped["blank"] += 1
            continue
        yield Document(where, text)
        taken += 1
        if taken == reading.max_documents:
            return


def records(reading: Reading, files: Iterable[Path]) -> Iterator[tuple[Where, Record]]:
    """Where each record of a source stands, and its fields; a document of a text file has the field ``text`` alone."""
    if reading.hub is not None:
        for row, record in read_hub(reading.hub, reading.revision or "", reading.config, reading.split):
            yield Where(f"{reading.hub}@{reading.revision}", row), record
        return
    for path in files:
        for number, record in _of_file(reading, path):
            yield Where(path, number), record


def _of_file(reading: Reading, path: Path) -> Iterator[tuple[int, Record]]:
    kind = reading.format or format_by_name(path)
    if kind == "parquet":
        # Arrow takes a while to load, and planning a study needs no more of this module than the names of formats.
        from ptp_core.data.parquet import read_parquet

        return read_parquet(path, [reading.text_field, *reading.only])
    if kind == "text":
        return ((number, {"text": text}) for number, text in read_text(path, reading.split_by))
    return read_json_lines(path)


def format_by_name(path: Path) -> Format:
    """What a file's name says it is; a packed file goes by the name inside: ``a.txt.gz`` is text."""
    name = path.name.lower()
    for ending in _PACKED:
        name = name.removesuffix(ending)
    return _FORMATS.get(Path(name).suffix, "json_lines")


def common_format(reading: Reading, files: Iterable[Path], where: Where, subject: str) -> Format:
    """The format of all files of a source: it decides what the files mean, so it is identity where names are not.

    Raises UserError if names speak of several formats, and for options that do not go with the format.
    """
    found = sorted({reading.format or format_by_name(path) for path in files})
    if len(found) > 1:
        raise UserError(
            "the files are of several formats", where=where, subject=subject, got=", ".join(found),
            fix="set format, or make two sources",
        )  # fmt: skip
    kind = next(format for format in get_args(Format) if format == found[0])
    if kind == "text" and (reading.only or reading.text_field != "text"):
        raise UserError("text files have no fields", where=where, subject=subject, fix="remove only and text_field")
    if kind != "text" and reading.split_by != "document":
        raise UserError("only text files are split", where=where, subject=subject, got=kind, fix="remove split_by")
    return kind  # type: ignore[no-any-return]


def value_of(record: Record, field: str) -> Any:
    """The value under a dotted field, None where there is none; a key that is spelled with the dots comes first."""
    if field in record:
        return record[field]
    value: Any = record
    for part in field.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value


def matches(record: Record, only: dict[str, Any]) -> bool:
    """Whether a record has all the values asked for; a number never equals a truth value."""
    found = ((value_of(record, field), wanted) for field, wanted in only.items())
    return all(value == wanted and isinstance(value, bool) == isinstance(wanted, bool) for value, wanted in found)


def text_of(record: Record, field: str, where: Where) -> str:
    """The text of one document; raises UserError if the field is missing or not text."""
    value = value_of(record, field)
    if not isinstance(value, str):
        known = ", ".join(field_names(record))
        fix = f"set text_field; this record has: {known}" if value is None else None
        raise UserError(f'no text under "{field}"', where=where, got=value, fix=fix)
    return value


def field_names(record: Record) -> list[str]:
    """The dotted names of all values of a record."""
    names = []
    for key, value in record.items():
        names += [f"{key}.{name}" for name in field_names(value)] if isinstance(value, dict) and value else [key]
    return sorted(names)
