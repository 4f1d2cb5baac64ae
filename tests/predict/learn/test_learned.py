"""Learning to compare: antisymmetric, deterministic, blind to the test side, and calm when nothing can be learned."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ptp_core.predict.learn.features import Features, unordered_pairs
from ptp_core.predict.learn.learned import LEARNERS, comparator, placement, share_right
from ptp_core.predict.quantities import Floats

every_learner = pytest.mark.parametrize("learner", LEARNERS)


@every_learner
@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=8, deadline=None)
def test_the_two_orders_of_a_pair_add_up_to_one(learner: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    columns, outcome = rng.normal(size=(10, 3)), rng.integers(0, 5, size=10).astype(float)
    prefers = comparator(columns, outcome, np.arange(6), seed, learner)
    first, second = unordered_pairs(np.arange(10))
    forward, backward = prefers(first, second), prefers(second, first)
    assert forward + backward == pytest.approx(np.ones(45), abs=1e-12)
    assert (np.sign(forward - 0.5) == -np.sign(backward - 0.5)).all()


@every_learner
def test_a_clear_relation_is_learned(learner: str) -> None:
    rng = np.random.default_rng(0)
    columns = rng.normal(size=(50, 2))
    outcome = columns[:, 0] - columns[:, 1]
    first, second = unordered_pairs(np.arange(30, 50))
    margin = comparator(columns, outcome, np.arange(30), 0, learner)(first, second) - 0.5
    assert share_right(margin, outcome[first] - outcome[second]) > 0.85


@every_learner
def test_nothing_of_other_variants_reaches_the_model(learner: str) -> None:
    rng = np.random.default_rng(3)
    columns, outcome, train, others = rng.normal(size=(14, 2)), rng.normal(size=14), np.arange(7), np.arange(10, 14)
    wild_columns, wild_outcome = columns.copy(), outcome.copy()
    wild_columns[others], wild_outcome[7:] = 1e6, -1e6
    first, second = unordered_pairs(np.arange(10))
    one = comparator(columns, outcome, train, 0, learner)(first, second)
    two = comparator(wild_columns, wild_outcome, train, 0, learner)(first, second)
    assert np.array_equal(one, two)


@every_learner
@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=5, deadline=None)
def test_the_order_of_variants_changes_no_digit(learner: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    columns, outcome = rng.integers(0, 6, size=(12, 3)).astype(float), rng.integers(0, 5, size=12).astype(float)
    order = rng.permutation(12)
    where = np.argsort(order)  # variant i stands at where[i] in the other table
    train = np.arange(8)
    first, second = unordered_pairs(np.arange(12))
    one = comparator(columns, outcome, train, 0, learner)(first, second)
    two = comparator(columns[order], outcome[order], where[train], 0, learner)(where[first], where[second])
    assert np.array_equal(one, two)


def test_a_larger_outcome_is_better_whatever_its_unit() -> None:
    rng = np.random.default_rng(4)
    columns, outcome = rng.normal(size=(12, 2)), rng.normal(size=12)
    first, second = unordered_pairs(np.arange(12))
    one, two = (comparator(columns, y, np.arange(8), 0)(first, second) for y in (outcome, np.exp(3 * outcome)))
    assert np.array_equal(one, two)


@pytest.mark.parametrize(
    ("columns", "outcome"),
    [
        (np.ones((6, 2)), np.arange(6.0)),
        (np.arange(12.0).reshape(6, 2), np.ones(6)),
        (np.full((6, 1), np.nan), np.arange(6.0)),
        (np.arange(12.0).reshape(6, 2), np.array([0.0, 0, 0, 0, 0, 1])),
        (np.empty((6, 0)), np.arange(6.0)),
    ],
)
@every_learner
def test_where_nothing_can_be_learned_every_comparison_is_a_guess(
    learner: str, columns: Floats, outcome: Floats
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        answers = comparator(columns, outcome, np.arange(4), 0, learner)(*unordered_pairs(np.arange(6)))
    assert answers.tolist() == [0.5] * 15


def test_many_pairs_are_thinned_and_still_teach(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ptp_core.predict.learn.learned.MOST_TRAINING_PAIRS", 200)
    seen = []

    def spy(features: Features, wins: Floats, seed: int) -> Callable[[Features], Floats]:
        seen.append((len(features), wins.mean()))
        return lambda asked: np.zeros(len(asked))

    monkeypatch.setitem(LEARNERS, "spy", spy)
    columns = np.random.default_rng(0).normal(size=(40, 2))
    comparator(columns, columns[:, 0], np.arange(40), 0, "spy")
    assert seen == [(200, 0.5)]


def test_a_place_is_the_mean_over_known_variants_and_many_are_thinned_evenly() -> None:
    columns = np.random.default_rng(1).normal(size=(600, 1))
    outcome, known = columns[:, 0], np.arange(10, 600)
    prefers = comparator(columns, outcome, np.arange(10, 60), 0)
    held = np.arange(10)
    whole = [prefers(np.full(590, i), known).mean() for i in held]
    assert placement(prefers, outcome, held, known) == pytest.approx(np.array(whole), abs=0.01)
    assert placement(prefers, outcome, held, known[:100]) == pytest.approx(
        [prefers(np.full(100, i), known[:100]).mean() for i in held]
    )
