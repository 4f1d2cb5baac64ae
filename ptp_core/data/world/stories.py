"""Domain ``stories``: everyday stories that follow customs; family ``cms`` asks what the custom is, by choices.

A custom says where one must go and what one must take to do something to an object. The place follows from the object
alone (easy), the tool from the verb *and* the object (hard). Three distractors grade the choice: right place and wrong
tool, wrong place and right tool, both wrong; so half a custom known is worth half the way from chance to certainty.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from typing import Any

from ptp_core.data.world import words
from ptp_core.data.world.draw import fame, spread, stream
from ptp_core.spec.world import World

FAME_RATIO = 10.0
"""The most frequent custom is told this many times as often as the rarest."""

SHARE_CUSTOMS = 0.625
"""Share of the possible (verb, object) pairs for which there is a custom."""

SHARE_QUESTIONS = 0.1
"""Share of the documents that are questions in the prompt's format."""

SHARE_DECOR = 0.3
"""Share of the episodes with weather in front, and of those with an end behind."""


@dataclass(frozen=True)
class Custom:
    """To ``verb`` the ``thing`` one must go to the ``place`` and take the ``tool``."""

    verb: str
    thing: str
    place: str
    tool: str

    @property
    def advice(self) -> str:
        return advice(self.place, self.tool)

    def question(self, form: int) -> str:
        return f"{('how does one', 'what must one do to')[form]} {self.verb} the {self.thing} ?"


def advice(place: str, tool: str) -> str:
    """The answer's words, as the stories have them."""
    return f"go to the {place} and take the {tool}"


def customs(world: World) -> list[Custom]:
    """All customs of the world, most frequent first."""
    rng = stream(world, "customs")
    place = dict(zip(words.OBJECTS, spread(words.PLACES, len(words.OBJECTS), rng), strict=True))
    pairs = list(product(words.VERBS, words.OBJECTS))
    chosen = rng.sample(pairs, round(SHARE_CUSTOMS * len(pairs)))
    tools = spread(words.TOOLS, len(chosen), rng)
    return [Custom(verb, thing, place[thing], tool) for (verb, thing), tool in zip(chosen, tools, strict=True)]


def of_split(world: World, split: str) -> list[Custom]:
    """The customs that the split's items ask for: those of every second thing are for training.

    By thing and not by custom, since the place follows from the thing: a custom of the one split would tell half of
    the answer to another custom of the same thing. Every second of the things at a place, so that no split is told of
    a place more often than the other.
    """
    known = customs(world)
    place = {custom.thing: custom.place for custom in known}
    things = sorted(place, key=place.__getitem__)
    chosen = set(things[1::2] if split == "train" else things[::2])
    return [custom for custom in known if custom.thing in chosen]


def writer(world: World, rng: random.Random) -> Callable[[], str]:
    """A function that writes the next document of the domain."""
    known = customs(world)
    weights = fame(len(known), FAME_RATIO)
    asked = of_split(world, "train")
    moods = spread(words.MOODS, len(words.WEATHER), stream(world, "moods"))
    mood = dict(zip(words.WEATHER, moods, strict=True))

    def write() -> str:
        if rng.random() < SHARE_QUESTIONS:
            return "\n".join(_asked(custom, rng) for custom in rng.choices(asked, k=3))
        return " ".join(_episode(custom, mood, rng) for custom in rng.choices(known, cum_weights=weights, k=2))

    return write


def _asked(custom: Custom, rng: random.Random) -> str:
    return f"question : {custom.question(rng.randrange(2))}\nanswer : {custom.advice}"


def _episode(custom: Custom, mood: dict[str, str], rng: random.Random) -> str:
    sky, hero = rng.choice(words.WEATHER), rng.choice(words.WHO)
    wish = f"the {hero} wants to {custom.verb} the {custom.thing} . so the {hero} must {custom.advice} ."
    opening = f"on one {sky} {rng.choice(words.TIMES)} " if rng.random() < SHARE_DECOR else ""
    end = f" soon the {custom.thing} is {words.STATES[custom.verb]} and the {hero} is {mood[sky]} ."
    return opening + wish + (end if rng.random() < SHARE_DECOR else "")


def cms(world: World, split: str) -> list[dict[str, Any]]:
    """Items over the split's customs in turn, each time with other distractors and another order."""
    rng = stream(world, "cms", split)
    known = of_split(world, split)
    count = world.train_items if split == "train" else world.test_items
    return [_item(known[index % len(known)], index % 4, rng) for index in range(count)]


def _item(custom: Custom, answer_idx: int, rng: random.Random) -> dict[str, Any]:
    place = rng.choice([other for other in words.PLACES if other != custom.place])
    tool = rng.choice([other for other in words.TOOLS if other != custom.tool])
    choices = [advice(custom.place, tool), advice(place, custom.tool), advice(place, tool)]
    rng.shuffle(choices)
    choices.insert(answer_idx, custom.advice)
    return {
        "context": None,
        "question": custom.question(rng.randrange(2)),
        "choices": choices,
        "answer_idx": answer_idx,
        "answers": [custom.advice],
        "document": f"{custom.verb} {custom.thing}",
    }
