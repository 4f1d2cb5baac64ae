"""A set of 64-bit keys that grows to hundreds of millions: 11 to 21 bytes a key, no Python object for any of them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Keys = NDArray[np.uint64]
_FULLEST = 0.75
_EMPTY = np.uint64(0)
_FIRST_SIZE = 2**16
_AT_ONCE = 2**16


class Seen:
    """Open addressing with linear probing in one numpy array, whole batches at a time.

    Two of n different documents share a key with probability about n²/2⁶⁵: 3·10⁻⁴ for 100 million.
    """

    def __init__(self) -> None:
        self.table: Keys = np.zeros(_FIRST_SIZE, dtype=np.uint64)
        self.count = 0

    def add(self, keys: Keys) -> NDArray[np.bool_]:
        """Add keys, shape (n,); returns for each whether it is new: neither here before nor earlier in ``keys``."""
        # Zero marks an empty place.
        keys = np.maximum(keys, np.uint64(1))
        unique, first = np.unique(keys, return_index=True)
        while self.count + len(unique) > _FULLEST * len(self.table):
            self._grow()
        new = np.zeros(len(keys), dtype=np.bool_)
        new[first] = self._insert(unique)
        self.count += int(new.sum())
        return new

    def _insert(self, keys: Keys) -> NDArray[np.bool_]:
        """Put different keys into the table; returns which were not there."""
        mask = np.uint64(len(self.table) - 1)
        new = np.zeros(len(keys), dtype=np.bool_)
        left = np.arange(len(keys))
        places = keys & mask
        while len(left):
            wanted = keys[left]
            free = self.table[places] == _EMPTY
            self.table[places[free]] = wanted[free]
            # Of several keys that took one place the last has it; the others go on, like those that met another key.
            here = self.table[places] == wanted
            new[left[here & free]] = True
            left, places = left[~here], (places[~here] + np.uint64(1)) & mask
        return new

    def _grow(self) -> None:
        old, self.table = self.table, np.zeros(2 * len(self.table), dtype=np.uint64)
        for start in range(0, len(old), _AT_ONCE):
            part = old[start : start + _AT_ONCE]
            self._insert(part[part != _EMPTY])
