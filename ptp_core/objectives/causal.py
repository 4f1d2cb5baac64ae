"""Causal and prefix language modelling."""

from __future__ import annotations

import numpy as np

from ptp_core.draws import Draws
from ptp_core.objectives.batch import IGNORE, PREFIX, Batch, Ints


def clm(rows: Ints) -> Batch:
    """Next token at every position (Radford et al. 2019). ``rows``: shape (batch, length + 1)."""
    return Batch(rows[:, :-1], rows[:, 1:], np.zeros(len(rows), dtype=np.int64))


def plm(rows: Ints, draws: Draws, shortest: int = 1) -> Batch:
    """Prefix LM: a prefix of random length is read in both directions, the loss is on what follows it.

    The last prefix position predicts the first token after the prefix; earlier ones would see their own target and
    carry no loss (Raffel et al. 2020, section 3.2.2; Tay et al. 2023). ``rows``: shape (batch, length + 1).
    """
    length = rows.shape[1] - 1
    prefix = prefix_lengths(draws, length, shortest)
    silent_BL = np.arange(length)[None, :] < prefix[:, None] - 1
    return Batch(rows[:, :-1], np.where(silent_BL, IGNORE, rows[:, 1:]), prefix)


def prefix_lengths(draws: Draws, length: int, shortest: int = 1) -> Ints:
    """Tokens in the prefix of each row, uniform on ``shortest … length - 1``, shape (batch,)."""
    return shortest + (draws.uniform(PREFIX, 1)[:, 0] * (length - shortest)).astype(np.int64)
