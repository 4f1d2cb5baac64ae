"""The text of a lock: one entry a line, sorted, so that git merges two of them line by line."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from ptp_core.errors import UserError, UserErrors, Where

FORMAT = 1
SUFFIX = ".lock"
HEADER = """\
# What this study resolves to, and once it has run, what came out. Written by `ptp lock`, never by hand:
# one entry a line, so that git merges the lines of two branches. After a merge: `ptp lock` once more.
"""

_BARE = re.compile(r"[A-Za-z0-9._/+@=-]+")
_MARKERS = ("<<<<<<<", "=======", ">>>>>>>", "|||||||")
_NO_TEXT = "take the file back from git, or remove it and run `ptp lock`"


@dataclass(frozen=True)
class Entry:
    """One line of a lock."""

    line: int
    """Counts from 1."""
    key: str
    value: Any


def lock_path(spec: Path) -> Path:
    """Where the lock of a spec lies: beside it, under the same name. Raises UserError for a spec of that name."""
    if spec.suffix == SUFFIX:
        raise UserError("this is the name of a lock", where=Where(spec), fix="give the YAML file of the study")
    return spec.with_suffix(SUFFIX)


def lock_text(entries: Mapping[str, Any]) -> str:
    """The text of a lock: ``key: <JSON>`` lines sorted by key, which are YAML too. ValueError for NaN and infinity."""
    return HEADER + "".join(f"{_key(key)}: {_json(entries[key])}\n" for key in sorted(entries))


def read_lock(path: Path) -> dict[str, Any]:
    """Key → value of a lock, whatever the order of its lines; empty if there is no such file.

    Raises UserError with file and line for what is no entry, and for two lines that say different things of one key:
    git keeps both where two branches changed the same one.
    """
    entries = lock_entries(path)
    errors = [contradiction(path, one, other) for one, other in contradicted(entries)]
    if errors:
        raise UserErrors(errors)
    return {entry.key: entry.value for entry in entries}


def lock_entries(path: Path) -> list[Entry]:
    """All lines of a lock as they stand, keys that are there twice included; raises UserError for what is no entry."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return []
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise UserError("cannot be read as UTF-8 text", where=Where(path, line), fix=_NO_TEXT) from None
    except OSError as error:
        raise UserError("cannot be read", where=Where(path), got=error.strerror) from None
    # Not splitlines: it would also split at characters that JSON leaves inside a text.
    lines = enumerate(text.split("\n"), start=1)
    entries = [_entry(path, number, line.rstrip("\r")) for number, line in lines if _says_something(line)]
    _refuse_newer(path, entries)
    return entries


def contradicted(entries: list[Entry]) -> Iterator[tuple[Entry, Entry]]:
    """Pairs of lines that say different things of one key: the first one, and each other one."""
    first: dict[str, Entry] = {}
    for entry in entries:
        before = first.setdefault(entry.key, entry)
        if before is not entry and not same(before.value, entry.value):
            yield before, entry


def same(one: Any, other: Any) -> bool:
    """Whether two values are written alike; ``==`` takes 1, 1.0 and true for the same."""
    return one == other and (type(one) is type(other) is str or _json(one) == _json(other))


def _says_something(line: str) -> bool:
    return bool(line.strip()) and not line.startswith("#")


def _entry(path: Path, number: int, line: str) -> Entry:
    where = Where(path, number)
    if line.startswith(_MARKERS):
        fix = "keep the lines of both sides, remove the markers and run `ptp lock`"
        raise UserError("git left a conflict here", where=where, got=line, fix=fix)
    try:
        key, end = _split(line)
        if line[end : end + 2] != ": ":
            raise ValueError("no key")
        value = json.loads(line[end + 2 :], parse_constant=_refuse_constant, parse_float=_finite)
        if "\\ud" in line.lower():
            # Half a character, which could be written nowhere.
            _ = f"{key}{json.dumps(value, ensure_ascii=False)}".encode()
    except (ValueError, RecursionError):
        raise UserError(
            "this is no entry of a lock", where=where, expected="key: JSON", got=line, fix=_NO_TEXT
        ) from None
    return Entry(number, key, value)


def _split(line: str) -> tuple[str, int]:
    """The key at the beginning of a line, and where it ends."""
    if line.startswith('"'):
        key, end = json.JSONDecoder().raw_decode(line)
        return str(key), end
    match = _BARE.match(line)
    if match is None:
        raise ValueError("no key")
    return match[0], match.end()


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _finite(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise ValueError(f"{text} is too large")
    return value


def _refuse_newer(path: Path, entries: list[Entry]) -> None:
    for entry in entries:
        if entry.key == "format" and entry.value != FORMAT:
            raise UserError(
                "this lock is of another version", where=Where(path, entry.line), subject="format",
                expected=str(FORMAT), got=entry.value, fix="use the version of ptp that wrote it",
            )  # fmt: skip


def contradiction(path: Path, one: Entry, other: Entry) -> UserError:
    """What to tell of two such lines."""
    return UserError(
        f"lines {one.line} and {other.line} say different things of one entry", where=Where(path, other.line),
        subject=other.key, expected=_json(one.value), got=other.value,
        fix="two branches changed it: run `ptp lock`, or remove the wrong line",
    )  # fmt: skip


def _key(key: str) -> str:
    # A first letter that is none would be something else in YAML: @, -, =, a number.
    return key if _BARE.fullmatch(key) and key[0].isalpha() else _json(key)


def _json(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, allow_nan=False)
    # Line separators and the like are escaped: YAML and editors take them for ends of lines.
    return text if text.isprintable() else json.dumps(value, sort_keys=True, allow_nan=False)
