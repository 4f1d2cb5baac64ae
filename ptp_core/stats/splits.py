"""Repeated random splits: means, intervals and tests that know the splits overlap."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ptp_core.stats.pairs import Floats


def random_splits(
    n: int, *, splits: int, train_share: float, rng: np.random.Generator
) -> list[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """``splits`` times (train, test): sorted indices of n variants, at least two variants on either side (n >= 4)."""
    n_train = int(np.clip(round(train_share * n), 2, n - 2))
    orders = [rng.permutation(n) for _ in range(splits)]
    return [(np.sort(order[:n_train]), np.sort(order[n_train:])) for order in orders]


@dataclass(frozen=True)
class SplitMean:
    """Mean over splits with its corrected standard error, interval and two-sided p against a mean of 0."""

    mean: float
    sd: float
    standard_error: float
    interval: tuple[float, float]
    p: float
    n_splits: int


def corrected_mean(values: Floats, *, n_train: int, n_test: int, confidence: float = 0.95) -> SplitMean:
    """Corrected resampled t statistics of J split results ``values`` (J,); ``n_train`` and ``n_test`` in variants.

    Estimand: the expected result on a random split. Splits share training and test variants, so s²/J is far too
    small; the variance used is (1/J + n_test/n_train)·s² with J-1 degrees of freedom (Nadeau & Bengio 2003).
    Null hypothesis of ``p``: the mean is 0 — give differences of two methods on the same splits. NaN values (splits
    without a judged pair) are left out. With no spread at all, p is 1 for a mean of 0 and NaN otherwise.

    Careful rather than exact: with pairwise accuracies on 20 splits of 60/40 the type-I error at .05 is .03–.05 for
    unrelated indicators over 50 variants, and .004–.04 for alike ones or 20 variants (tests/stats/test_splits.py).
    For indicators that need no training ``difference_tests`` keeps its level more closely.
    """
    known = values[~np.isnan(values)]
    if len(known) < 2:
        mean = float(known[0]) if len(known) else float("nan")
        return SplitMean(mean, float("nan"), float("nan"), (float("nan"), float("nan")), float("nan"), len(known))
    from scipy.stats import t as student

    mean, sd, freedom = float(known.mean()), float(known.std(ddof=1)), len(known) - 1
    error = float(np.sqrt(1 / len(known) + n_test / n_train)) * sd
    reach = float(student.ppf((1 + confidence) / 2, freedom)) * error
    p_without_spread = 1.0 if mean == 0 else float("nan")
    p = float(2 * student.sf(abs(mean) / error, freedom)) if sd > 0 else p_without_spread
    return SplitMean(mean, sd, error, (mean - reach, mean + reach), p, len(known))
