"""Which variant is best on one outcome, how sure that is, and the ranking of all of them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ptp_core.predict.quantities import Floats, Quantity

DRAWS, FEWEST_DRAWS, NUMBERS = 20_000, 2000, 4_000_000
"""Monte-Carlo draws: a probability is then exact to about ±0.7 points. Fewer, but not below ``FEWEST_DRAWS``, where
draws times variants exceed ``NUMBERS``: they are held in memory at once."""

SEED_STREAM = 4

PENALTY = 0.5
"""Power of the standard deviation between variants that its likelihood is multiplied by. By simulation: with 1 (Chung
et al. 2013) too much is said of 8 variants that hardly differ, with 0 too little of those that do."""


def probability_of_being_best(outcome: Quantity, seed: int) -> Floats | None:
    """(n,): probability that each variant has the highest expected outcome, given the noise of seeds and of items.

    Empirical-Bayes posterior of ``_posterior``: a lead is shrunk as far as the noise could have made it, since that of
    a winner is a lucky one. In simulations with normal differences between variants (8 to 50 of them, 2 or 3 seeds,
    differences of 0.5 to 3 sd of a seed) what is said comes true within 0.03; a flat prior says up to 0.16 too much.
    Variants are scored on the same items, so their item noise is partly shared and this errs on the side of doubt.
    A few variants far off the others make these look more different than they are, and the posterior too sure.
    Noise between pre-training seeds is not in it. None with one seed per variant: nothing is known about the noise
    then. Outcomes must be present for all variants given.
    """
    if outcome.seed_freedom < 1:
        return None
    draws = _posterior(outcome, seed)
    top = draws == draws.max(axis=1, keepdims=True)
    # So many draws cannot tell a certainty from a very likely event.
    least = 0.5 / len(draws)
    shares: Floats = (top / top.sum(axis=1, keepdims=True)).mean(axis=0).clip(least, 1 - least)
    return shares


def rank_intervals(outcome: Quantity, confidence: float, seed: int) -> NDArray[np.int64] | None:
    """(n, 2): central interval of each variant's rank (1 is best) by expected outcome, given the measured outcomes.

    From the posterior of ``probability_of_being_best``; with one seed per variant from the items' errors alone, which
    is too narrow by the noise of seeds. None where neither is known. Each interval holds for its variant by itself.
    Ranks are whole, so it covers at least ``confidence``; equal draws span the places they share.
    """
    if outcome.seed_freedom < 1 and not np.isfinite(outcome.item_errors).any():
        return None
    from scipy.stats import rankdata

    losses = -_posterior(outcome, seed)
    tail = (1 - confidence) / 2
    low = np.quantile(rankdata(losses, method="min", axis=1), tail, axis=0, method="lower")
    high = np.quantile(rankdata(losses, method="max", axis=1), 1 - tail, axis=0, method="higher")
    return np.stack([low, high], axis=1).astype(np.int64)


def _posterior(outcome: Quantity, seed: int) -> Floats:
    """(draws, n): expected outcomes, larger is better; the noise that is not known is not in it.

    Expected outcomes are taken as normal around a common mean (flat prior) with the variance of ``_between``
    (empirical Bayes; Morris 1983). The noise between fine-tuning seeds is one standard deviation for all variants:
    each draw takes sd² = pooled sd² · df / χ²(df), the posterior under a flat prior on its logarithm, and adds the
    items' squared standard errors where they are known.
    """
    rng = np.random.default_rng([seed, SEED_STREAM])
    measured, n = outcome.goodness, len(outcome.values)
    shape = (min(DRAWS, max(FEWEST_DRAWS, NUMBERS // n)), n)
    noise = np.broadcast_to(np.nan_to_num(outcome.item_errors) ** 2, shape).copy()
    if freedom := outcome.seed_freedom:
        variance = outcome.seed_sd**2 * freedom / rng.chisquare(freedom, size=(shape[0], 1))
        noise += variance / outcome.n_seeds
    between = _between(float(measured.var(ddof=1)), noise.mean(axis=1, keepdims=True), n)
    total = between + noise
    kept = np.divide(between, total, out=np.ones(shape), where=noise > 0)
    weights = np.divide(1.0, total, out=np.ones(shape), where=total > 0)
    sums = weights.sum(axis=1, keepdims=True)
    spread = np.sqrt((total > 0).any(axis=1, keepdims=True) / sums)
    mean = (weights @ measured)[:, None] / sums + spread * rng.standard_normal((shape[0], 1))
    draws: Floats = mean + kept * (measured - mean) + np.sqrt(kept * noise) * rng.standard_normal(shape)
    return draws


def _between(variance: float, noise: Floats, n: int) -> Floats:
    """Variance of the expected outcomes of n variants from the variance of the measured ones and that of the noise.

    Maximum of the restricted likelihood times the square root of the standard deviation sought (Chung et al. 2013,
    doi:10.1007/s11336-013-9328-2, with a weaker penalty). The moment estimate, ``variance`` less ``noise``, is often
    cut off at 0, where no variant would be better than another; this never is, and of much noise says less.
    """
    freedom = n - 1
    left, sum_ = freedom - PENALTY, freedom * (noise + variance)
    total = (sum_ + np.sqrt(sum_**2 - 4 * left * freedom * variance * noise)) / (2 * left)
    return np.maximum(total - noise, 0.0)


def pairs_within_noise(outcome: Quantity, confidence: float) -> int | None:
    """Pairs whose difference is smaller than seeds alone make it: |a - b| below the two-sided t limit of its error."""
    freedom = outcome.seed_freedom
    if freedom < 1:
        return None
    from scipy.stats import t as student

    first, second = np.triu_indices(len(outcome.values), k=1)
    error = outcome.seed_sd * np.sqrt(1 / outcome.n_seeds[first] + 1 / outcome.n_seeds[second])
    limit = float(student.ppf((1 + confidence) / 2, freedom)) * error
    return int((np.abs(outcome.values[first] - outcome.values[second]) <= limit).sum())


def standard_errors(outcome: Quantity) -> tuple[Floats, str | None]:
    """Standard error of each variant's mean and what it covers: seeds, items, both, or unknown (None)."""
    known = bool(np.isfinite(outcome.item_errors).any())
    if outcome.seed_freedom:
        seeds = outcome.seed_sd / np.sqrt(outcome.n_seeds)
        return (np.hypot(seeds, np.nan_to_num(outcome.item_errors)), "seeds and items") if known else (seeds, "seeds")
    return outcome.item_errors, "items" if known else None


