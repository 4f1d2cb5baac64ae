"""Which training items a fine-tuning uses, and which of them it sets aside for validation."""

from __future__ import annotations

import hashlib

from ptp_core.data.items import Item
from ptp_core.errors import UserError


def subset(items: list[Item], count: int | None) -> list[Item]:
    """At most ``count`` items, chosen by the hash of their ids, in their original order."""
    if count is None or count >= len(items):
        return items
    chosen = set(_ranked(items, "subset")[:count])
    return [item for i, item in enumerate(items) if i in chosen]


def split(items: list[Item], share: float) -> tuple[list[Item], list[Item]]:
    """(items to train on, items to validate on), each in its original order, chosen by the hash of their ids.

    At least one item is on each side. Raises UserError if there are too few for that.
    """
    if not share:
        return items, []
    if len(items) < 2:
        raise UserError("a validation_share needs at least two training items", got=len(items))
    count = min(max(round(share * len(items)), 1), len(items) - 1)
    aside = set(_ranked(items, "validation")[:count])
    return (
        [item for i, item in enumerate(items) if i not in aside],
        [item for i, item in enumerate(items) if i in aside],
    )


def _ranked(items: list[Item], purpose: str) -> list[int]:
    # The purpose is hashed as well: a subset must not decide who is in the validation set.
    return sorted(range(len(items)), key=lambda i: hashlib.sha256(f"{purpose} {items[i].id}".encode()).digest())
