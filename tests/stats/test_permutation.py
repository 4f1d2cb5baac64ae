"""The permutation test keeps its level, has power, and a test over pairs would not keep it."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binomtest

from ptp_core.stats.pairs import pairwise_accuracy
from ptp_core.stats.permutation import permutation_p


def test_one_in_twenty_unrelated_indicators_is_called_significant() -> None:
    rng = np.random.default_rng(0)
    indicators, outcome = rng.normal(size=(12, 4000)), rng.normal(size=12)
    rejected = permutation_p(indicators, outcome, permutations=999, rng=rng) <= 0.05
    assert 0.03 <= rejected.mean() <= 0.07


def test_the_level_holds_with_ties_on_both_sides() -> None:
    rng = np.random.default_rng(1)
    indicators, outcome = rng.integers(0, 4, size=(14, 4000)).astype(float), rng.integers(0, 5, size=14).astype(float)
    rejected = permutation_p(indicators, outcome, permutations=999, rng=rng) <= 0.05
    assert 0.03 <= rejected.mean() <= 0.07


def test_counting_pairs_as_samples_would_reject_far_too_often() -> None:
    rng = np.random.default_rng(2)
    rejections = 0
    for _ in range(200):
        pairs = pairwise_accuracy(rng.normal(size=20), rng.normal(size=20))
        rejections += binomtest(round(pairs.accuracy * pairs.n_pairs), pairs.n_pairs).pvalue <= 0.05
    assert rejections / 200 > 0.3


def test_a_related_indicator_is_found_in_either_direction() -> None:
    rng = np.random.default_rng(3)
    outcome = rng.normal(size=25)
    indicator = outcome + rng.normal(size=25)
    p_values = permutation_p(np.column_stack([indicator, -indicator]), outcome, permutations=2000, rng=rng)
    assert p_values[0] == p_values[1] < 0.01


def test_p_is_never_zero_and_one_when_nothing_varies() -> None:
    rng = np.random.default_rng(4)
    outcome = np.arange(20.0)
    perfect, constant = permutation_p(np.column_stack([outcome, np.ones(20)]), outcome, permutations=500, rng=rng)
    assert perfect == pytest.approx(1 / 501)
    assert constant == 1.0
    assert permutation_p(outcome[:, None], np.ones(20), permutations=500, rng=rng).tolist() == [1.0]


def test_it_agrees_with_all_permutations_written_out() -> None:
    from itertools import permutations

    indicator, outcome = np.array([1.0, 3.0, 2.0, 5.0, 4.0]), np.arange(5.0)
    observed = abs(pairwise_accuracy(indicator, outcome).accuracy - 0.5)
    exact = np.mean(
        [
            abs(pairwise_accuracy(np.array(p), outcome).accuracy - 0.5) >= observed - 1e-12
            for p in permutations(indicator)
        ]
    )
    estimate = permutation_p(indicator[:, None], outcome, permutations=40_000, rng=np.random.default_rng(5))[0]
    assert estimate == pytest.approx(exact, abs=0.01)
