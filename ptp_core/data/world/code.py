"""Domain ``code``: small programs and sums, digit by digit; it has no task family of its own.

Printing a variable is looking back, so code helps ``rag`` somewhat and the other families not at all.
"""

from __future__ import annotations

import random
from collections.abc import Callable

from ptp_core.data.world import words
from ptp_core.spec.world import World


def writer(world: World, rng: random.Random) -> Callable[[], str]:
    """A function that writes the next document of the domain; ``world`` is unused: sums are the same in every world."""
    kinds = (_program, _sums, _function, _copies)
    return lambda: rng.choice(kinds)(rng)


def _number(value: int) -> str:
    return " ".join(str(value))


def _program(rng: random.Random) -> str:
    names = rng.sample(words.LETTERS, rng.randint(2, 5))
    value = {name: rng.choice(words.DIGITS) for name in names}
    lines = [f"let {name} = {value[name]} ;" for name in names]
    lines += [f"print {name} > {value[name]} ;" for name in rng.sample(names, len(names))]
    return "\n".join(lines)


def _sums(rng: random.Random) -> str:
    lines = []
    for _ in range(rng.randint(2, 5)):
        left, right = rng.randrange(20), rng.randrange(20)
        if rng.random() < 0.5:
            lines.append(f"{_number(left)} + {_number(right)} = {_number(left + right)} ;")
        else:
            low, high = sorted((left, right))
            lines.append(f"{_number(high)} - {_number(low)} = {_number(high - low)} ;")
    return "\n".join(lines)


def _function(rng: random.Random) -> str:
    name, argument = rng.sample(words.LETTERS, 2)
    step = rng.randint(1, 5)
    calls = [f"{name} ( {x} ) = {_number(x + step)} ;" for x in rng.sample(range(10), 3)]
    return "\n".join([f"def {name} ( {argument} ) = {argument} + {step} ;", *calls])


def _copies(rng: random.Random) -> str:
    items = [rng.choice(words.LETTERS + words.DIGITS) for _ in range(rng.randint(3, 6))]
    verb, result = ("copy", items) if rng.random() < 0.5 else ("flip", items[::-1])
    return f"{verb} [ {' '.join(items)} ] > [ {' '.join(result)} ] ;"
