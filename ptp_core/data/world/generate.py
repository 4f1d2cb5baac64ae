"""What the world gives: documents of a domain, items of a task family, and the words that both use."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

from ptp_core.data.world import code, facts, reading, stories, words
from ptp_core.data.world.draw import stream
from ptp_core.errors import UserError, did_you_mean
from ptp_core.spec.world import World

Writer = Callable[[World, random.Random], Callable[[], str]]

_WRITERS: dict[str, Writer] = {
    "facts": facts.writer,
    "reading": reading.writer,
    "stories": stories.writer,
    "code": code.writer,
}
_ITEMS: dict[str, Callable[[World, str], list[dict[str, Any]]]] = {
    "cms": stories.cms,
    "rag": reading.rag,
    "cbqa": facts.cbqa,
}

DOMAINS: tuple[str, ...] = tuple(_WRITERS)
FAMILIES: tuple[str, ...] = tuple(_ITEMS)
DOCUMENT_SPLITS = ("train", "heldout")
ITEM_SPLITS = ("train", "test")


def documents(world: World, domain: str, *, split: str = "train", n_words: int | None = None) -> Iterator[str]:
    """The documents of a domain, in a fixed order, until they hold ``n_words`` words (default: ``world.words``).

    Both splits tell of the same people and customs in other documents; ``heldout`` is for perplexities. A smaller
    ``n_words`` gives the beginning of a larger one. Raises UserError for an unknown domain or split.
    """
    _known("domain", domain, DOMAINS)
    _known("split", split, DOCUMENT_SPLITS)
    wanted = world.words if n_words is None else n_words
    if wanted < 1:
        raise UserError("too little text asked for", subject="n_words", expected="an integer > 0", got=wanted)
    return _until(_WRITERS[domain](world, stream(world, "documents", domain, split)), wanted)


def _until(write: Callable[[], str], wanted: int) -> Iterator[str]:
    written = 0
    while written < wanted:
        text = write()
        written += len(text.split())
        yield text


def items(world: World, family: str, split: str) -> list[dict[str, Any]]:
    """The items of a family, always in the same order, in the task format of the project.

    Keys: ``id, task, family, split, context, question, choices, answer_idx, answers, document`` (what several items are
    about: a person, a custom); what a family lacks is None.
    Raises UserError for an unknown family or split.
    """
    _known("family", family, FAMILIES)
    _known("split", split, ITEM_SPLITS)
    limit = world.train_items if split == "train" else world.test_items
    blank: dict[str, Any] = dict.fromkeys(("context", "choices", "answer_idx", "document")) | {"answers": []}
    return [
        {"id": f"{family}-{split}-{index}", "task": f"world-{family}", "family": family, "split": split} | blank | item
        for index, item in enumerate(_ITEMS[family](world, split)[:limit])
    ]


def guess() -> float:
    """Expected score of naming at random one of the values that a question's attribute can have (cbqa, rag)."""
    sizes = [len(values) for _, values in words.ATTRIBUTES.values()]
    return sum(1 / size for size in sizes) / len(sizes)


def prompt(item: dict[str, Any]) -> str:
    """The text in front of the answer: ``context``, ``question : …``, ``answer :``; a space and the answer follow."""
    asked = f"question : {item['question']}\nanswer :"
    return f"{item['context']}\n{asked}" if item["context"] else asked


def vocabulary(world: World) -> list[str]:
    """Every word that documents and items of this world can hold, in a fixed order, without special tokens."""
    spoken = [*words.GRAMMAR, *words.STORY_GRAMMAR]
    for key, (verb, values) in words.ATTRIBUTES.items():
        spoken += [key, *verb.split(), *values]
    spoken += [*words.LAND, *words.NAMES[: world.people], *words.TITLES, *words.SURNAMES]
    spoken += [*words.VERBS, *words.STATES.values(), *words.OBJECTS, *words.PLACES, *words.TOOLS]
    spoken += [*words.WHO, *words.WEATHER, *words.TIMES, *words.MOODS, *words.LETTERS, *words.KEYWORDS]
    return list(dict.fromkeys([*words.PUNCTUATION, *words.DIGITS, *spoken]))


def _known(what: str, name: str, names: tuple[str, ...]) -> None:
    if name not in names:
        raise UserError(f"unknown {what}", subject="world", got=name, fix=did_you_mean(name, names))
