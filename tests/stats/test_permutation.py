"""The permutation test keeps its level, has power, and a test over pairs would not keep it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from ptp_core.stats.pairs import Floats, pairwise_accuracy
from ptp_core.stats.permutation import Codes, permutation_p
from tests.stats.designs import Design

UNRELATED = [0.0] * 5
"""Correlations of five indicators with the outcome."""


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


def rejections(
    draw: Callable[[np.random.Generator], tuple[Floats, Floats]], trials: int = 400, **groups: Codes
) -> float:
    """Share of unrelated indicators called significant at .05: five in each trial, which has an outcome of its own."""
    rng = np.random.default_rng(6)
    called = 0.0
    for _ in range(trials):
        indicators, outcome = draw(rng)
        called += float((permutation_p(indicators, outcome, permutations=199, rng=rng, **groups) <= 0.05).mean())
    return called / trials


@pytest.mark.slow
@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("n", [20, 50])
def test_the_level_holds_for_twenty_and_fifty_variants(n: int, ties: bool) -> None:
    def draw(rng: np.random.Generator) -> tuple[Floats, Floats]:
        return Design(n, ties=ties).draw(UNRELATED, rng)

    assert 0.03 <= rejections(draw) <= 0.07


@pytest.mark.slow
@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("n", [20, 50])
def test_a_factor_that_drives_both_columns_is_no_evidence_inside_its_strata(n: int, ties: bool) -> None:
    strata = np.repeat(np.arange(5), n // 5)

    def draw(rng: np.random.Generator) -> tuple[Floats, Floats]:
        factor = 2 * rng.normal(size=5)[strata]
        indicators, outcome = Design(n).draw(UNRELATED, rng)
        columns = indicators + factor[:, None], outcome + factor
        return (np.round(columns[0]), np.round(columns[1])) if ties else columns

    assert 0.03 <= rejections(draw, strata=strata) <= 0.07
    assert rejections(draw, trials=50) > 0.5


@pytest.mark.slow
@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize(("n", "size"), [(20, 2), (50, 5)])
def test_independent_effects_of_clusters_are_no_evidence(n: int, size: int, ties: bool) -> None:
    design = Design(n, size, ties)

    assert 0.03 <= rejections(lambda rng: design.draw(UNRELATED, rng), clusters=design.clusters) <= 0.07


def test_ignoring_clusters_would_find_evidence_where_there_is_none() -> None:
    assert rejections(lambda rng: Design(50, 5).draw(UNRELATED, rng), trials=100) > 0.15


def test_clusters_of_unequal_size_keep_the_level() -> None:
    clusters = np.repeat(np.arange(9), [1, 1, 1, 2, 2, 3, 3, 4, 3])

    def draw(rng: np.random.Generator) -> tuple[Floats, Floats]:
        columns = rng.normal(size=(9, 6))[clusters] + rng.normal(size=(len(clusters), 6))
        return columns[:, :5], columns[:, 5]

    assert rejections(draw, clusters=clusters) <= 0.07


def test_clusters_inside_strata_keep_the_level() -> None:
    strata, clusters = np.repeat(np.arange(3), 8), np.repeat(np.arange(12), 2)

    def draw(rng: np.random.Generator) -> tuple[Floats, Floats]:
        factor = 2 * rng.normal(size=3)[strata]
        columns = factor[:, None] + rng.normal(size=(12, 6))[clusters] + rng.normal(size=(24, 6))
        return columns[:, :5], columns[:, 5]

    assert 0.03 <= rejections(draw, strata=strata, clusters=clusters) <= 0.07


def test_a_cluster_in_two_strata_is_refused() -> None:
    with pytest.raises(ValueError, match="a cluster lies in two strata"):
        permutation_p(
            np.arange(4.0)[:, None],
            np.arange(4.0),
            permutations=9,
            rng=np.random.default_rng(0),
            strata=np.array([0, 0, 1, 1]),
            clusters=np.array([0, 1, 1, 2]),
        )


def test_strata_agree_with_all_permutations_written_out() -> None:
    from itertools import permutations

    indicator, outcome = np.array([1.0, 3.0, 2.0, 2.0, 9.0, 7.0, 8.0]), np.array([1.0, 2.0, 2.0, 5.0, 0.0, 4.0, 3.0])
    strata = np.array([0, 0, 0, 0, 1, 1, 1])
    same = strata[:, None] == strata[None, :]

    def distance(values: Floats) -> float:
        return abs(pairwise_accuracy(indicator, values, same).accuracy - 0.5)

    shuffles = [np.array([*a, *b]) for a in permutations(outcome[:4]) for b in permutations(outcome[4:])]
    exact = np.mean([distance(values) >= distance(outcome) - 1e-12 for values in shuffles])
    (estimate,) = permutation_p(
        indicator[:, None], outcome, permutations=40_000, rng=np.random.default_rng(7), strata=strata
    )
    assert estimate == pytest.approx(exact, abs=0.01)


def test_clusters_agree_with_all_exchanges_written_out() -> None:
    from itertools import permutations, product

    indicator, outcome = np.array([1.0, 2.0, 4.0, 3.0, 6.0, 6.0, 5.0]), np.array([2.0, 1.0, 3.0, 4.0, 5.0, 7.0, 6.0])
    clusters = np.array([0, 0, 1, 1, 2, 2, 3])
    pairs = [outcome[clusters == c] for c in range(3)]
    exchanges = [
        np.concatenate([*(pairs[c][list(within)] for c, within in zip(order, inside, strict=True)), outcome[6:]])
        for order in permutations(range(3))
        for inside in product(permutations(range(2)), repeat=3)
    ]
    observed = abs(pairwise_accuracy(indicator, outcome).accuracy - 0.5)
    exact = np.mean([abs(pairwise_accuracy(indicator, y).accuracy - 0.5) >= observed - 1e-12 for y in exchanges])
    (estimate,) = permutation_p(
        indicator[:, None], outcome, permutations=40_000, rng=np.random.default_rng(8), clusters=clusters
    )
    assert estimate == pytest.approx(exact, abs=0.01)


def test_many_indicators_at_once_are_the_same_as_fewer(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(9)
    indicators, outcome = rng.integers(0, 9, size=(30, 7)).astype(float), rng.normal(size=30)
    whole = permutation_p(indicators, outcome, permutations=300, rng=np.random.default_rng(1))
    monkeypatch.setattr("ptp_core.stats.permutation.PRODUCT", 4000)  # chunks of 64 shuffles, two columns at a time
    assert permutation_p(indicators, outcome, permutations=300, rng=np.random.default_rng(1)).tolist() == whole.tolist()


@given(st.integers(4, 12), st.integers(0, 2**32 - 1))
@settings(max_examples=40, deadline=None)
def test_p_ignores_the_order_of_variants_the_names_of_groups_and_the_scale(n: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    indicator, outcome, strata = (
        rng.permutation(n).astype(float),
        rng.integers(0, 5, size=n),
        rng.integers(0, 2, size=n),
    )
    clusters = 2 * rng.integers(0, 3, size=n) + strata
    order = rng.permutation(n)

    def p(x: Floats, y: Floats, groups: Codes, parts: Codes) -> float:
        own = np.random.default_rng(2)
        return float(permutation_p(x[:, None], y, permutations=50, rng=own, strata=groups, clusters=parts)[0])

    assert p(np.exp(indicator)[order], outcome[order] ** 3.0, 5 - strata[order], 9 - clusters[order]) == p(
        indicator, outcome.astype(float), strata, clusters
    )


@pytest.mark.parametrize(("n", "columns"), [(0, 1), (1, 1), (5, 0)])
def test_with_nothing_to_shuffle_there_is_no_evidence(n: int, columns: int) -> None:
    p = permutation_p(np.ones((n, columns)), np.arange(float(n)), permutations=20, rng=np.random.default_rng(0))
    assert p.tolist() == [1.0] * columns
