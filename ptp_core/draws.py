"""Random numbers without a generator's state: every number is a hash of (seed, row number, purpose, column)."""

from __future__ import annotations

import hashlib
import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Bits = NDArray[np.uint64]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
"""Increment of splitmix64 (Steele, Lea and Flood 2014): consecutive states lie far apart."""
_ROUNDS = 8


class Draws(NamedTuple):
    """The random numbers of some rows of a run.

    A row's numbers depend on the seed, its number in the run, the purpose and the column only, so they are the same in
    whatever batch, micro-batch or rank the row is made.
    """

    seed: int
    rows: Ints
    """Numbers of the rows in the run, ≥ 0, shape (batch,)."""

    def uniform(self, purpose: int, n: int) -> NDArray[np.float64]:
        """``n`` numbers in [0, 1) a row, shape (batch, n); other purposes give independent numbers."""
        state_B = hashed(key(self.seed, purpose), self.rows)
        columns = np.arange(1, n + 1, dtype=np.uint64) * _GOLDEN
        return (_mixed(state_B[:, None] + columns) >> np.uint64(11)) * np.float64(2.0**-53)

    def take(self, mask: NDArray[np.bool_]) -> Draws:
        """The draws of the rows that are chosen by a mask of shape (batch,)."""
        return Draws(self.seed, self.rows[mask])


def key(*parts: int | str) -> int:
    """A 64-bit key for a purpose, from numbers and names: other parts, or another order of them, another key."""
    return int.from_bytes(hashlib.blake2b(repr(parts).encode(), digest_size=8).digest(), "big")


def hashed(key: int, numbers: Ints) -> Bits:
    """64 random bits for each number under a key, shape of ``numbers``."""
    return _mixed(numbers.astype(np.uint64) * _GOLDEN + np.uint64(key))


def permuted(places: Ints, size: int, keys: Bits) -> Ints:
    """Where a pseudo-random permutation of ``range(size)`` sends each place; no table of it is made.

    ``places``: each in ``range(size)``, shape (n,). ``keys``: which permutation, of a shape that broadcasts to (n,).
    A Feistel network on the smallest near-square grid that holds the range; what falls outside the range is sent on
    until it falls inside (cycle walking; Black and Rogaway 2002), which keeps the map one to one.
    """
    keys = np.broadcast_to(keys, places.shape)
    width = math.isqrt(size - 1) + 1
    grid = (width, -(-size // width))
    found = _feistel(places.astype(np.uint64), grid, keys)
    while (outside := found >= size).any():
        found[outside] = _feistel(found[outside], grid, keys[outside])
    return found.astype(np.int64)


def _feistel(cells: Bits, grid: tuple[int, int], keys: Bits) -> Bits:
    width, height = (np.uint64(side) for side in grid)
    left, right = cells // height, cells % height
    for turn in range(_ROUNDS):
        round_keys = _mixed(keys + np.uint64(turn))
        # Adding what the other half decides, modulo the side, can be undone: each turn is one to one.
        if turn % 2:
            left = (left + _mixed(right * _GOLDEN + round_keys) % width) % width
        else:
            right = (right + _mixed(left * _GOLDEN + round_keys) % height) % height
    return left * height + right


def _mixed(bits: Bits) -> Bits:
    """The finaliser of splitmix64, a bijection of 64 bits. Arrays only: they wrap around where scalars would warn."""
    bits = bits ^ (bits >> np.uint64(30))
    bits *= np.uint64(0xBF58476D1CE4E5B9)
    bits ^= bits >> np.uint64(27)
    bits *= np.uint64(0x94D049BB133111EB)
    bits ^= bits >> np.uint64(31)
    return bits
