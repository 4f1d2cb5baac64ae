"""What a comparison of two variants is given: their columns, scaled on training variants, and four features each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]


def configuration_columns(numbers: Mapping[str, Floats], words: Mapping[str, Sequence[str]], n: int) -> Floats:
    """Config as numbers, (n, columns): numeric columns as they are, words as one 0/1 column per word.

    Words of one variant only get no column: they would name the variant instead of describing it.
    """
    columns = list(numbers.values())
    for values in words.values():
        for word in sorted(set(values)):
            if values.count(word) > 1:
                columns.append(np.array([value == word for value in values], dtype=np.float64))
    return np.column_stack(columns) if columns else np.empty((n, 0))


def scaled(columns: Floats, train: Indices) -> Floats:
    """(n, d) with the training variants spanning 0 … 1; a missing value becomes the training mean.

    Only training variants decide, so nothing about the test side leaks into a split.
    """
    known = columns[train]
    missing = np.isnan(known)
    low = np.where(missing, np.inf, known).min(axis=0, initial=np.inf)
    high = np.where(missing, -np.inf, known).max(axis=0, initial=-np.inf)
    empty = low > high
    low, span = np.where(empty, 0.0, low), np.where(empty | (high == low), 1.0, high - low)
    unit = (columns - low) / span
    counts = np.maximum((~missing).sum(axis=0), 1)
    mean = np.where(missing, 0.0, unit[train]).sum(axis=0) / counts
    return np.where(np.isnan(unit), mean, unit)


def pair_features(columns: Floats, first: Indices, second: Indices) -> NDArray[np.float32]:
    """(pairs, 4d): for each column of the two variants [a - b, a·b, a, b] (Zeng et al. 2025, learning to compare)."""
    a, b = columns[first], columns[second]
    return np.concatenate([a - b, a * b, a, b], axis=1).astype(np.float32)


def ordered_pairs(side: Indices) -> tuple[Indices, Indices]:
    """All ordered pairs of different variants of one side of a split."""
    first, second = np.repeat(side, len(side)), np.tile(side, len(side))
    different = first != second
    return first[different], second[different]


def unordered_pairs(side: Indices) -> tuple[Indices, Indices]:
    """All pairs of different variants of one side of a split, each once."""
    i, j = np.triu_indices(len(side), k=1)
    return side[i], side[j]
