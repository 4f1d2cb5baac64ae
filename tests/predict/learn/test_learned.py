"""Learning to compare: antisymmetric, deterministic, blind to the test side, and calm when nothing can be learned."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ptp_core.predict.learn.features import (
    Floats,
    configuration_columns,
    ordered_pairs,
    pair_features,
    scaled,
    unordered_pairs,
)
from ptp_core.predict.learn.learned import fit_comparator, preference, try_best_single, try_learned
from ptp_core.stats.splits import random_splits


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=8, deadline=None)
def test_the_two_orders_of_a_pair_add_up_to_one(seed: int) -> None:
    rng = np.random.default_rng(seed)
    columns, outcome = rng.normal(size=(10, 3)), rng.integers(0, 5, size=10).astype(float)
    model = fit_comparator(columns, outcome, np.arange(6), seed)
    first, second = ordered_pairs(np.arange(10))
    forward, backward = preference(model, columns, first, second), preference(model, columns, second, first)
    assert forward + backward == pytest.approx(np.ones(90), abs=1e-12)
    assert (np.sign(forward - 0.5) == -np.sign(backward - 0.5)).all()


def test_a_clear_relation_is_learned_and_the_best_variant_wins_by_borda() -> None:
    rng = np.random.default_rng(0)
    columns = rng.normal(size=(30, 2))
    outcome = columns[:, 0] - columns[:, 1]
    trial = try_learned(columns, outcome, random_splits(30, splits=8, train_share=0.6, rng=rng), seed=0)
    assert trial.accuracies.mean() > 0.85
    assert np.corrcoef(trial.borda, outcome)[0, 1] > 0.85


def test_unrelated_columns_score_at_chance() -> None:
    rng = np.random.default_rng(1)
    accuracies = []
    for _ in range(25):
        splits = random_splits(24, splits=3, train_share=0.6, rng=rng)
        accuracies += try_learned(rng.normal(size=(24, 3)), rng.normal(size=24), splits, seed=0).accuracies.tolist()
    assert np.mean(accuracies) == pytest.approx(0.5, abs=0.05)


def test_the_same_inputs_give_the_same_numbers() -> None:
    rng = np.random.default_rng(2)
    columns, outcome = rng.normal(size=(12, 2)), rng.normal(size=12)
    splits = random_splits(12, splits=3, train_share=0.6, rng=rng)
    one, two = (try_learned(columns, outcome, splits, seed=5) for _ in range(2))
    assert np.array_equal(one.accuracies, two.accuracies)
    assert np.array_equal(one.borda, two.borda, equal_nan=True)


def test_outcomes_of_the_test_side_do_not_reach_the_model() -> None:
    rng = np.random.default_rng(3)
    columns, outcome, train = rng.normal(size=(12, 2)), rng.normal(size=12), np.arange(7)
    changed = np.where(np.arange(12) < 7, outcome, -outcome)
    first, second = unordered_pairs(np.arange(7, 12))
    one, two = [preference(fit_comparator(columns, y, train, 0), columns, first, second) for y in (outcome, changed)]
    assert np.array_equal(one, two)


def test_scaling_knows_training_variants_only_and_fills_gaps_with_their_mean() -> None:
    columns = np.array([[0.0, 5.0, np.nan], [10.0, 5.0, np.nan], [np.nan, 5.0, 1.0], [20.0, 7.0, 2.0]])
    unit = scaled(columns, np.array([0, 1]))
    assert unit[:, 0].tolist() == [0.0, 1.0, 0.5, 2.0]
    assert unit[:, 1].tolist() == [0.0, 0.0, 0.0, 2.0]
    assert np.isfinite(unit).all()


def test_four_features_per_column() -> None:
    features = pair_features(np.array([[2.0], [3.0]]), np.array([0]), np.array([1]))
    assert features.tolist() == [[-1.0, 6.0, 2.0, 3.0]]


def test_words_that_name_a_single_variant_get_no_column() -> None:
    columns = configuration_columns({"lr": np.arange(4.0)}, {"mix": ["a", "b", "a", "c"]}, 4)
    assert columns.tolist() == [[0.0, 1.0], [1.0, 0.0], [2.0, 1.0], [3.0, 0.0]]
    assert configuration_columns({}, {}, 4).shape == (4, 0)


@pytest.mark.parametrize(
    ("columns", "outcome"),
    [
        (np.ones((6, 2)), np.arange(6.0)),
        (np.arange(12.0).reshape(6, 2), np.ones(6)),
        (np.full((6, 1), np.nan), np.arange(6.0)),
        (np.arange(12.0).reshape(6, 2), np.array([0.0, 0, 0, 0, 0, 1])),
    ],
)
def test_constant_columns_and_tied_outcomes_give_a_guess_and_no_warning(columns: Floats, outcome: Floats) -> None:
    splits = random_splits(6, splits=4, train_share=0.6, rng=np.random.default_rng(0))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        trial = try_learned(columns, outcome, splits, seed=0)
    judged = trial.accuracies[~np.isnan(trial.accuracies)]
    assert ((judged >= 0) & (judged <= 1)).all()


def test_the_single_indicator_is_chosen_on_training_variants_and_never_flipped() -> None:
    outcome = np.arange(10.0)
    splits = [(np.arange(5), np.arange(5, 10))]
    lucky = np.concatenate([outcome[:5], -outcome[5:]])  # right on the training side, wrong on the test side
    accuracies, names = try_best_single({"lucky": lucky, "wrong": -outcome}, outcome, splits)
    assert accuracies.tolist() == [0.0]
    assert names == {"lucky": 1}


def test_without_indicators_nothing_is_chosen() -> None:
    accuracies, names = try_best_single({}, np.arange(6.0), [(np.arange(3), np.arange(3, 6))])
    assert np.isnan(accuracies).all()
    assert names == {}
