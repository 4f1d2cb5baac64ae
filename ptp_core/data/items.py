"""Stage ``task``: checked items of one task, and the prompt in which an item is put to a model."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from ptp_core.data import world
from ptp_core.data.json_lines import read_json_lines
from ptp_core.errors import UserError, Where
from ptp_core.spec.data import TaskSettings
from ptp_core.work import Metrics, Work

SPLITS = ("train", "test")


class Item(BaseModel):
    """One question. Files may hold further keys; they are not read."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)

    id: str
    question: str
    answers: list[str]
    context: str | None = None
    choices: list[str] | None = None
    answer_idx: int | None = None

    @model_validator(mode="after")
    def _is_answerable(self) -> Item:
        if not self.answers or not all(answer.strip() for answer in self.answers):
            raise ValueError("the item has no answer")
        if self.choices is not None:
            if self.answer_idx is None or not 0 <= self.answer_idx < len(self.choices):
                raise ValueError("answer_idx does not point into choices")
            if len(self.choices) < 2:
                raise ValueError("a choice needs two answers to choose from")
        return self


def run(work: Work) -> Metrics:
    """Write ``train.jsonl`` and ``test.jsonl``. Metrics: items of each split, and the chance level of the score."""
    settings = TaskSettings.model_validate(work.settings)
    metrics: Metrics = {}
    for split, limit in zip(SPLITS, (settings.max_train, settings.max_test), strict=True):
        items = _from_world(settings, split) if settings.world else list(read_items(work.inputs[split][0], settings.family))
        chosen = _sample(items, limit)
        lines = [json.dumps(item.model_dump(), ensure_ascii=False, sort_keys=True) + "\n" for item in chosen]
        (work.folder / f"{split}.jsonl").write_text("".join(lines), encoding="utf-8")
        metrics[f"{split}_items"] = len(chosen)
    metrics["chance"] = chance(load_items(work.folder, "test"))
    return metrics


def read_items(path: Path, family: str) -> Iterator[Item]:
    """The items of a JSON-lines file; raises UserError with file:line for one that cannot be asked or scored."""
    number = 0
    for number, record in read_json_lines(path):
        try:
            item = Item.model_validate(record)
        except ValidationError as error:
            detail = error.errors(include_url=False)[0]
            key = ".".join(str(part) for part in detail["loc"])
            message = detail["msg"].removeprefix("Value error, ")
            fix = "keys: id, question, answers, and where they apply context, choices, answer_idx"
            raise UserError(message, where=Where(path, number), subject=key or None, fix=fix) from None
        _fits_family(item, family, Where(path, number))
        yield item
    if not number:
        raise UserError("there are no items in this file", where=Where(path))


def _fits_family(item: Item, family: str, where: Where) -> None:
    if family == "cms" and item.choices is None:
        raise UserError("a cms item needs choices and answer_idx", where=where)
    if family == "rag" and not item.context:
        raise UserError("a rag item needs a context that holds the answer", where=where)


def load_items(folder: Path, split: str) -> list[Item]:
    """The items of a finished task."""
    text = (folder / f"{split}.jsonl").read_text(encoding="utf-8")
    return [Item.model_validate_json(line) for line in text.split("\n") if line]


def chance(items: list[Item]) -> float:
    """Expected accuracy of guessing among the choices; 0 for free answers."""
    return sum(1 / len(item.choices) for item in items if item.choices) / len(items) if items else 0.0


def prompt(item: Item) -> str:
    """What the model reads before the answer; a space and the answer follow."""
    asked = f"question : {item.question}\nanswer :"
    return f"{item.context}\n{asked}" if item.context else asked


def completion(item: Item) -> str:
    """The text that fine-tuning teaches after the prompt."""
    return f" {item.choices[item.answer_idx]}" if item.choices and item.answer_idx is not None else f" {item.answers[0]}"


def _from_world(settings: TaskSettings, split: str) -> list[Item]:
    assert settings.world is not None
    return [Item.model_validate(record) for record in world.items(settings.world, settings.family, split)]


def _sample(items: list[Item], limit: int | None) -> list[Item]:
    """At most ``limit`` items, chosen by the hash of their ids, in their original order."""
    if limit is None or limit >= len(items):
        return items
    ranked = sorted(range(len(items)), key=lambda i: hashlib.sha256(f"{i}:{items[i].id}".encode()).digest())
    return [items[i] for i in sorted(ranked[:limit])]


