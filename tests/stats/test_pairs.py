"""Pairwise accuracy: by hand, by brute force, by theory, and what must not change it."""

from __future__ import annotations

import itertools
import warnings

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ptp_core.stats.pairs import Floats, kendall_tau, null_sd, pairwise_accuracy, weighted_accuracies

columns = st.integers(2, 9).flatmap(
    lambda n: st.tuples(
        *[st.lists(st.integers(-4, 4).map(float), min_size=n, max_size=n).map(np.array) for _ in range(2)]
    )
)


def by_hand(indicator: Floats, outcome: Floats) -> tuple[float, int]:
    credits = []
    for i, j in itertools.combinations(range(len(outcome)), 2):
        if outcome[i] != outcome[j]:
            product = (indicator[i] - indicator[j]) * (outcome[i] - outcome[j])
            credits.append(1.0 if product > 0 else 0.5 if product == 0 else 0.0)
    return (float(np.mean(credits)) if credits else float("nan")), len(credits)


def test_a_tie_of_the_indicator_is_half_right_and_a_tie_of_the_outcome_is_no_pair() -> None:
    pairs = pairwise_accuracy(np.array([1.0, 2.0, 2.0]), np.array([5.0, 6.0, 7.0]))
    assert pairs.accuracy == pytest.approx(2.5 / 3)
    assert (pairs.n_pairs, pairs.n_indicator_ties) == (3, 1)
    pairs = pairwise_accuracy(np.array([1.0, 2.0, 3.0]), np.array([5.0, 6.0, 6.0]))
    assert (pairs.accuracy, pairs.n_pairs, pairs.n_outcome_ties) == (1.0, 2, 1)


def test_all_outcomes_tied_is_not_a_number_and_no_warning() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pairs = pairwise_accuracy(np.arange(4.0), np.ones(4))
        assert np.isnan(kendall_tau(np.arange(4.0), np.ones(4)))
    assert np.isnan(pairs.accuracy)
    assert (pairs.n_pairs, pairs.n_outcome_ties) == (0, 6)


@given(columns)
@settings(max_examples=100, deadline=None)
def test_it_agrees_with_counting_pair_by_pair(data: tuple[Floats, Floats]) -> None:
    pairs, (accuracy, n_pairs) = pairwise_accuracy(*data), by_hand(*data)
    assert pairs.n_pairs == n_pairs
    assert pairs.accuracy == pytest.approx(accuracy, nan_ok=True)


@given(columns, st.integers(0, 2**32 - 1))
@settings(max_examples=50, deadline=None)
def test_order_of_variants_and_monotone_transforms_change_nothing(data: tuple[Floats, Floats], seed: int) -> None:
    indicator, outcome = data
    assume(np.ptp(outcome) > 0)
    order = np.random.default_rng(seed).permutation(len(outcome))
    assert pairwise_accuracy(np.exp(indicator)[order], outcome[order] ** 3) == pairwise_accuracy(indicator, outcome)


@given(columns)
@settings(max_examples=50, deadline=None)
def test_flipping_the_indicator_mirrors_the_accuracy(data: tuple[Floats, Floats]) -> None:
    indicator, outcome = data
    mirrored = 1 - pairwise_accuracy(-indicator, outcome).accuracy
    assert pairwise_accuracy(indicator, outcome).accuracy == pytest.approx(mirrored, nan_ok=True)


@given(columns, st.integers(0, 2**32 - 1))
@settings(max_examples=50, deadline=None)
def test_weights_are_the_same_as_repeating_variants_without_pairs_of_copies(
    data: tuple[Floats, Floats], seed: int
) -> None:
    indicator, outcome = data
    counts = np.random.default_rng(seed).integers(0, 3, size=(1, len(outcome)))
    chosen = np.repeat(np.arange(len(outcome)), counts[0])
    repeated, _ = by_hand(indicator[chosen], outcome[chosen])  # copies tie in the outcome, so they make no pair
    (weighted,) = weighted_accuracies(indicator[:, None], outcome, counts.astype(np.float32))[0]
    assert weighted == pytest.approx(repeated, nan_ok=True)


def test_only_judged_pairs_count() -> None:
    indicator, outcome = np.array([1.0, 2.0, 9.0, 8.0]), np.array([1.0, 2.0, 3.0, 4.0])
    strata = np.array([0, 0, 1, 1])
    pairs = pairwise_accuracy(indicator, outcome, strata[:, None] == strata[None, :])
    assert (pairs.accuracy, pairs.n_pairs, pairs.n_outcome_ties) == (0.5, 2, 0)
    none = pairwise_accuracy(indicator, outcome, np.eye(4, dtype=bool))
    assert np.isnan(none.accuracy)
    assert none.n_pairs == 0


def test_judging_all_pairs_changes_nothing_and_ties_are_counted_among_the_judged() -> None:
    indicator, outcome = np.array([1.0, 1.0, 2.0, 3.0]), np.array([1.0, 2.0, 2.0, 0.0])
    assert pairwise_accuracy(indicator, outcome, np.ones((4, 4), dtype=bool)) == pairwise_accuracy(indicator, outcome)
    judged = np.zeros((4, 4), dtype=bool)
    judged[0, 1] = judged[1, 0] = judged[1, 2] = judged[2, 1] = True
    pairs = pairwise_accuracy(indicator, outcome, judged)
    assert (pairs.accuracy, pairs.n_pairs, pairs.n_indicator_ties, pairs.n_outcome_ties) == (0.5, 1, 1, 1)


def test_without_ties_it_is_kendalls_tau_rescaled() -> None:
    indicator, outcome = np.random.default_rng(0).normal(size=(2, 20))
    expected = (kendall_tau(indicator, outcome) + 1) / 2
    assert pairwise_accuracy(indicator, outcome).accuracy == pytest.approx(expected)


@pytest.mark.parametrize(("n", "sd"), [(8, 0.144), (10, 0.124), (20, 0.081), (50, 0.049), (104, 0.033)])
def test_the_null_sd_is_the_one_that_simulation_finds(n: int, sd: float) -> None:
    assert null_sd(n) == pytest.approx(sd, abs=0.0006)
    rng = np.random.default_rng(n)
    indicators = rng.normal(size=(n, 2000))
    simulated = weighted_accuracies(indicators, np.arange(float(n)), np.ones((1, n), dtype=np.float32)).std()
    assert simulated == pytest.approx(sd, rel=0.06)
