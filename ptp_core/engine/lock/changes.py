"""In what two sets of entries differ, grouped by cause and told in short."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ptp_core.engine.stages import STAGES
from ptp_core.errors import shorten
from ptp_core.identity.lockfile import same

GROUPS = {
    "asked": ("format", "study", "reproducible/", "seeds/", "stated/", "summary/"),
    "source": ("source/",),
    "code": ("code/",),
    "package": ("package/",),
    "adopted": ("adopted/",),
    "unit": ("unit/",),
    "result": ("result/",),
    "headline": ("headline/",),
}
"""Cause → the beginnings of its keys."""
_ORDER = {stage: i for i, stage in enumerate(STAGES)}
MOST_TOLD = 5
"""Entries of a group that are told before it says how many more there are."""
DIGITS = 8
"""Of a digest, in a message."""


@dataclass(frozen=True)
class Change:
    """One entry: None where a side lacks it."""

    key: str
    old: Any
    new: Any

    def __str__(self) -> str:
        name = self.key.partition("/")[2] or self.key
        if self.old is None:
            return f"{name} is new"
        if self.new is None:
            return f"{name} is gone"
        return f"{name}: {_shown(self.old)} → {_shown(self.new)}"


def changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, list[Change]]:
    """Group → its entries that differ, sorted by key, units by stage; groups without any are left out."""
    found: dict[str, list[Change]] = {}
    for key in sorted(old.keys() | new.keys()):
        if key not in old or key not in new or not same(old[key], new[key]):
            found.setdefault(group_of(key), []).append(Change(key, old.get(key), new.get(key)))
    # Units in the order in which they are made: what is made from a changed one has changed as well.
    found.get("unit", []).sort(key=lambda change: _ORDER.get(change.key.split("/")[1], 0))
    return {group: found[group] for group in GROUPS if group in found}


def group_of(key: str) -> str:
    """The cause that an entry belongs to; what no version has written is something asked."""
    return next((group for group, starts in GROUPS.items() if key.startswith(starts)), "asked")


def told(differing: Mapping[str, list[Change]]) -> Iterator[str]:
    """A line a difference, and how many more a group has."""
    for group, found in differing.items():
        for change in found[:MOST_TOLD]:
            yield f"{group} {change}"
        if len(found) > MOST_TOLD:
            yield f"{group}: … and {len(found) - MOST_TOLD:,} more"


def _shown(value: Any) -> str:
    if isinstance(value, str):
        return value[:DIGITS] + "…" if is_digest(value) else value
    if isinstance(value, dict) and value.keys() >= {"asked", "resolved"}:
        return f"{shorten(value['asked'])} = {'nothing' if value['resolved'] is None else _shown(value['resolved'])}"
    if isinstance(value, dict):
        return ", ".join(f"{key} {_shown(inner)}" for key, inner in value.items())
    return shorten(value)


def is_digest(value: str) -> bool:
    """Whether a text is a sha256 in hex."""
    return len(value) == 64 and all(letter in "0123456789abcdef" for letter in value)
