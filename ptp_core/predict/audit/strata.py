"""Parts of a set of variants that a configuration column marks off: a value of it, or all from a value on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ptp_core.predict.quantities import Floats, Measured
from ptp_core.predict.wording import number

MOST_CUTS = 20
"""A column with more values than this is cut at so many of its quantiles."""


@dataclass(frozen=True)
class Stratum:
    """The variants ``members`` (n,), in words; ``factor`` is None for the whole table."""

    factor: str | None
    label: str
    members: NDArray[np.bool_]


def strata(data: Measured, fewest: int) -> list[Stratum]:
    """The whole table, then of every column each value, and of numeric ones each range from or up to a value.

    Only those of ``fewest`` variants or more, each set of variants once.
    """
    whole = Stratum(None, "the whole table", np.ones(len(data.variants), dtype=np.bool_))
    found: dict[bytes, Stratum] = {whole.members.tobytes(): whole}
    for stratum in (*_of_words(data), *_of_numbers(data)):
        if stratum.members.sum() >= fewest:
            found.setdefault(stratum.members.tobytes(), stratum)
    return list(found.values())


def _of_words(data: Measured) -> Iterable[Stratum]:
    for name, words in data.words.items():
        column = np.array(words, dtype=object)
        for word in sorted(set(words) - {""}):
            yield Stratum(name, f"{name} = {word}", np.asarray(column == word, dtype=np.bool_))


def _of_numbers(data: Measured) -> Iterable[Stratum]:
    for name, column in data.numbers.items():
        values, counts = np.unique(column[np.isfinite(column)], return_counts=True)
        for value in values[counts > 1]:
            yield Stratum(name, f"{name} = {number(value)}", column == value)
        for cut in _cuts(values):
            yield Stratum(name, f"{name} ≥ {number(cut)}", column >= cut)
            yield Stratum(name, f"{name} ≤ {number(cut)}", column <= cut)


def _cuts(values: Floats) -> Floats:
    if len(values) <= MOST_CUTS:
        return values
    # Cuts must be values of the column, so that no variant depends on how a quantile is interpolated.
    return np.unique(values[np.linspace(0, len(values) - 1, MOST_CUTS).round().astype(int)])
