"""A study small enough to train in a second: text and tasks about animals and sums, and the settings of its stages."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ptp_core.data import build_items, build_shards, build_tokenizer
from ptp_core.work import Metrics, Work

SENTINELS = 16
CONTEXT = 64
LENGTH = 32
"""Tokens of a training sequence."""
MODEL = {"width": 32, "layers": 1, "heads": 2, "ffn_width": 64, "context": CONTEXT}
DOMAINS = ("animals", "sums")

COLOURS = ("red", "green", "blue", "white")
ANIMALS = ("cat", "dog", "hen", "cow", "fox", "owl", "bee", "ant")
PLACES = ("barn", "field", "house", "lane")


def colour(animal: str) -> str:
    """Every animal has one colour: what the tasks ask."""
    return COLOURS[ANIMALS.index(animal) % len(COLOURS)]


def documents(domain: str, count: int) -> list[str]:
    rng = random.Random(domain)
    write = {"animals": _about_animals, "sums": _about_sums}[domain]
    return [write(rng, number) for number in range(count)]


def _about_animals(rng: random.Random, number: int) -> str:
    animal = rng.choice(ANIMALS)
    return f"The {animal} number {number} is {colour(animal)}. It lives in the {rng.choice(PLACES)}.\n"


def _about_sums(rng: random.Random, number: int) -> str:
    a, b = rng.randrange(9), rng.randrange(9)
    return f"Sum {number}: {a} and {b} make {a + b}.\n"


def questions(family: str) -> dict[str, list[dict[str, Any]]]:
    """Items of both splits, in the format of task files."""
    train = [_question(family, i, animal, f"Which colour has a {animal}?") for i, animal in enumerate(ANIMALS * 2)]
    test = [_question(family, i, animal, f"What colour is the {animal}?") for i, animal in enumerate(ANIMALS)]
    # The same question may be asked twice only under two contexts or choices.
    return {"train": train[: len(ANIMALS)] if family == "cbqa" else train, "test": test}


def _question(family: str, number: int, animal: str, text: str) -> dict[str, Any]:
    item: dict[str, Any] = {"id": f"{family}-{number}", "question": text, "answers": [colour(animal)]}
    if family == "rag":
        item["context"] = f"In the {PLACES[number % 4]} number {number} there is a {colour(animal)} {animal}."
    if family == "cms":
        choices = [*COLOURS[number % 4 :], *COLOURS[: number % 4]]
        item |= {"choices": choices, "answer_idx": choices.index(colour(animal))}
    return item


def write_lines(path: Path, records: list[Any]) -> Path:
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return path


def make(
    stage: Callable[[Work], Metrics],
    folder: Path,
    settings: Mapping[str, Any],
    parents: Mapping[str, Path] | None = None,
    inputs: Mapping[str, tuple[Path, ...]] | None = None,
    **execution: Any,
) -> Metrics:
    """Run a stage as the engine does, into a new folder."""
    folder.mkdir(parents=True, exist_ok=True)
    return stage(Work(dict(settings), dict(parents or {}), dict(inputs or {}), folder, execution, folder.name))


@dataclass(frozen=True)
class Tiny:
    """The finished results that training starts from."""

    folder: Path

    @property
    def texts(self) -> dict[str, Path]:
        return {domain: self.folder / f"{domain}.jsonl" for domain in DOMAINS}

    @property
    def tokenizer(self) -> Path:
        return self.folder / "tokenizer"

    @property
    def shards(self) -> dict[str, Path]:
        return {f"shards/{domain}": self.folder / domain for domain in DOMAINS}

    def task(self, family: str) -> Path:
        return self.folder / family


def build(folder: Path, texts: int = 600) -> Tiny:
    tiny = Tiny(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for domain, path in tiny.texts.items():
        write_lines(path, [{"text": text} for text in documents(domain, texts)])
    sources = [{"name": domain, "path": "not read"} for domain in DOMAINS]
    data = {"sources": sources, "tokenizer": {"vocabulary": 512, "sentinels": SENTINELS}}
    make(build_tokenizer.run, tiny.tokenizer, data, inputs={domain: (path,) for domain, path in tiny.texts.items()})
    for domain, path in tiny.texts.items():
        settings = {"domain": domain, "held_out_share": 0.2}
        make(build_shards.run, folder / domain, settings, {"tokenizer": tiny.tokenizer}, {domain: (path,)})
    for family in ("cms", "rag", "cbqa"):
        files = {
            split: (write_lines(folder / f"{family}.{split}.jsonl", records),)
            for split, records in questions(family).items()
        }
        make(build_items.run, tiny.task(family), {"family": family}, inputs=files)
    return tiny


def pretraining(**recipe: Any) -> dict[str, Any]:
    """The settings of a pre-training of 60 steps, with changes to its recipe."""
    defaults = {"tokens": 60 * 256, "batch_tokens": 256, "sequence_length": LENGTH, "lr": 1e-2, "seed": 5}
    return {
        "recipe": defaults | recipe,
        "model": MODEL,
        "weights": {"animals": 0.75, "sums": 0.25},
    }
