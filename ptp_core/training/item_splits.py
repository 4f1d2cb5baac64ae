"""Which training items a fine-tuning uses, and which of them it sets aside for validation."""

from __future__ import annotations

import hashlib
from collections import Counter

from ptp_core.data.items import Item, asked
from ptp_core.errors import UserError


def subset(items: list[Item], count: int | None) -> list[Item]:
    """At most ``count`` items, chosen by the hash of their ids, in their original order."""
    if count is None or count >= len(items):
        return items
    chosen = set(sorted(range(len(items)), key=lambda i: hashed("subset", items[i].id))[:count])
    return [item for i, item in enumerate(items) if i in chosen]


def split(items: list[Item], share: float) -> tuple[list[Item], list[Item]]:
    """(items to train on, items to validate on), each in its original order, chosen by the hash of their questions.

    A question that several items ask is on one side only, so the share is met as closely as that allows. At least one
    question is on each side. Raises UserError if there are too few for that.
    """
    if not share:
        return items, []
    repeats = Counter(asked(item) for item in items)
    if len(repeats) < 2:
        raise UserError("a validation_share needs at least two different questions", got=len(repeats))
    aside: set[tuple[str, ...]] = set()
    taken = 0
    for question in sorted(repeats, key=lambda q: hashed("validation", *q))[:-1]:
        if aside and taken + repeats[question] / 2 > share * len(items):
            break
        aside.add(question)
        taken += repeats[question]
    return [item for item in items if asked(item) not in aside], [item for item in items if asked(item) in aside]


def hashed(purpose: str, *words: str) -> bytes:
    """What items or questions are chosen by. By purpose: a subset must not decide who is in the validation set."""
    return hashlib.sha256("\0".join((purpose, *words)).encode()).digest()
