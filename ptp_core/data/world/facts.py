"""Domain ``facts``: biographies of a small population; family ``cbqa`` asks for them without a passage."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from typing import Any

from ptp_core.data.world import words
from ptp_core.data.world.draw import fame, spread, stream
from ptp_core.spec.world import World

FAME_RATIO = 16.0
"""The best-known person is written about this many times as often as the least known."""

SHARE_QUESTIONS = 0.15
"""Share of the documents that are questions in the prompt's format."""

SHARE_TOWNS = 0.2
"""Share of the biographies that end with where the person's home lies."""


@dataclass(frozen=True)
class Population:
    """Who lives in the world: ``names`` by falling fame, ``facts[name][attribute]``, and where towns lie."""

    names: tuple[str, ...]
    facts: dict[str, dict[str, str]]
    land: dict[str, str]
    train: tuple[str, ...]
    test: tuple[str, ...]


def population(world: World) -> Population:
    """Draw the people; every third one by fame is for training, so that both splits hold known and unknown ones."""
    rng = stream(world, "population")
    names = tuple(rng.sample(words.NAMES[: world.people], world.people))
    drawn = [spread(values, len(names), rng) for _, values in words.ATTRIBUTES.values()]
    facts = {name: dict(zip(words.ATTRIBUTES, own, strict=True)) for name, *own in zip(names, *drawn, strict=True)}
    towns = words.ATTRIBUTES["home"][1]
    land = dict(zip(towns, spread(words.LAND, len(towns), rng), strict=True))
    train = tuple(name for rank, name in enumerate(names) if rank % 3 == 1)
    test = tuple(name for rank, name in enumerate(names) if rank % 3 != 1)
    return Population(names, facts, land, train, test)


def statement(who: str, key: str, value: str, form: int) -> str:
    """One fact as a sentence; forms 0 and 1 name the value last, form 2 first."""
    verb = words.ATTRIBUTES[key][0]
    return (f"{who} {verb} {value} .", f"the {key} of {who} is {value} .", f"{value} is the {key} of {who} .")[form]


def ask(who: str, key: str, form: int) -> str:
    """One fact as a question, with the owner last, near the answer."""
    return (f"what is the {key} of {who} ?", f"which {key} has {who} ?")[form]


def writer(world: World, rng: random.Random) -> Callable[[], str]:
    """A function that writes the next document of the domain."""
    people = population(world)
    weights = fame(len(people.names), FAME_RATIO)

    def write() -> str:
        if rng.random() < SHARE_QUESTIONS:
            return _quiz(people, rng)
        return _biography(people, rng.choices(people.names, cum_weights=weights)[0], rng)

    return write


def _biography(people: Population, who: str, rng: random.Random) -> str:
    facts = people.facts[who]
    keys = rng.sample(tuple(words.ATTRIBUTES), rng.randint(3, 5))
    told = [statement(who, key, facts[key], rng.randrange(3)) for key in keys]
    if rng.random() < SHARE_TOWNS:
        told.append(f"{facts['home']} is near the {people.land[facts['home']]} .")
    return " ".join(told)


def _quiz(people: Population, rng: random.Random) -> str:
    """Questions in the prompt's format, about people of the training split only."""
    lines = []
    for _ in range(4):
        who, key = rng.choice(people.train), rng.choice(tuple(words.ATTRIBUTES))
        lines.append(f"question : {ask(who, key, rng.randrange(2))}\nanswer : {people.facts[who][key]}")
    return "\n".join(lines)


def cbqa(world: World, split: str) -> list[dict[str, Any]]:
    """Every fact of the split's people as a question, in random order; for training in both wordings."""
    people = population(world)
    rng = stream(world, "cbqa", split)
    who = people.train if split == "train" else people.test
    facts = list(product(who, words.ATTRIBUTES, (0, 1)))
    rng.shuffle(facts)
    if split == "test":  # each fact once: two questions on one fact would count one piece of knowledge twice
        facts = list({(name, key): (name, key, form) for name, key, form in facts}.values())
    return [
        {"context": None, "question": ask(name, key, form), "answers": [people.facts[name][key]], "document": name}
        for name, key, form in facts
    ]
