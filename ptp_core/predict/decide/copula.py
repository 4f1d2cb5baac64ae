"""How likely the best of variants like these is among the first k that a score puts forward: a Gaussian copula."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ptp_core.predict.quantities import Floats

NUMBERS, FEWEST_DRAWS, MOST_DRAWS = 2_000_000, 2000, 20_000
"""Simulated outcomes held at once, and between how many draws that is kept."""

STREAM = 31

SPREAD_SHARE = 1 / 3
"""Share of the resamples' variance that stands for what is not known of an accuracy; why, is said at ``plausible``."""

SLOPES = np.concatenate([[0.0], np.geomspace(0.01, 30, 60)])
"""Grid of ρ/√(1-ρ²); its end is a correlation of 0.9994."""

MOST_SCORES = 200
"""Of more variants an even choice serves to find the slope: 19,900 differences are as good as 499,500."""


def shared_noise(n: int, seed: int) -> NDArray[np.float32]:
    """(draws, n) standard normal numbers that all strategies share, so that they differ by their merit only."""
    draws = int(np.clip(NUMBERS // n, FEWEST_DRAWS, MOST_DRAWS))
    return np.random.default_rng([seed, STREAM]).standard_normal((draws, n), dtype=np.float32)


def best_within(scores: Floats, outcome: Floats, accuracies: Floats, noise: NDArray[np.float32]) -> Floats:
    """(n,): probability that the best of n variants like these is among the first k by ``scores``, k = 1 … n.

    Estimand: the chance that holds for a new set of n variants with the same law, whose scores have the same ranks
    and ties; it is no statement about which variant of this set is best, which is known once all are measured.
    Model: outcome = ρ·z + √(1-ρ²)·ε, z the normal scores of the ranks of ``scores`` (n,) (a Gaussian copula: only ranks
    matter) and ε independent, so that variants are exchangeable given the score; the outcome has the ties of
    ``outcome`` (n,), and one of several best suffices. The relation is supposed to be as close at the top as elsewhere:
    where it is closer there (tail dependence) the probability is too small — by up to 0.08 for a t copula with 10
    degrees of freedom and 50 variants — and where it is looser too large. ρ is the
    one whose expected pairwise accuracy is A, that is sin(πτ/2), τ = 2A - 1, without ties. A is drawn from
    ``plausible`` values given its resamples ``accuracies`` (B,), so that what is not known of it is averaged over.
    A variant without a score (NaN) is placed last and is as good as any other. ``noise`` is ``shared_noise``. NaN where
    the accuracy is not known.
    """
    n = len(scores)
    known = accuracies[~np.isnan(accuracies)]
    if not len(known):
        return np.full(n, np.nan)
    z = normal_scores(scores)
    slopes = slope_of(z, outcome, plausible(known, n)).astype(np.float32)
    # Of equal scores any order will do: the variants that share one are exchangeable in the model.
    place = np.argsort(np.where(np.isnan(scores), np.inf, -scores), kind="stable")
    outcomes = np.resize(slopes, len(noise))[:, None] * z[place].astype(np.float32) + noise
    n_best = int((outcome == outcome.max()).sum())
    if n_best == 1:
        first = outcomes.argmax(axis=1)
    else:
        first = np.argpartition(outcomes, n - n_best, axis=1)[:, n - n_best :].min(axis=1)
    shares: Floats = np.bincount(first, minlength=n).cumsum() / len(noise)
    return shares


def plausible(accuracies: Floats, n: int) -> Floats:
    """(B,): resampled accuracies drawn together to a third of their variance, and kept off 0 and 1 by ½/(n + 1).

    Over many studies the noise of n variants would count twice, in the estimate and in its resamples, and a
    probability, convex in a weak accuracy, would on average be overstated (by 0.045 with 20 unrelated variants);
    without any of it a shortlist would promise too much. At a third, the mean over simulated studies comes out right
    within 0.04 from no association to a close one, and a shortlist that promises 0.9 holds the best of new variants
    in 0.885 to 0.905 of them (0.86 where many outcomes of few variants are tied). n variants in perfect order have
    resamples without spread; the margin is what n variants cannot exclude.
    """
    mean, margin = accuracies.mean(), 0.5 / (n + 1)
    drawn: Floats = np.clip(mean + np.sqrt(SPREAD_SHARE) * (accuracies - mean), margin, 1 - margin)
    return drawn


def normal_scores(scores: Floats) -> Floats:
    """(n,): expected normal order statistics of the ranks (Blom 1958), ties at their mean rank, 0 where NaN."""
    from scipy.special import ndtri
    from scipy.stats import rankdata

    known = np.isfinite(scores)
    z = np.zeros(len(scores))
    if known.any():
        z[known] = ndtri((rankdata(scores[known]) - 0.375) / (known.sum() + 0.25))
    return z


def slope_of(z: Floats, outcome: Floats, accuracies: Floats) -> Floats:
    """(B,): the slope at which slope·z + ε, ε standard normal, cut into levels as ``outcome`` is, has each accuracy.

    ``z`` (n,) and ``outcome`` (n,) need not belong together: only the ties of each count. A pair of equal z is half
    right, a pair of one level is dropped. An accuracy that no slope reaches, because of ties, gets the steepest.
    """
    chosen = np.linspace(0, len(z) - 1, min(len(z), MOST_SCORES)).round().astype(np.intp)
    thinned = np.sort(z)[chosen]
    if thinned[0] == thinned[-1]:
        return np.zeros(len(accuracies))
    counts = np.unique(outcome, return_counts=True)[1].astype(np.float64)
    shares, n = counts / len(z), len(z)
    # Two variants of a set share a level less often than two of the population do: a level held once has no pair.
    weight = (counts @ (counts - 1)) / (n * (n - 1)) / (shares @ shares)
    reached = (1 - weight) * _untied(thinned) + (weight and weight * _in_levels(thinned, shares))
    slopes: Floats = np.sign(accuracies - 0.5) * np.interp(0.5 + np.abs(accuracies - 0.5), reached, SLOPES)
    return slopes


def _untied(z: Floats) -> Floats:
    """Expected accuracy at each of ``SLOPES`` for sorted ``z`` (m,) when no outcomes are tied."""
    from scipy.special import ndtr

    first, second = np.triu_indices(len(z), k=1)
    gaps = (z[second] - z[first]) / np.sqrt(2)
    return np.array([ndtr(slope * gaps).mean() for slope in SLOPES])


def _in_levels(z: Floats, shares: Floats) -> Floats:
    """The same over pairs of different levels, which hold ``shares`` (L,) of the outcomes, the lowest first."""
    from scipy.special import ndtr, ndtri

    first, second = np.triu_indices(len(z), k=1)
    borders = ndtri(np.concatenate([[0.0], shares.cumsum()[:-1], [1.0]]))
    found: list[float] = []
    for slope in SLOPES:
        below = ndtr(borders * np.sqrt(1 + slope**2) - slope * z[:, None])  # (m, L + 1)
        above = np.diff(below, axis=1) @ below[:, :-1].T  # row in a higher level than column
        right, wrong = above[second, first].sum(), above[first, second].sum()
        # So steep that all variants are on one level: what is next to it must do.
        found.append(right / (right + wrong) if right + wrong else found[-1])
    return np.array(found)
