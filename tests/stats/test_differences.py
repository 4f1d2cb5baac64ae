"""Two indicators of equal worth are called different in one trial of twenty: alike or not, tied or not, in clusters."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ptp_core.stats.bootstrap import bootstrap_accuracies, percentile_interval
from ptp_core.stats.differences import DifferenceTest, difference_tests
from ptp_core.stats.pairs import Floats, pairwise_accuracy
from tests.stats.designs import SIZES, Design

FIRST = np.array([[0, 1]])

tables = st.tuples(st.integers(4, 10), st.integers(0, 2**32 - 1)).map(
    lambda made: np.random.default_rng(made[1]).integers(0, 6, size=(made[0], 4)).astype(float)
)


def compare(first: Floats, second: Floats, outcome: Floats, **more: np.ndarray) -> DifferenceTest:
    return difference_tests(np.column_stack([first, second]), outcome, FIRST, 0.95, **more)[0]


def error_rate(design: Design, correlations: list[float], shared: float, simulations: int) -> float:
    """Share of trials whose interval misses the true difference; with equal correlations the type-I error."""
    rng, missed = np.random.default_rng([design.n, design.size, design.ties]), 0
    truth = design.truth(correlations[0]) - design.truth(correlations[1])
    clusters = design.clusters if design.size > 1 else None
    for _ in range(simulations):
        indicators, outcome = design.draw(correlations, rng, shared)
        (test,) = difference_tests(indicators, outcome, FIRST, 0.95, clusters=clusters)
        missed += not test.low <= truth <= test.high
        assert (test.p <= 0.05) == (not test.low <= 0 <= test.high)
    return missed / simulations


@pytest.mark.slow
@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize(("n", "size"), SIZES)
@pytest.mark.parametrize(("correlation", "shared"), [(0.0, 0.0), (0.5, 0.5), (0.8, 0.8)])
def test_equally_good_indicators_are_called_different_in_one_trial_of_twenty(
    n: int, size: int, correlation: float, shared: float, ties: bool
) -> None:
    assert 0.03 <= error_rate(Design(n, size, ties), [correlation] * 2, shared, simulations=2000) <= 0.07


@pytest.mark.slow
@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize(("n", "size"), SIZES)
def test_the_interval_holds_a_true_difference(n: int, size: int, ties: bool) -> None:
    assert 0.02 <= error_rate(Design(n, size, ties), [0.7, 0.3], shared=0.5, simulations=2000) <= 0.08


def test_very_alike_indicators_are_called_different_too_rarely_rather_than_too_often() -> None:
    assert error_rate(Design(20), [0.5, 0.5], shared=0.95, simulations=1000) <= 0.05


def test_percentiles_of_the_bootstrap_would_call_alike_indicators_different_far_too_rarely() -> None:
    rng, called = np.random.default_rng(6), 0
    for _ in range(200):
        indicators, outcome = Design(20).draw([0.5, 0.5], rng, shared=0.95)
        draws = bootstrap_accuracies(indicators, outcome, resamples=300, rng=rng)
        low, high = percentile_interval(draws[:, :1] - draws[:, 1:], 0.95)[0]
        called += not low <= 0 <= high
    assert called / 200 < 0.03


def test_a_clear_difference_is_found_in_either_direction() -> None:
    indicators, outcome = Design(50).draw([0.95, 0.0], np.random.default_rng(7))
    forth, back = difference_tests(indicators, outcome, np.array([[0, 1], [1, 0]]), 0.95)
    assert forth.p == pytest.approx(back.p)
    assert forth.p < 0.001
    assert (forth.difference, forth.low, forth.high) == pytest.approx((-back.difference, -back.high, -back.low))
    assert forth.low > 0


def test_indicators_that_order_alike_do_not_differ() -> None:
    indicator = np.array([1.0, 3.0, 2.0, 5.0, 4.0])
    assert compare(indicator, indicator**3, np.arange(5.0)) == DifferenceTest(0.0, 0.0, 0.0, 1.0)


def test_perfect_against_reversed_is_a_difference_of_one_without_certainty() -> None:
    test = compare(np.arange(8.0), -np.arange(8.0), np.arange(8.0))
    assert (test.difference, test.high) == (1.0, 1.0)
    assert test.low < 1
    assert test.p > 0


def test_where_nothing_can_be_told_it_says_so() -> None:
    unjudged = compare(np.arange(5.0), -np.arange(5.0), np.ones(5))
    assert np.isnan([unjudged.difference, unjudged.low, unjudged.high, unjudged.p]).all()
    assert compare(np.arange(2.0), -np.arange(2.0), np.arange(2.0)) == DifferenceTest(1.0, -1.0, 1.0, 1.0)


@given(tables, st.integers(0, 2**32 - 1))
@settings(max_examples=50, deadline=None)
def test_it_is_the_difference_of_the_accuracies_whatever_the_order_of_variants(table: Floats, seed: int) -> None:
    first, second, outcome, clusters = table[:, 0], table[:, 1], table[:, 2], table[:, 3].astype(int)
    judged = clusters[:, None] == clusters[None, :]
    test = compare(first, second, outcome, judged=judged)
    accuracies = [pairwise_accuracy(column, outcome, judged).accuracy for column in (first, second)]
    assert test.difference == pytest.approx(accuracies[0] - accuracies[1], nan_ok=True)
    order = np.random.default_rng(seed).permutation(len(outcome))
    moved = compare(first[order] ** 3, second[order], outcome[order], judged=judged[np.ix_(order, order)])
    values = [(t.difference, t.low, t.high, t.p) for t in (test, moved)]
    assert values[0] == pytest.approx(values[1], nan_ok=True)
