"""The best variant and how sure that is; a stated probability comes true as often as it says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ptp_core.predict.decide import best as best_module
from ptp_core.predict.decide.best import (
    best_among_measured_first,
    pairs_within_noise,
    probability_of_being_best,
    rank_intervals,
    ranking,
    standard_errors,
)
from ptp_core.predict.judge.singles import rank_of_best, regret_at_1
from ptp_core.predict.quantities import Floats, Quantity, measured

MakeTable = Callable[..., pd.DataFrame]


def from_seeds(seeds: Floats, higher_is_better: bool = True) -> Quantity:
    """An outcome from (variants, seeds)."""
    means = seeds.mean(axis=1)
    return Quantity(
        name="sft",
        higher_is_better=higher_is_better,
        values=means,
        n_seeds=np.full(len(seeds), seeds.shape[1]),
        squares=((seeds - means[:, None]) ** 2).sum(axis=1),
        item_errors=np.full(len(seeds), np.nan),
    )


def test_a_probability_comes_true_as_often_as_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(best_module, "DRAWS", 2000)
    rng = np.random.default_rng(0)
    said, came_true = [], []
    for _ in range(600):
        truth = rng.uniform(0, 6, size=5)
        shares = probability_of_being_best(from_seeds(truth[:, None] + rng.normal(size=(5, 3))), seed=1)
        assert shares is not None
        said.append(shares.max())
        came_true.append(shares.argmax() == truth.argmax())
    assert np.mean(said) == pytest.approx(np.mean(came_true), abs=0.05)


def _said_and_true(n: int, seeds: int, spread: float, rng: np.random.Generator, times: int) -> tuple[float, float]:
    """Mean probability said of the measured best, and how often it is the best; noise between seeds has sd 1."""
    said, came_true = [], []
    for _ in range(times):
        truth = spread * rng.standard_normal(n)
        outcome = from_seeds(truth[:, None] + rng.standard_normal((n, seeds)))
        shares = probability_of_being_best(outcome, seed=1)
        assert shares is not None
        said.append(shares[outcome.goodness.argmax()])
        came_true.append(outcome.goodness.argmax() == truth.argmax())
    return float(np.mean(said)), float(np.mean(came_true))


@pytest.mark.slow
@pytest.mark.parametrize("spread", [0.5, 1.0, 3.0])
@pytest.mark.parametrize("seeds", [2, 3])
@pytest.mark.parametrize("n", [8, 20, 50])
def test_in_a_crowd_what_is_said_of_the_winner_comes_true(
    n: int, seeds: int, spread: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(best_module, "DRAWS", 400)
    said, true = _said_and_true(n, seeds, spread, np.random.default_rng([n, seeds, int(2 * spread)]), 4000)
    # Four thousand times tell a share to ±.016; the rest is what the method may err.
    assert said == pytest.approx(true, abs=0.03 + 0.016)


def test_a_winner_among_variants_that_differ_by_noise_only_is_not_believed() -> None:
    rng, said = np.random.default_rng(0), []
    for _ in range(100):
        shares = probability_of_being_best(from_seeds(rng.standard_normal((20, 3))), seed=1)
        assert shares is not None
        said.append(shares.max())
    # One of twenty is best by definition; a flat prior says .38 here.
    assert np.mean(said) < 0.22


def test_equal_values_are_equally_likely_to_be_best_and_no_noise_leaves_no_doubt() -> None:
    equal = probability_of_being_best(from_seeds(np.array([[1.0, 2.0]] * 4)), seed=0)
    assert equal == pytest.approx([0.25] * 4, abs=0.02)
    certain = probability_of_being_best(from_seeds(np.array([[1.0, 1.0], [2.0, 2.0], [3.0, 3.0]])), seed=0)
    assert certain is not None
    assert certain[2] > 0.999


def test_a_variant_of_fewer_seeds_is_shrunk_more() -> None:
    outcome = replace(from_seeds(np.array([[0.0, 1.0, 2.0]] * 6)), n_seeds=np.array([1, 30, 3, 3, 3, 3]))
    outcome = replace(outcome, values=np.array([3.0, 3.0, 0.0, 0.1, 0.2, 0.3]))
    shares = probability_of_being_best(outcome, seed=0)
    assert shares is not None
    assert shares[1] > 1.3 * shares[0]


def test_probabilities_add_up_and_follow_the_direction() -> None:
    outcome = from_seeds(np.array([[1.0, 1.2], [3.0, 3.1], [2.0, 2.2]]), higher_is_better=False)
    shares = probability_of_being_best(outcome, seed=0)
    assert shares is not None
    assert shares.sum() == pytest.approx(1)
    assert shares.argmax() == 0


def test_nothing_is_said_of_probability_or_noise_with_one_seed() -> None:
    outcome = from_seeds(np.array([[1.0], [2.0]]))
    assert probability_of_being_best(outcome, seed=0) is None
    assert pairs_within_noise(outcome, 0.95) is None


def test_differences_below_the_noise_are_counted() -> None:
    outcome = from_seeds(np.array([[1.0, 1.1], [1.02, 1.12], [9.0, 9.1]]))
    assert pairs_within_noise(outcome, 0.95) == 1


def test_errors_are_those_of_seeds_else_of_items_else_unknown(make_table: MakeTable) -> None:
    errors, covers = standard_errors(from_seeds(np.array([[1.0, 3.0], [5.0, 7.0]])))
    assert covers == "seeds"
    assert errors == pytest.approx([1.0, 1.0])
    table = make_table({}, {"sft": [1.0, 2.0]})
    assert standard_errors(measured(table).outcomes["sft"])[1] is None
    assert standard_errors(measured(table.assign(stderr=0.5)).outcomes["sft"])[1] == "items"


def test_equal_variants_share_a_rank() -> None:
    entries = ranking(["a", "b", "c"], from_seeds(np.array([[1.0], [2.0], [2.0]])), np.array([0.5, np.nan, 1.0]))
    assert [(entry["variant"], entry["rank"], entry["predicted_rank"]) for entry in entries] == [
        ("b", 1, None),
        ("c", 1, 1),
        ("a", 3, 2),
    ]


@pytest.mark.slow
def test_the_interval_of_a_rank_covers_the_true_rank_as_often_as_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(best_module, "DRAWS", 1000)
    rng = np.random.default_rng(0)
    covered, widths = [], []
    for _ in range(300):
        truth = rng.normal(size=12)
        found = rank_intervals(from_seeds(truth[:, None] + 0.5 * rng.normal(size=(12, 3))), 0.8, seed=1)
        assert found is not None
        ranks = 1 + (truth > truth[:, None]).sum(axis=1)
        covered.append((found[:, 0] <= ranks) & (ranks <= found[:, 1]))
        widths.append(found[:, 1] - found[:, 0])
    # Ranks are whole: an interval of a few places covers more than it must.
    assert 0.8 <= np.mean(covered) < 0.92
    assert 1 < np.mean(widths) < 6


def test_the_truly_best_is_among_the_measured_first_as_often_as_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(best_module, "DRAWS", 1000)
    rng = np.random.default_rng(1)
    said, came_true = [], []
    for _ in range(500):
        truth = rng.uniform(0, 6, size=5)
        outcome = from_seeds(truth[:, None] + rng.normal(size=(5, 3)))
        shares = best_among_measured_first(outcome, probability_of_being_best(outcome, seed=1), 3)
        assert shares is not None
        said.append(shares)
        order = np.argsort(-outcome.goodness)
        came_true.append([truth.argmax() in order[:k] for k in (1, 2, 3)])
    assert np.mean(said, axis=0) == pytest.approx(np.mean(came_true, axis=0), abs=0.05)


def test_ranks_without_noise_are_themselves_and_ties_span_their_places() -> None:
    found = rank_intervals(from_seeds(np.array([[1.0, 1.0], [2.0, 2.0], [2.0, 2.0], [5.0, 5.0]])), 0.95, seed=0)
    assert found is not None
    assert found.tolist() == [[4, 4], [2, 3], [2, 3], [1, 1]]


def test_ranks_are_uncertain_by_items_where_seeds_are_single_and_unknown_where_neither_is_known() -> None:
    single = from_seeds(np.array([[1.0], [1.1], [9.0]]))
    assert rank_intervals(single, 0.95, seed=0) is None
    found = rank_intervals(replace(single, item_errors=np.full(3, 0.5)), 0.95, seed=0)
    assert found is not None
    assert found.tolist() == [[2, 3], [2, 3], [1, 1]]


def test_the_ranking_holds_interval_and_probability_of_each() -> None:
    rows = ranking(["a", "b"], from_seeds(np.array([[1.0, 1.1], [9.0, 9.1]])), np.zeros(2), confidence=0.9, seed=0)
    assert [row["rank_ci"] for row in rows] == [[1, 1], [2, 2]]
    assert rows[0]["p_best"] > 0.99
    single = ranking(["a", "b"], from_seeds(np.array([[1.0], [9.0]])), np.zeros(2))
    assert [(row["rank_ci"], row["p_best"]) for row in single] == [(None, None)] * 2


def test_rank_and_regret_of_ties_are_those_of_a_fair_draw() -> None:
    column, outcome = np.array([5.0, 5.0, 1.0]), np.array([1.0, 3.0, 2.0])
    assert rank_of_best(column, outcome) == 1.5
    assert regret_at_1(column, outcome) == 1.0


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=2, max_size=8), st.integers(0, 99))
@settings(max_examples=50, deadline=None)
def test_rank_and_regret_do_not_depend_on_the_order_of_variants(pairs: list[tuple[int, int]], seed: int) -> None:
    column, outcome = np.array(pairs, dtype=float).T
    order = np.random.default_rng(seed).permutation(len(outcome))
    assert rank_of_best(column[order], outcome[order]) == rank_of_best(column, outcome)
    assert regret_at_1(column[order], outcome[order]) == pytest.approx(regret_at_1(column, outcome))
