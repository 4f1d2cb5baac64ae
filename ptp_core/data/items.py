"""Checked items of a task, and the prompt in which an item is put to a model."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from ptp_core.data.json_lines import read_json_lines
from ptp_core.errors import UserError, Where

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
    document: str | None = None
    """What the item is about, where several are about the same thing: their errors are not independent."""

    @model_validator(mode="after")
    def _is_answerable(self) -> Item:
        if not self.answers or not all(answer.strip() for answer in self.answers):
            raise ValueError("the item has no answer")
        if self.choices is not None:
            if self.answer_idx is None or not 0 <= self.answer_idx < len(self.choices):
                raise ValueError("answer_idx does not point into choices")
            if len(self.choices) < 2:
                raise ValueError("a choice needs two answers to choose from")
            # No token at all would be the likeliest answer.
            if not all(choice.strip() for choice in self.choices):
                raise ValueError("a choice is empty")
        return self


def read_items(path: Path, family: str) -> Iterator[Item]:
    """The items of a JSON-lines file; raises UserError with file:line for one that cannot be asked or scored."""
    number = 0
    lines: dict[str, int] = {}
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
        first = lines.setdefault(item.id, number)
        if first != number:
            raise UserError(f"this id was used on line {first} already", where=Where(path, number), got=item.id)
        yield item
    if not number:
        raise UserError("there are no items in this file", where=Where(path))


def _fits_family(item: Item, family: str, where: Where) -> None:
    if family == "cms" and item.choices is None:
        raise UserError("a cms item needs choices and answer_idx", where=where)
    if family == "rag" and not item.context:
        raise UserError("a rag item needs a context that holds the answer", where=where)
    if family == "cbqa" and item.context:
        raise UserError("a cbqa item is asked without a context", where=where, fix="remove it, or use the family rag")


def asked(item: Item) -> tuple[str, ...]:
    """What makes two items the same question, whatever their ids, wrong choices, case and spaces."""
    return tuple(" ".join((text or "").lower().split()) for text in (item.context, item.question))


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
    right = item.choices[item.answer_idx] if item.choices and item.answer_idx is not None else item.answers[0]
    return f" {right}"
