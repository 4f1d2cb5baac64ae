"""Question and answer as tokens: how an item is put to a model, in training and in measuring."""

from __future__ import annotations

from typing import Any

import numpy as np

from ptp_core.data.items import Item, completion
from ptp_core.data.prompts import prompt
from ptp_core.objectives.batch import IGNORE, Batch
from ptp_core.spec.finetune import PromptFormat
from ptp_core.special import SpecialTokens

Pair = tuple[list[int], list[int]]
"""Tokens of a question and of its answer."""


def question_tokens(fast: Any, text: str, special: SpecialTokens) -> list[int]:
    """The tokens of a prompt, behind ``bos`` if the tokenizer has one."""
    front = [] if special.bos is None else [special.bos]
    return [*front, *fast.encode(text, add_special_tokens=False).ids]


def answer_tokens(fast: Any, text: str, special: SpecialTokens) -> list[int]:
    """The tokens of an answer and ``eos``."""
    return [*fast.encode(text, add_special_tokens=False).ids, special.eos]


def pairs(fast: Any, items: list[Item], special: SpecialTokens, style: PromptFormat = "qa") -> list[Pair]:
    """(question, answer) tokens of each item, as fine-tuning sees them."""
    return [
        (question_tokens(fast, prompt(item, style), special), answer_tokens(fast, completion(item), special))
        for item in items
    ]


def pad_pairs(chosen: list[Pair], context: int, pad: int) -> Batch:
    """Rows ``question answer pad…`` with the loss on the answer only.

    A row longer than ``context`` loses the beginning of its question, never its answer.
    """
    rows = [(question[-max(context + 1 - len(answer), 1) :], answer[:context]) for question, answer in chosen]
    length = max(len(question) + len(answer) for question, answer in rows) - 1
    whole = np.full((len(rows), length + 1), pad, dtype=np.int64)
    asked = np.zeros((len(rows), length + 1), dtype=bool)
    for i, (question, answer) in enumerate(rows):
        whole[i, : len(question) + len(answer)] = question + answer
        asked[i, len(question) : len(question) + len(answer)] = True
    targets = np.where(asked[:, 1:], whole[:, 1:], IGNORE)
    return Batch(whole[:, :-1], targets, np.zeros(len(rows), dtype=np.int64))
