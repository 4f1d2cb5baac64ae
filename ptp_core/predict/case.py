"""One outcome over the variants that have it, with all that is known about these variants: what judges work on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ptp_core.predict.quantities import Floats, Measured, Quantity


@dataclass(frozen=True)
class Case:
    """Arrays are (n,) over ``variants``. Every one of them has the outcome; an indicator or a setting may be NaN."""

    outcome: Quantity
    variants: tuple[str, ...]
    indicators: dict[str, Quantity]
    numbers: dict[str, Floats]
    words: dict[str, tuple[str, ...]]

    @property
    def name(self) -> str:
        """Name of the outcome."""
        return self.outcome.name

    @property
    def goodness(self) -> Floats:
        """(n,): the outcome, signed so that larger is better."""
        return self.outcome.goodness

    def codes(self, column: str) -> NDArray[np.int64] | None:
        """(n,): a number for each value of a configuration column, -1 where it is not known; None: no such column."""
        if column in self.numbers:
            values = self.numbers[column]
            found = np.unique(values, return_inverse=True)[1].astype(np.int64)
            return np.where(np.isnan(values), -1, found)
        if column in self.words:
            words = np.array(self.words[column], dtype=object)
            known = sorted(set(self.words[column]) - {""})
            return np.array([known.index(word) if word else -1 for word in words], dtype=np.int64)
        return None

    @property
    def settings(self) -> tuple[str, ...]:
        """Names of the configuration columns, numeric ones first."""
        return (*self.numbers, *self.words)

    @property
    def varied(self) -> dict[str, Floats]:
        """``numbers`` of which two variants differ: a setting that is the same for all is no rival of an indicator."""
        return {name: x for name, x in self.numbers.items() if len(np.unique(x[np.isfinite(x)])) > 1}

    def at(self, which: NDArray[np.bool_]) -> Case:
        """The same outcome for some of the variants."""
        return Case(
            outcome=self.outcome.at(which),
            variants=_chosen(self.variants, which),
            indicators={name: quantity.at(which) for name, quantity in self.indicators.items()},
            numbers={name: values[which] for name, values in self.numbers.items()},
            words={name: _chosen(values, which) for name, values in self.words.items()},
        )


def case_of(data: Measured, outcome: str) -> Case:
    """The case of one outcome of a table."""
    whole = Case(data.outcomes[outcome], data.variants, data.indicators, data.numbers, data.words)
    return whole.at(np.isfinite(whole.outcome.values))


def _chosen(values: tuple[str, ...], which: NDArray[np.bool_]) -> tuple[str, ...]:
    return tuple(value for value, wanted in zip(values, which, strict=True) if wanted)
