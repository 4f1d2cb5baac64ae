"""Prompts with examples in front."""

from __future__ import annotations

import hashlib

import numpy as np

from ptp_core.data.items import Item, completion, prompt


def with_shots(item: Item, pool: list[Item], shots: int) -> str:
    """The item's prompt after ``shots`` answered examples, one a line.

    Which examples depends on the item's id alone, so that every checkpoint reads the same prompt. ``pool`` holds no
    scored item. Fewer examples are given if the pool is smaller.
    """
    seed = int.from_bytes(hashlib.sha256(item.id.encode()).digest()[:8], "big")
    chosen = np.random.default_rng(seed).permutation(len(pool))[:shots]
    return "\n".join([*(prompt(pool[i]) + completion(pool[i]) for i in chosen), prompt(item)])
