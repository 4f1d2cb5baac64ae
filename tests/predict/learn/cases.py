"""Cases made of arrays."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ptp_core.predict.case import Case
from ptp_core.predict.quantities import Floats, Quantity


def quantity(name: str, values: Floats, higher_is_better: bool = True) -> Quantity:
    """One run each, without errors."""
    n = len(values)
    return Quantity(name, higher_is_better, values, np.ones(n, dtype=np.int64), np.zeros(n), np.full(n, np.nan))


def make_case(
    outcome: Floats,
    indicators: Mapping[str, Floats],
    numbers: Mapping[str, Floats] | None = None,
    words: Mapping[str, tuple[str, ...]] | None = None,
) -> Case:
    """A case of variants v0, v1, …; larger is better everywhere."""
    return Case(
        outcome=quantity("o", outcome),
        variants=tuple(f"v{i}" for i in range(len(outcome))),
        indicators={name: quantity(name, values) for name, values in indicators.items()},
        numbers=dict(numbers or {}),
        words=dict(words or {}),
    )
