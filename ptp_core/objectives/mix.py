"""From the objective written in a spec to a batch: each row takes one of the terms, all equally likely."""

from __future__ import annotations

import numpy as np

from ptp_core.objectives.batch import Batch, Ints
from ptp_core.objectives.causal import clm, plm
from ptp_core.objectives.span_corruption import span_corruption
from ptp_core.spec.objective import terms
from ptp_core.special import SpecialTokens


def make_batch(objective: str, rows: Ints, rng: np.random.Generator, special: SpecialTokens) -> Batch:
    """Inputs and targets for rows of shape (batch, length + 1); ``objective`` as in ``ptp_core.spec.objective``."""
    parts = terms(objective)
    if len(parts) == 1:
        return _one(parts[0], rows, rng, special)
    # One draw per row whatever the other draws are, so that the choice of terms is stable.
    choice = rng.integers(len(parts), size=len(rows))
    inputs, targets = np.empty_like(rows[:, 1:]), np.empty_like(rows[:, 1:])
    prefix = np.zeros(len(rows), dtype=np.int64)
    for i, part in enumerate(parts):
        mine = choice == i
        if mine.any():
            inputs[mine], targets[mine], prefix[mine] = _one(part, rows[mine], rng, special)
    return Batch(inputs, targets, prefix)


def _one(term: tuple[str, float, float], rows: Ints, rng: np.random.Generator, special: SpecialTokens) -> Batch:
    kind, rate, span_length = term
    if kind == "clm":
        return clm(rows)
    if kind == "plm":
        return plm(rows, rng)
    return span_corruption(rows, rng, rate, span_length, special)
