"""Words as predictors: how much of an outcome lies between the variants of one word and those of another."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ptp_core.predict.quantities import Floats
from ptp_core.stats.pairs import sign_matrix


def eta_squared(
    codes: NDArray[np.int64], goodness: Floats, *, permutations: int, rng: np.random.Generator
) -> tuple[float, float]:
    """η² of groups ``codes`` (n,) on the ranks of ``goodness`` (n,), and its permutation p.

    Null hypothesis: ranks are exchangeable over the variants. p = (1 + shuffles at least as large) / (1 + shuffles).
    """
    ranks = _centred_ranks(goodness)
    total = float(ranks @ ranks)
    if total == 0:
        return float("nan"), 1.0
    member = (codes[:, None] == np.unique(codes)[None, :]).astype(np.float64)  # (n, groups)
    weights = 1 / member.sum(axis=0)
    observed = float((ranks @ member) ** 2 @ weights)
    as_large, left = 1, permutations
    while left > 0:
        size = min(left, max(1, 1_000_000 // len(ranks)))
        shuffled = rng.permuted(np.tile(ranks, (size, 1)), axis=1)
        # Sums in another order may differ in the last bit: an equal split is as large.
        as_large += int(((shuffled @ member) ** 2 @ weights >= observed * (1 - 1e-9)).sum())
        left -= size
    return observed / total, as_large / (1 + permutations)


def _centred_ranks(values: Floats) -> Floats:
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks = np.cumsum(counts) - (counts + 1) / 2  # mid-ranks from 0
    centred: Floats = ranks[inverse] - ranks[inverse].mean()
    return centred


def group_accuracy(codes: NDArray[np.int64], goodness: Floats) -> float:
    """Pairwise accuracy of the mean outcome of each variant's group, no variant of a pair being in either mean.

    Estimand: P(the group means, taken over other variants, order two random variants as their outcomes do). Pairs
    within a group, and with a group of one variant, count 1/2, as a tie of an indicator does. For two variants of
    different groups leaving the pair out is leaving each out of its own group's mean, so that a useless column scores
    1/2 on average; within a group the means left would be ordered against the outcome.
    """
    n_groups = int(codes.max()) + 1
    sums, counts = np.bincount(codes, goodness, n_groups), np.bincount(codes, minlength=n_groups)
    with np.errstate(invalid="ignore", divide="ignore"):
        means = (sums[codes] - goodness) / (counts[codes] - 1)
    means[counts[codes] < 2] = np.nan
    outcome_signs = sign_matrix(goodness)
    signs = sign_matrix(means) * (codes[:, None] != codes[None, :])
    judged = float(np.abs(outcome_signs).sum())
    return (1 + float((signs * outcome_signs).sum()) / judged) / 2 if judged else float("nan")


def epsilon_squared(words: tuple[str, ...], goodness: Floats) -> float:
    """ε² = 1 − (1 − η²)(n − 1)/(n − k) on the ranks of (n,) ``goodness``: η² less what k words explain by chance.

    Kelley 1935; near 0, also below it, for words that say nothing. NaN where it cannot be computed.
    """
    column = np.array(words, dtype=object)
    known = np.isfinite(goodness) & (column != "")
    _, codes = np.unique(column[known].astype(str), return_inverse=True)
    n, k = len(codes), len(np.unique(codes))
    if n - k < 1 or k < 2:
        return float("nan")
    ranks = _centred_ranks(goodness[known])
    total = float(ranks @ ranks)
    between = float((np.bincount(codes, ranks) ** 2 / np.bincount(codes)).sum())
    return 1 - (1 - between / total) * (n - 1) / (n - k) if total else float("nan")