def ranking(
    variants: list[str], outcome: Quantity, borda: Floats, *, confidence: float = 0.95, seed: int = 0
) -> list[dict[str, Any]]:
    """One entry per variant, best measured value first; variants of equal value share a rank.

    ``rank_ci`` is ``rank_intervals``, ``p_best`` is ``probability_of_being_best``; None where the noise is not known.
    """
    errors, _ = standard_errors(outcome)
    goodness = outcome.goodness
    shares = probability_of_being_best(outcome, seed)
    intervals = rank_intervals(outcome, confidence, seed)
    return [
        {
            "rank": _rank(goodness, i),
            "variant": variants[i],
            "value": float(outcome.values[i]),
            "stderr": float(errors[i]),
            "borda": float(borda[i]),
            "predicted_rank": None if np.isnan(borda[i]) else _rank(borda, i),
            "rank_ci": None if intervals is None else intervals[i].tolist(),
            "p_best": None if shares is None else float(shares[i]),
        }
        for i in np.argsort(-goodness, kind="stable").tolist()
    ]


def best_among_measured_first(outcome: Quantity, shares: Floats | None, k: int) -> list[float] | None:
    """Probability that the truly best variant is among the 1, 2, … ``k`` of the best measured outcome.

    ``shares`` (n,) is ``probability_of_being_best``; None with one seed per variant.
    """
    if shares is None:
        return None
    order = np.argsort(-outcome.goodness, kind="stable")[:k]
    summed: list[float] = shares[order].cumsum().clip(0, 1).tolist()
    return summed


def _rank(scores: Floats, i: int) -> int:
    return 1 + int((scores > scores[i]).sum())


def best(variants: list[str], outcome: Quantity, seed: int) -> dict[str, Any]:
    """The variant of the best measured value, the next one, and how probable it is that the first is truly best."""
    order = np.argsort(-outcome.goodness, kind="stable")
    first, second = int(order[0]), int(order[1])
    shares = probability_of_being_best(outcome, seed)
    return {
        "variant": variants[first],
        "value": float(outcome.values[first]),
        "probability_best": None if shares is None else float(shares[first]),
        "runner_up": variants[second],
        "runner_up_value": float(outcome.values[second]),
        "lead": float(outcome.goodness[first] - outcome.goodness[second]),
    }
