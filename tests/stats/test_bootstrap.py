"""Resamples of variants: alike for all columns, clusters whole, only the pairs that count."""

from __future__ import annotations

import numpy as np
import pytest

from ptp_core.stats.bootstrap import bootstrap_accuracies, percentile_interval
from ptp_core.stats.pairs import Floats, pairwise_accuracy
from tests.stats.designs import Design


def draw(n: int, correlation: float, rng: np.random.Generator) -> tuple[Floats, Floats]:
    outcome, noise = rng.normal(size=(2, n))
    return correlation * outcome + np.sqrt(1 - correlation**2) * noise, outcome


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


def test_the_spread_of_the_resamples_is_the_standard_error() -> None:
    rng, accuracies, spreads = np.random.default_rng(3), [], []
    for _ in range(400):
        indicators, outcome = Design(50, 5).draw([0.5], rng)
        accuracies.append(pairwise_accuracy(indicators[:, 0], outcome).accuracy)
        clusters = Design(50, 5).clusters
        spreads.append(bootstrap_accuracies(indicators, outcome, resamples=200, rng=rng, clusters=clusters).std())
    assert np.mean(spreads) == pytest.approx(np.std(accuracies), rel=0.1)


def test_clusters_are_drawn_whole_and_copies_of_a_member_make_no_pair() -> None:
    outcome, clusters = np.array([1.0, 2.0, 3.0, 4.0]), np.array([7, 7, 3, 3])
    indicator = np.array([2.0, 1.0, 3.0, 4.0])
    draws = bootstrap_accuracies(
        indicator[:, None], outcome, resamples=300, rng=np.random.default_rng(4), clusters=clusters
    )
    # One cluster twice: its only pair, wrong in the first and right in the second; both: five pairs of six right.
    assert np.unique(draws.round(9)).tolist() == [0.0, round(5 / 6, 9), 1.0]


def test_only_judged_pairs_count_in_a_resample() -> None:
    rng = np.random.default_rng(5)
    indicator, outcome = rng.normal(size=(2, 12))
    strata = np.repeat([0, 1], 6)
    same = strata[:, None] == strata[None, :]
    shifted = bootstrap_accuracies(
        (indicator + 9 * strata)[:, None], outcome, resamples=100, rng=np.random.default_rng(6), judged=same
    )
    plain = bootstrap_accuracies(indicator[:, None], outcome, resamples=100, rng=np.random.default_rng(6), judged=same)
    assert np.array_equal(shifted, plain, equal_nan=True)
