"""One thing that is not as it was recorded, as one sentence: where, what, expected, got, what to do."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Finding:
    """Something that verifying has found."""

    path: Path
    what: str
    expected: str = ""
    got: str = ""
    fix: str = ""
    place: str = ""
    """The result in the store that it is about, as ``stage/id``; empty for a study's own files."""

    def __str__(self) -> str:
        facts = [f"expected {self.expected}"] if self.expected else []
        facts += [f"got {self.got}"] if self.got else []
        return f"{self.path}: " + "; ".join(part for part in (self.what, ", ".join(facts), self.fix) if part)

    def json(self) -> dict[str, Any]:
        """For programs."""
        return {key: str(value) for key, value in vars(self).items()} | {"sentence": str(self)}


def short(digest: str) -> str:
    """A digest as people compare it."""
    return f"sha256 {digest[:12]}…"


def number(value: Any) -> str:
    """A number with all its digits, so that the sentence shows any difference."""
    return repr(value)
