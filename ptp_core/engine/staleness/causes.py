"""A cause of staleness, and how its two values are shown."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Literal

from ptp_core.errors import Where, shorten
from ptp_core.spec.quantities import shortest

Kind = Literal["setting", "input", "package", "code", "parent", "lock", "new", "gone", "failed", "summary"]
CODE: Kind = "code"


@dataclass(frozen=True)
class Value:
    """A value of a setting, as canonical text so that causes can be compared and counted."""

    json: str
    default: bool = False
    """Nobody wrote it: it is what the field has by itself."""

    def __str__(self) -> str:
        text = shown(json.loads(self.json))
        return f"{text} (default)" if self.default else text


@dataclass(frozen=True)
class Cause:
    """One change that makes results stale; two results with the same cause share it."""

    kind: Kind
    what: str
    """What has changed, as users write it: ``lr``, ``data.world.words``, ``torch``."""
    old: Value | None = None
    new: Value | None = None
    where: Where | None = None
    note: str = ""

    def __str__(self) -> str:
        change = f": {self.old or 'nothing'} → {self.new or 'nothing'}" if self.old or self.new else ""
        return f"{self.what}{change}" + (f" ({self.note})" if self.note else "")

    def as_json(self) -> dict[str, Any]:
        """The same for programs; values as they are, None where there was none."""
        return {
            "kind": self.kind,
            "what": self.what,
            "old": json.loads(self.old.json) if self.old else None,
            "new": json.loads(self.new.json) if self.new else None,
            "old_is_default": bool(self.old and self.old.default),
            "new_is_default": bool(self.new and self.new.default),
            "file": str(self.where.file) if self.where else None,
            "line": self.where.line if self.where else None,
            "note": self.note,
        }


def value_of(value: Any, default: bool = False) -> Value:
    """A JSON value for a cause."""
    return Value(json.dumps(value, sort_keys=True), default)


def _share(value: Any) -> str:
    """One of several values side by side: thirds need no twelve digits."""
    return f"{value:.4g}" if isinstance(value, float) else shown(value)


def shown(value: Any) -> str:
    """A JSON value in few words: 16,384; 0.001; facts 0.25, code 0.75."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        # As a person would type it; what is finer than that is spelled out.
        return f"{value:g}" if float(f"{value:g}") == value else shortest(value)
    if isinstance(value, str):
        return value if value.isprintable() and len(value) <= 80 else shorten(value)
    if isinstance(value, dict):
        return ", ".join(f"{key} {_share(item)}" for key, item in value.items()) or "nothing"
    return "[" + ", ".join(map(shown, value)) + "]"
