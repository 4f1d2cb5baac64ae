"""Scoring a model on items: the most likely choice, or the greedy answer compared with the right ones."""

from __future__ import annotations

import re
import string
from typing import Any, NamedTuple

import torch

from ptp_core.data.items import Item
from ptp_core.measure.rows import rows_at_once
from ptp_core.objectives.batch import IGNORE
from ptp_core.special import SpecialTokens
from ptp_core.training.answers import pad_pairs, question_tokens
from ptp_core.training.context import context_of
from ptp_core.training.loss import to_tensors, token_losses

SPARE_TOKENS = 2
"""An answer may run on for so many tokens beyond the longest right one before it is cut."""


class Scored(NamedTuple):
    """One item: 1.0 if right, else 0.0, and what the model said."""

    id: str
    score: float
    said: str


def score_items(model: Any, fast: Any, asked: list[tuple[str, Item]], special: SpecialTokens) -> list[Scored]:
    """Score (prompt, item) pairs: accuracy where the item has choices, exact match where it has not."""
    choosing = [pair for pair in asked if pair[1].choices]
    answering = [pair for pair in asked if not pair[1].choices]
    scored = {s.id: s for s in [*_choose(model, fast, choosing, special), *_answer(model, fast, answering, special)]}
    return [scored[item.id] for _, item in asked]


def _choose(model: Any, fast: Any, asked: list[tuple[str, Item]], special: SpecialTokens) -> list[Scored]:
    """The choice with the highest mean log-probability a token, given the prompt."""
    losses = choice_losses(model, fast, asked, special)
    return [_chosen(item, values) for (_, item), values in zip(asked, losses, strict=True)]


@torch.no_grad()
def choice_losses(model: Any, fast: Any, asked: list[tuple[str, Item]], special: SpecialTokens) -> list[list[float]]:
    """Mean loss of every choice of every item, in nats a token of the choice."""
    rows, owners = [], []
    for i, (text, item) in enumerate(asked):
        question = question_tokens(fast, text, special)
        for choice in item.choices or []:
            rows.append((question, fast.encode(f" {choice}", add_special_tokens=False).ids))
            owners.append(i)
    losses: list[float] = []
    context = context_of(model.config)
    size = rows_at_once(context, model.config.vocab_size)
    for start in range(0, len(rows), size):
        batch = to_tensors(pad_pairs(rows[start : start + size], context, special.pad))
        counts = (batch["targets"] != IGNORE).sum(dim=1).clamp(min=1)
        losses += (token_losses(model, batch).sum(dim=1) / counts).tolist()
    by_item: list[list[float]] = [[] for _ in asked]
    for owner, loss in zip(owners, losses, strict=True):
        by_item[owner].append(loss)
    return by_item


def _chosen(item: Item, losses: list[float]) -> Scored:
    best = min(range(len(losses)), key=losses.__getitem__)
    return Scored(item.id, float(best == item.answer_idx), (item.choices or [""])[best])


@torch.no_grad()
def _answer(model: Any, fast: Any, asked: list[tuple[str, Item]], special: SpecialTokens) -> list[Scored]:
    """Greedy answers, compared with every right one after normalisation (Rajpurkar et al. 2016)."""
    result = []
    context = context_of(model.config)
    new = min(longest_answer(fast, [item for _, item in asked]), context // 2)
    # Rows of similar length together: less padding, and the same batches whatever else is asked.
    order = sorted(range(len(asked)), key=lambda i: (len(asked[i][0]), i))
    size = rows_at_once(context, model.config.vocab_size)
    for start in range(0, len(order), size):
        part = [asked[i] for i in order[start : start + size]]
        questions = [question_tokens(fast, text, special)[-(context - new) :] for text, _ in part]
        for (_, item), tokens in zip(part, _greedy(model, questions, new, special), strict=True):
            said = first_line(fast.decode(tokens, skip_special_tokens=False))
            right = any(normalise(said) == normalise(answer) for answer in item.answers)
            result.append(Scored(item.id, float(right), said))
    return result


def longest_answer(fast: Any, items: list[Item]) -> int:
    """Tokens that an answer to any of the items may take, a few to spare."""
    texts = [text for item in items for text in (item.choices or item.answers)]
    return max((len(fast.encode(f" {text}", add_special_tokens=False).ids) for text in texts), default=1) + SPARE_TOKENS


def _greedy(model: Any, questions: list[list[int]], new: int, special: SpecialTokens) -> list[list[int]]:
    width = max(len(q) for q in questions)
    ids = torch.tensor([[special.pad] * (width - len(q)) + q for q in questions])
    mask = torch.tensor([[0] * (width - len(q)) + [1] * len(q) for q in questions])
    out = model.generate(
        input_ids=ids,
        attention_mask=mask,
        max_new_tokens=new,
        do_sample=False,
        eos_token_id=special.eos,
        pad_token_id=special.pad,
    )
    tokens: list[list[int]] = out[:, width:].tolist()
    return [row[: row.index(special.eos)] if special.eos in row else row for row in tokens]


def first_line(text: str) -> str:
    """What is said up to the end of the line, or up to where the model goes on to ask a question of its own."""
    return re.split(r"\n|<\w+>|###|question :", text.strip())[0].strip()


def normalise(text: str) -> str:
    """Lower case, without punctuation, articles and extra spaces; text of nothing but these is kept as it is."""
    lower = text.lower()
    bare = lower.translate(str.maketrans("", "", string.punctuation))
    return " ".join(re.sub(r"\b(a|an|the)\b", " ", bare).split()) or lower.strip()
