"""What a comparison of two variants is given: their columns, scaled on training variants, and four features each."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from ptp_core.predict.case import Case
from ptp_core.predict.quantities import Floats

Indices = NDArray[np.intp]
Features = NDArray[np.float32]


def indicator_columns(case: Case, names: Sequence[str]) -> Floats:
    """(n, K): these indicators, larger is better, NaN where a variant lacks one."""
    columns = [case.indicators[name].goodness for name in names]
    return np.column_stack(columns) if columns else np.empty((len(case.variants), 0))


def configuration_columns(case: Case) -> Floats:
    """Settings as numbers, (n, columns): numeric ones as they are, words as one 0/1 column per word.

    Words of one variant only get no column: they would name the variant instead of describing it. Nor does what is the
    same for all variants.
    """
    columns = list(case.varied.values())
    for values in case.words.values():
        for word in sorted(set(values)):
            if 1 < values.count(word) < len(values):
                columns.append(np.array([value == word for value in values], dtype=np.float64))
    return np.column_stack(columns) if columns else np.empty((len(case.variants), 0))


def scaled(columns: Floats, train: Indices) -> Floats:
    """(n, d) from 0 at the lowest to 1 at the highest training variant; a missing value becomes the training mean.

    Only training variants decide, so nothing about the test side leaks into a split. Sums and nothing more are made of
    these numbers, so the unit of a column counts: ``spread_evenly`` is for what is learned from.
    """
    return _by_column(columns, train, lambda known, column: (column - known.min()) / (np.ptp(known) or 1.0))


def spread_evenly(columns: Floats, train: Indices) -> Floats:
    """(n, d): each value's rank among the training variants, from 0 to 1; a missing value becomes the training mean.

    Between two training values it is interpolated; beyond the outermost it goes on as the range does, to -1 and 2 at
    most. A loss, its inverse and its logarithm order variants alike, and so do learning rates and their logarithms: as
    ranks they are nearly one column, and one variant that collapsed does not press all others together.
    """
    return _by_column(columns, train, _rank)


def _rank(known: Floats, column: Floats) -> Floats:
    values, counts = np.unique(known, return_counts=True)
    if len(values) < 2:
        return np.asarray(column - values[0])
    middle = np.cumsum(counts) - counts / 2
    middle = (middle - middle[0]) / (middle[-1] - middle[0])
    span = values[-1] - values[0]
    above, below = np.clip(column - values[-1], 0, span) / span, np.clip(values[0] - column, 0, span) / span
    return np.asarray(np.interp(column, values, middle) + above - below)


def _by_column(columns: Floats, train: Indices, scale: Callable[[Floats, Floats], Floats]) -> Floats:
    """``scale(known training values, column)`` of every column; 0 where no training variant has it."""
    out = np.zeros_like(columns)
    for column, result in zip(columns.T, out.T, strict=True):
        known = column[train][np.isfinite(column[train])]
        if len(known):
            unit = scale(known, column)
            result[:] = np.where(np.isnan(column), unit[train][np.isfinite(column[train])].mean(), unit)
    return out


def pair_features(columns: Floats, first: Indices, second: Indices) -> Features:
    """(pairs, 4d): for each column of the two variants [a - b, a·b, a, b] (Zeng et al. 2025, learning to compare)."""
    a, b = columns[first], columns[second]
    return np.concatenate([a - b, a * b, a, b], axis=1).astype(np.float32)


def unordered_pairs(side: Indices) -> tuple[Indices, Indices]:
    """All pairs of different variants of one side of a split, each once."""
    i, j = np.triu_indices(len(side), k=1)
    return side[i], side[j]
