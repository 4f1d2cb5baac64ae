"""Causal and prefix language modelling."""

from __future__ import annotations

import numpy as np

from ptp_core.objectives.batch import IGNORE, Batch, Ints


def clm(rows: Ints) -> Batch:
    """Next token at every position (Radford et al. 2019). ``rows``: shape (batch, length + 1)."""
    return Batch(rows[:, :-1], rows[:, 1:], np.zeros(len(rows), dtype=np.int64))


def plm(rows: Ints, rng: np.random.Generator) -> Batch:
    """Prefix LM: a prefix of uniform length is read in both directions, the loss is on what follows it.

    The last prefix position predicts the first token after the prefix; earlier ones would see their own target and
    carry no loss (Raffel et al. 2020, section 3.2.2; Tay et al. 2023). ``rows``: shape (batch, length + 1).
    """
    batch, length = len(rows), rows.shape[1] - 1
    prefix = rng.integers(1, length, size=batch)
    silent_BL = np.arange(length)[None, :] < prefix[:, None] - 1
    return Batch(rows[:, :-1], np.where(silent_BL, IGNORE, rows[:, 1:]), prefix)
