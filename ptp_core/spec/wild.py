"""Names that stand for several: ``*`` and ``?`` are wild."""

from __future__ import annotations

from fnmatch import fnmatchcase


def fits(name: str, pattern: str) -> bool:
    """Whether a pattern stands for a name; brackets are letters like any other."""
    return fnmatchcase(name, pattern.replace("[", "[[]"))
