"""Which documents of a harness task are scored, and which may be shown as examples: no document is both."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from ptp_core.errors import UserError
from ptp_core.spec.harness import HarnessSettings

POOL = 64
"""Documents set aside as examples where a task has no other split to take them from; at most a quarter of its part."""


class Chosen(list[int]):
    """Numbers of documents in ascending order. The harness asks for every document whether it is ``in`` here."""

    def __init__(self, numbers: Sequence[int]) -> None:
        super().__init__(sorted(numbers))
        self._known = frozenset(self)

    def __contains__(self, number: object) -> bool:
        return number in self._known


def content_of(doc: Any) -> str:
    """A hash of what a document says: what is decided by it is the same on every machine and for every checkpoint."""
    return hashlib.sha256(json.dumps(doc, sort_keys=True, default=str).encode()).hexdigest()


def shots_of(task: Any, settings: HarnessSettings) -> int:
    """How many examples the harness will show: what is asked for, or as many as the task says."""
    own = task.get_config("num_fewshot")
    return int(settings.shots if settings.shots is not None and own != 0 else own or 0)


def choose(task: Any, settings: HarnessSettings) -> Chosen:
    """The documents to score, with the task's examples limited to documents that are not among them.

    ``part`` is one half of the documents by content, whatever else is asked for: an indicator with examples and an
    outcome without them share none. Where examples come from the scored split, up to ``POOL`` documents of that part
    are set aside for them. Of the rest, ``max_items`` takes the first so many by content. The same text is never on
    both sides. Raises UserError if there are too few documents to ask with so many examples, or none to score.
    """
    contents = [content_of(doc) for doc in task.eval_docs]
    ranked = sorted(set(contents), key=_rank)
    half = (len(ranked) + 1) // 2
    part = {"all": ranked, "indicator": ranked[:half], "outcome": ranked[half:]}[settings.part]
    shots = shots_of(task, settings)
    examples = _set_aside(task, contents, part, shots) if shots else frozenset()
    order = {text: place for place, text in enumerate(part) if text not in examples}
    numbers = sorted((order[text], i) for i, text in enumerate(contents) if text in order)
    if not numbers:
        raise UserError("this task has too few documents to score any", got=len(contents))
    return Chosen([i for _, i in numbers[: settings.max_items]])


def _rank(content: str) -> str:
    return hashlib.sha256(f"score {content}".encode()).hexdigest()


def _set_aside(task: Any, contents: list[str], part: list[str], shots: int) -> frozenset[str]:
    """Leave the sampler only documents that are not scored; returns the contents that are thereby examples only."""
    sampler = getattr(task, "sampler", None)
    if sampler is None or not hasattr(sampler, "replace_df"):
        raise UserError("this task chooses its examples by code of its own", fix="set `items: shared` for it")
    docs = list(sampler.fewshot_docs())
    texts = [content_of(doc) for doc in docs]
    scored, reserved = set(contents), frozenset[str]()
    # One more than shown: the harness draws it as a spare where examples may hold the document that is asked.
    if sum(text not in scored for text in texts) <= shots:
        reserved = frozenset(sorted(set(part) & set(texts))[: min(POOL, len(part) // 4)])
    pool = [doc for doc, text in zip(docs, texts, strict=True) if text not in scored or text in reserved]
    if len(pool) <= shots:
        raise UserError(
            f"{shots} examples and one to spare cannot be had beside the documents that are scored", got=len(pool),
            fix="ask for fewer shots, or set `items: shared`",
        )  # fmt: skip
    sampler.replace_df(pool)
    return reserved
