"""Question and answer as tokens: how an item is put to a model, in training and in measuring."""

from __future__ import annotations

from typing import Any

import numpy as np

from ptp_core.data.items import Item, completion, prompt
from ptp_core.data.tokenizer import BOS_ID, EOS_ID, PAD_ID
from ptp_core.objectives.batch import IGNORE, Batch


def question_tokens(fast: Any, text: str) -> list[int]:
    """``<bos>`` and the tokens of a prompt."""
    return [BOS_ID, *fast.encode(text, add_special_tokens=False).ids]


def answer_tokens(fast: Any, text: str) -> list[int]:
    """The tokens of an answer and ``<eos>``."""
    return [*fast.encode(text, add_special_tokens=False).ids, EOS_ID]


def pairs(fast: Any, items: list[Item]) -> list[tuple[list[int], list[int]]]:
    """(question, answer) tokens of each item, as fine-tuning sees them."""
    return [(question_tokens(fast, prompt(item)), answer_tokens(fast, completion(item))) for item in items]


def pad_pairs(chosen: list[tuple[list[int], list[int]]], context: int) -> Batch:
    """Rows ``question answer <pad>…`` with the loss on the answer only.

    A row longer than ``context`` loses the beginning of its question, never its answer.
    """
    rows = [(question[-max(context + 1 - len(answer), 1) :], answer[:context]) for question, answer in chosen]
    length = max(len(question) + len(answer) for question, answer in rows) - 1
    whole = np.full((len(rows), length + 1), PAD_ID, dtype=np.int64)
    asked = np.zeros((len(rows), length + 1), dtype=bool)
    for i, (question, answer) in enumerate(rows):
        whole[i, : len(question) + len(answer)] = question + answer
        asked[i, len(question) : len(question) + len(answer)] = True
    targets = np.where(asked[:, 1:], whole[:, 1:], IGNORE)
    return Batch(whole[:, :-1], targets, np.zeros(len(rows), dtype=np.int64))
