"""The interval of an accuracy covers the truth with few variants, ties and clusters, and is modest about perfection."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ptp_core.stats.intervals import jackknife_intervals
from ptp_core.stats.pairs import Floats, pairwise_accuracy
from tests.stats.designs import SIZES, Design

tables = st.tuples(st.integers(4, 10), st.integers(0, 2**32 - 1)).map(
    lambda made: np.random.default_rng(made[1]).integers(0, 6, size=(made[0], 4)).astype(float)
)


def interval(indicator: Floats, outcome: Floats, **more: np.ndarray) -> tuple[float, float]:
    ((low, high),) = jackknife_intervals(indicator[:, None], outcome, confidence=0.95, **more)
    return float(low), float(high)


def coverage(design: Design, correlation: float, simulations: int) -> float:
    rng, truth, hits = np.random.default_rng([design.n, design.size]), design.truth(correlation), 0
    clusters = design.clusters if design.size > 1 else None
    for _ in range(simulations):
        indicators, outcome = design.draw([correlation], rng)
        low, high = interval(indicators[:, 0], outcome, clusters=clusters)
        hits += low <= truth <= high
    return hits / simulations


@pytest.mark.slow
@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize(("n", "size"), SIZES)
@pytest.mark.parametrize("correlation", [0.0, 0.5, 0.8])
def test_nineteen_of_twenty_intervals_hold_the_truth(n: int, size: int, correlation: float, ties: bool) -> None:
    assert 0.92 <= coverage(Design(n, size, ties), correlation, simulations=1500) <= 0.98


def stratified_coverage(size: int) -> float:
    """Five strata whose shifts drive indicator and outcome apart; only pairs of one stratum count."""
    strata, design = np.repeat(np.arange(5), size), Design(5 * size)
    rng, hits, same = np.random.default_rng(3), 0, strata[:, None] == strata[None, :]
    for _ in range(1000):
        indicators, outcome = design.draw([0.5], rng)
        shift = rng.normal(scale=3, size=5)[strata]
        low, high = interval(indicators[:, 0] + shift, outcome - shift, judged=same)
        hits += low <= design.truth(0.5) <= high
    return hits / 1000


def test_the_interval_covers_where_only_pairs_of_one_stratum_count() -> None:
    assert 0.92 <= stratified_coverage(10) <= 0.98


def test_with_strata_of_four_the_interval_is_too_wide_rather_than_too_narrow() -> None:
    assert stratified_coverage(4) >= 0.95


def test_counting_pairs_as_samples_would_cover_far_too_little() -> None:
    rng, hits = np.random.default_rng(8), 0
    for _ in range(300):
        indicators, outcome = Design(30).draw([0.5], rng)
        pairs = pairwise_accuracy(indicators[:, 0], outcome)
        reach = 1.96 * np.sqrt(pairs.accuracy * (1 - pairs.accuracy) / pairs.n_pairs)
        hits += abs(pairs.accuracy - Design(30).truth(0.5)) <= reach
    assert hits / 300 < 0.75


def test_leaving_clusters_out_of_account_covers_too_little() -> None:
    design, rng, hits = Design(50, 5), np.random.default_rng(4), 0
    for _ in range(500):
        indicators, outcome = design.draw([0.5], rng)
        low, high = interval(indicators[:, 0], outcome)
        hits += low <= design.truth(0.5) <= high
    assert hits / 500 < 0.9


@pytest.mark.parametrize(("n", "below"), [(5, 0.5), (10, 0.8), (20, 0.95)])
def test_a_perfect_indicator_over_few_variants_is_not_certain(n: int, below: float) -> None:
    low, high = interval(np.arange(float(n)), np.arange(float(n)))
    assert high == 1.0
    assert 0.05 < low < below
    worst_low, worst_high = interval(-np.arange(float(n)), np.arange(float(n)))
    assert (worst_low, worst_high) == pytest.approx((0.0, 1 - low))


def test_a_perfect_record_grows_more_certain_with_variants() -> None:
    lows = [interval(np.arange(float(n)), np.arange(float(n)))[0] for n in (5, 10, 20, 50, 100)]
    assert lows == sorted(lows)
    assert lows[-1] > 0.97


def test_a_constant_indicator_is_one_half_and_constant_outcomes_are_not_a_number() -> None:
    assert interval(np.ones(6), np.arange(6.0)) == (0.5, 0.5)
    assert np.isnan(interval(np.arange(6.0), np.ones(6))).all()
    assert np.isnan(interval(np.arange(6.0), np.arange(6.0), judged=np.zeros((6, 6), dtype=bool))).all()


def test_two_variants_or_two_clusters_tell_nothing() -> None:
    assert interval(np.arange(2.0), np.arange(2.0)) == (0.0, 1.0)
    assert interval(np.arange(6.0), np.arange(6.0), clusters=np.array([0, 0, 0, 1, 1, 1])) == (0.0, 1.0)


def test_no_indicators_have_no_intervals() -> None:
    assert jackknife_intervals(np.empty((5, 0)), np.arange(5.0), confidence=0.95).shape == (0, 2)


def test_each_variant_its_own_cluster_and_all_pairs_judged_change_nothing() -> None:
    indicators, outcome = Design(20).draw([0.5], np.random.default_rng(5))
    plain = interval(indicators[:, 0], outcome)
    assert interval(indicators[:, 0], outcome, clusters=np.arange(20) * 7) == pytest.approx(plain)
    assert interval(indicators[:, 0], outcome, judged=np.ones((20, 20), dtype=bool)) == plain


@given(tables, st.integers(0, 2**32 - 1))
@settings(max_examples=100, deadline=None)
def test_it_holds_the_accuracy_and_ignores_order_of_variants_and_scale(table: Floats, seed: int) -> None:
    indicator, outcome, clusters = table[:, 0], table[:, 1], table[:, 2].astype(int)
    low, high = interval(indicator, outcome, clusters=clusters)
    accuracy = pairwise_accuracy(indicator, outcome).accuracy
    assert np.isnan(accuracy) or 0 <= low <= accuracy + 1e-12 <= high + 1e-12 <= 1 + 1e-12
    order = np.random.default_rng(seed).permutation(len(outcome))
    moved = interval(np.exp(indicator)[order], outcome[order] ** 3, clusters=5 - clusters[order])
    assert moved == pytest.approx((low, high), nan_ok=True)


@given(tables)
@settings(max_examples=50, deadline=None)
def test_flipping_the_indicator_mirrors_the_interval(table: Floats) -> None:
    low, high = interval(table[:, 0], table[:, 1])
    assert interval(-table[:, 0], table[:, 1]) == pytest.approx((1 - high, 1 - low), nan_ok=True)
