"""What pins a repository of the Hugging Face hub."""

from __future__ import annotations

import re

_MOVING = ("main", "master", "head", "latest")
_HUB_ID = re.compile(r"([\w-][\w.-]*/)?[\w-][\w.-]*")


def check_hub(name: str, revision: str | None) -> None:
    """Raises ValueError unless ``name`` is a hub id and ``revision`` pins what it holds."""
    if not _HUB_ID.fullmatch(name):
        raise ValueError("a hub id reads owner/name")
    if revision is None or not revision.strip():
        raise ValueError(
            "a hub id needs a `revision`: its commit (40 hexadecimal digits), a tag or the branch of a step"
        )
    check_hub_revision(revision)


def check_hub_revision(revision: str) -> None:
    """Raises ValueError for a branch that moves."""
    if revision.strip().lower() in _MOVING or revision.startswith("refs/"):
        raise ValueError(
            f'revision "{revision}" moves, so that the same spec would mean other content tomorrow; '
            "give a commit (40 hexadecimal digits), a tag or the branch of one step"
        )
