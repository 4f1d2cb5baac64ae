"""The bootstrap over variants covers the true accuracy; an interval over pairs would not."""

from __future__ import annotations

import numpy as np
import pytest

from ptp_core.stats.bootstrap import accuracy_intervals, bootstrap_accuracies, percentile_interval
from ptp_core.stats.pairs import Floats, pairwise_accuracy


def draw(n: int, correlation: float, rng: np.random.Generator) -> tuple[Floats, Floats]:
    outcome, noise = rng.normal(size=(2, n))
    return correlation * outcome + np.sqrt(1 - correlation**2) * noise, outcome


def coverage(n: int, correlation: float, simulations: int, resamples: int) -> tuple[float, float]:
    """Shares of simulations in which the variant bootstrap and the binomial interval over pairs hold the truth."""
    truth = 0.5 + np.arcsin(correlation) / np.pi  # of two bivariate normal columns
    rng = np.random.default_rng(0)
    hits, naive_hits = 0, 0
    for _ in range(simulations):
        indicator, outcome = draw(n, correlation, rng)
        ((low, high),) = accuracy_intervals(indicator[:, None], outcome, resamples=resamples, confidence=0.95, rng=rng)
        hits += bool(low <= truth <= high)
        pairs = pairwise_accuracy(indicator, outcome)
        reach = 1.96 * np.sqrt(pairs.accuracy * (1 - pairs.accuracy) / pairs.n_pairs)
        naive_hits += bool(abs(pairs.accuracy - truth) <= reach)
    return hits / simulations, naive_hits / simulations


def test_the_interval_over_variants_covers_and_the_one_over_pairs_does_not() -> None:
    over_variants, over_pairs = coverage(n=30, correlation=0.5, simulations=300, resamples=400)
    assert 0.90 <= over_variants <= 0.98
    assert over_pairs < 0.75


@pytest.mark.slow
@pytest.mark.parametrize(("n", "correlation"), [(16, 0.0), (16, 0.7), (50, 0.0), (50, 0.4)])
def test_coverage_holds_for_few_and_many_variants_weak_and_strong_indicators(n: int, correlation: float) -> None:
    over_variants, _ = coverage(n, correlation, simulations=1000, resamples=600)
    assert 0.89 <= over_variants <= 0.985


def test_the_same_seed_gives_the_same_interval_and_chunks_do_not_matter() -> None:
    indicator, outcome = draw(12, 0.3, np.random.default_rng(1))
    runs = [
        bootstrap_accuracies(indicator[:, None], outcome, resamples=5000, rng=np.random.default_rng(2))
        for _ in range(2)
    ]
    assert runs[0].shape == (5000, 1)
    assert np.array_equal(runs[0], runs[1], equal_nan=True)


def test_all_columns_see_the_same_resamples() -> None:
    indicator, outcome = draw(12, 0.3, np.random.default_rng(1))
    both = bootstrap_accuracies(
        np.column_stack([indicator, -indicator]), outcome, resamples=200, rng=np.random.default_rng(2)
    )
    assert both[:, 0] == pytest.approx(1 - both[:, 1])


def test_resamples_without_a_judged_pair_are_left_out() -> None:
    draws = np.array([[0.2], [np.nan], [0.4]])
    assert percentile_interval(draws, 0.9)[0] == pytest.approx([0.21, 0.39])
    assert np.isnan(percentile_interval(np.full((3, 1), np.nan), 0.9)).all()


def test_a_constant_indicator_has_an_interval_of_one_half() -> None:
    interval = accuracy_intervals(
        np.ones((6, 1)), np.arange(6.0), resamples=200, confidence=0.95, rng=np.random.default_rng(0)
    )
    assert interval.tolist() == [[0.5, 0.5]]
