"""Domain ``reading``: text that rewards looking back; family ``rag`` asks about a passage on people never seen."""

from __future__ import annotations

import random
from bisect import bisect
from collections.abc import Callable, Sequence
from itertools import accumulate, product
from typing import Any

from ptp_core.data.world import words
from ptp_core.data.world.draw import parted, stream
from ptp_core.data.world.facts import ask
from ptp_core.spec.world import World

SHARE_CHANTS, SHARE_CIRCLES, SHARE_LISTS = 0.15, 0.15, 0.15
"""Shares of plain repetition, easiest first; the rest are lessons.

Small models learn to look back in this order: that a word of the text is likely to come again (chants), that a
pattern goes on (circles), then the rest. From lists and lessons alone they do not learn it in some million tokens.
"""

SHARE_AGAIN = 0.5
"""Share of the lessons that tell their passage twice."""

SHAPES = ((1, 2), (1, 3), (1, 4), (2, 1), (2, 2))
"""Passages as (strangers, attributes). One stranger: find the attribute's value; two: also find whose it is."""

SHARES = {"text": 0.6, "train": 0.2, "test": 0.2}
"""Title-and-surname pairs that pre-training text, SFT items and test items may use: no pair has two uses."""


def strangers(world: World) -> dict[str, list[str]]:
    """Two-word names by use; each word occurs in pre-training text, a pair of ``train`` or ``test`` never does."""
    pairs = [f"{title} {surname}" for title, surname in product(words.TITLES, words.SURNAMES)]
    parts = parted(pairs, tuple(SHARES.values()), stream(world, "strangers"))
    return dict(zip(SHARES, parts, strict=True))


def writer(world: World, rng: random.Random) -> Callable[[], str]:
    """A function that writes the next document of the domain."""
    known = strangers(world)["text"]
    pool = [value for _, values in words.ATTRIBUTES.values() for value in values]
    kinds = (_chant, _circle, _twice)
    limits = list(accumulate((SHARE_CHANTS, SHARE_CIRCLES, SHARE_LISTS)))

    def write() -> str:
        kind = bisect(limits, rng.random())
        return kinds[kind](pool, rng) if kind < len(kinds) else _lesson(known, rng)

    return write


def _chant(pool: Sequence[str], rng: random.Random) -> str:
    few = rng.sample(pool, rng.randint(2, 4))
    return f"list : {' '.join(rng.choices(few, k=rng.randint(8, 20)))} ."


def _circle(pool: Sequence[str], rng: random.Random) -> str:
    few = rng.sample(pool, rng.randint(2, 5))
    return f"list : {' '.join((few * 10)[: rng.randint(10, 20)])} ."


def _twice(pool: Sequence[str], rng: random.Random) -> str:
    text = " ".join(rng.sample(pool, rng.randint(4, 8)))
    return f"list : {text} . again : {text} ."


def passage(
    known: Sequence[str], rng: random.Random, people: int, attributes: int
) -> tuple[str, list[tuple[str, str, str]]]:
    """Sentences on strangers with different surnames and on the same attributes of each; the text and its facts."""
    who: list[str] = []
    while len(who) < people:
        name = rng.choice(known)
        if all(name.split()[1] != other.split()[1] for other in who):
            who.append(name)
    facts = []
    for key in rng.sample(tuple(words.ATTRIBUTES), attributes):
        values = rng.sample(words.ATTRIBUTES[key][1], people)
        facts += [(name, key, value) for name, value in zip(who, values, strict=True)]
    return " ".join(_portrait(name, facts) for name in who), facts


def _portrait(who: str, facts: Sequence[tuple[str, str, str]]) -> str:
    own = [f"{key} {value}" for name, key, value in facts if name == who]
    return f"{who} has {' , '.join(own)} ."


def _lesson(known: Sequence[str], rng: random.Random) -> str:
    """A passage, once or twice, then a question on each of its facts, in the prompt's format."""
    text, facts = passage(known, rng, *rng.choice(SHAPES))
    rng.shuffle(facts)
    again = [f"again {text}"] if rng.random() < SHARE_AGAIN else []
    lines = [f"question : {ask(who, key, rng.randrange(2))}\nanswer : {value}" for who, key, value in facts]
    return "\n".join([text, *again, *lines])


def rag(world: World, split: str) -> list[dict[str, Any]]:
    """As many items as the world asks for, each with a passage of its own; the shapes take turns."""
    rng = stream(world, "rag", split)
    known = strangers(world)[split]
    count = world.train_items if split == "train" else world.test_items
    return [_item(known, SHAPES[index % len(SHAPES)], rng) for index in range(count)]


def _item(known: Sequence[str], shape: tuple[int, int], rng: random.Random) -> dict[str, Any]:
    text, facts = passage(known, rng, *shape)
    who, key, value = rng.choice(facts)
    return {"context": text, "question": ask(who, key, rng.randrange(2)), "answers": [value]}
