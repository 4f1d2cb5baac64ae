"""The lock of a study, its entries of the shapes that `ptp lock` writes: whoever compares them can rely on that."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ptp_core.errors import UserError, Where
from ptp_core.identity.lockfile import Entry, lock_entries, read_lock


def read_study_lock(path: Path) -> dict[str, Any]:
    """As ``read_lock``; raises UserError, with its line, for an entry that somebody has edited into another shape."""
    entries = read_lock(path)
    if any(_lacking(key, value) for key, value in entries.items()):
        refuse_edited(path, lock_entries(path))
    return entries


def refuse_edited(path: Path, entries: Iterable[Entry]) -> None:
    """Raise UserError for the first entry that is of another shape."""
    for entry in entries:
        if (expected := _lacking(entry.key, entry.value)) is not None:
            raise UserError(
                "this entry was edited", where=Where(path, entry.line), subject=entry.key, expected=expected,
                got=entry.value, fix="take the file back from git, or remove the line and run `ptp lock`",
            )  # fmt: skip


def _lacking(key: str, value: Any) -> str | None:
    """What an entry should be and is not; None if it will do. Entries of other kinds are compared only."""
    room = key.partition("/")[0]
    if room == "unit":
        return None if key.count("/") >= 2 and isinstance(value, str) else "unit/STAGE/LABEL: a fingerprint"
    if room in ("result", "headline"):
        known = isinstance(value, dict) and isinstance(value.get("metrics", {}), dict)
        names = (value.get("fingerprint", ""), value.get("of", "")) if known else (None,)
        return None if all(isinstance(name, str) for name in names) else "what came out, and the fingerprint of what"
    if room == "source":
        return None if isinstance(value, dict) and value.keys() >= {"asked", "resolved"} else "asked and resolved"
    if key == "reproducible/elsewhere":
        limits: list[Any] = (
            [value.get(name, 0) for name in ("absolute", "relative")] if isinstance(value, dict) else [""]
        )
        known = all(type(limit) in (int, float) and limit >= 0 for limit in limits)
        return None if known else "limits of at least 0"
    return None
