"""Prompts with examples in front."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import numpy as np

from ptp_core.data.items import Item, asked, completion
from ptp_core.data.prompts import prompt
from ptp_core.spec.finetune import PromptFormat


def with_shots(
    item: Item,
    pool: list[Item],
    shots: int,
    fits: Callable[[str], bool] = lambda _text: True,
    style: PromptFormat = "qa",
) -> str:
    """The item's prompt after ``shots`` answered examples, one a line.

    Which examples depends on the item's id alone, so that every checkpoint reads the same prompt. ``pool`` holds no
    scored item. Fewer examples are given if the pool is smaller, or if ``fits`` refuses the text: half an example
    would teach the wrong format.
    """
    seed = int.from_bytes(hashlib.sha256(item.id.encode()).digest()[:8], "big")
    chosen = np.random.default_rng(seed).permutation(len(pool))[:shots]
    examples = [prompt(pool[i], style) + completion(pool[i]) for i in chosen]
    asked_last = prompt(item, style)
    while examples and not fits("\n".join([*examples, asked_last])):
        examples.pop()
    return "\n".join([*examples, asked_last])


def split_off(items: list[Item], count: int) -> tuple[list[Item], list[Item]]:
    """(items to score, items to show as examples): a checkpoint that was never fine-tuned has seen neither.

    At most ``count`` of the training items, and at most half of them, are scored. So an indicator shares no item with
    the outcomes, which are measured on the test items. Which ones depends on their ids alone. What is scored is asked
    by no example.
    """
    ranked = first_by_hash(items, len(items))
    cut = min(count, max(1, len(items) // 2))
    scored = {asked(item) for item in ranked[:cut]}
    return ranked[:cut], [item for item in ranked[cut:] if asked(item) not in scored]


def first_by_hash(items: list[Item], count: int) -> list[Item]:
    """At most ``count`` items, chosen by the hash of their ids."""
    return sorted(items, key=lambda item: hashlib.sha256(f"score {item.id}".encode()).digest())[:count]
