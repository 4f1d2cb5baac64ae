"""The random splits of an analysis: one list for all that is judged on unseen variants, so that it can be compared."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ptp_core.spec.select import Select
from ptp_core.stats.splits import random_splits

SPLIT_STREAM = 3

Split = tuple[NDArray[np.intp], NDArray[np.intp]]


def splits_of(n: int, select: Select) -> list[Split]:
    """(train, test) indices of n variants, ``select.splits`` times, the same for every caller of one analysis."""
    rng = np.random.default_rng([select.seed, SPLIT_STREAM])
    return random_splits(n, splits=select.splits, train_share=select.train_share, rng=rng)
