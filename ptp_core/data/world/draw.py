"""Random streams that are the same in every process, and how the world splits and weighs things."""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import TypeVar

from ptp_core.spec.world import World

T = TypeVar("T")


def stream(world: World, *purpose: str) -> random.Random:
    """A generator of its own for each purpose, so that drawing more of one thing changes no other.

    ``Random`` hashes a string with SHA-512: stable over processes, unlike ``hash``.
    """
    return random.Random(f"world/{world.seed}/" + "/".join(purpose))


def parted(things: Sequence[T], shares: Sequence[float], rng: random.Random) -> list[list[T]]:
    """The things in random order, cut into consecutive parts of the given shares (which add up to 1)."""
    order = list(things)
    rng.shuffle(order)
    cuts = [0, *(round(share * len(order)) for share in accumulate(shares))]
    return [order[low:high] for low, high in pairwise(cuts)]


def spread(values: Sequence[T], count: int, rng: random.Random) -> list[T]:
    """``count`` draws in which every value comes equally often (give or take one), so that no guess is a good one."""
    pool = [values[i % len(values)] for i in range(count)]
    rng.shuffle(pool)
    return pool


def fame(count: int, ratio: float) -> list[float]:
    """Cumulative weights for ``Random.choices``: the first thing is drawn ``ratio`` times as often as the last.

    Uneven exposure is what grades the tasks: a better model knows rarer things.
    """
    weights = (ratio ** (-rank / max(count - 1, 1)) for rank in range(count))
    return list(accumulate(weights))
