"""Learners and baselines on the same splits."""

from __future__ import annotations

import numpy as np
import pytest

from ptp_core.predict.learn.trials import attempt, borda, placed_by_splits, try_best_single, try_sum
from ptp_core.stats.splits import random_splits


def test_the_best_variant_wins_by_borda_and_by_place() -> None:
    rng = np.random.default_rng(0)
    columns = rng.normal(size=(30, 2))
    outcome = columns[:, 0] - columns[:, 1]
    splits = random_splits(30, splits=8, train_share=0.6, rng=rng)
    trial = attempt(columns, outcome, splits, seed=0)
    assert trial.accuracies.mean() > 0.85
    for score in (borda(trial, splits, 30, 0), placed_by_splits(trial, outcome, splits)):
        tested = np.isfinite(score)
        assert np.corrcoef(score[tested], outcome[tested])[0, 1] > 0.85


def test_unrelated_columns_score_at_chance() -> None:
    rng = np.random.default_rng(1)
    accuracies = []
    for _ in range(25):
        splits = random_splits(24, splits=3, train_share=0.6, rng=rng)
        accuracies += attempt(rng.normal(size=(24, 3)), rng.normal(size=24), splits, seed=0).accuracies.tolist()
    assert np.mean(accuracies) == pytest.approx(0.5, abs=0.05)


def test_the_number_of_threads_changes_no_digit(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(2)
    columns, outcome = rng.normal(size=(16, 2)), rng.normal(size=16)
    splits = random_splits(16, splits=6, train_share=0.6, rng=rng)
    trials = []
    for threads in (1, 4):
        monkeypatch.setattr("ptp_core.predict.parallel.THREADS", threads)
        trials.append(attempt(columns, outcome, splits, seed=5))
    assert np.array_equal(trials[0].accuracies, trials[1].accuracies)
    assert all(np.array_equal(a, b) for a, b in zip(trials[0].answers, trials[1].answers, strict=True))


def test_many_test_pairs_are_thinned_and_the_accuracy_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(6)
    columns = rng.normal(size=(120, 1))
    outcome = columns[:, 0] + rng.normal(size=120)
    splits = random_splits(120, splits=3, train_share=0.5, rng=rng)
    whole = attempt(columns, outcome, splits, seed=0)
    monkeypatch.setattr("ptp_core.predict.learn.trials.MOST_TEST_PAIRS", 900)
    thinned = attempt(columns, outcome, splits, seed=0)
    assert [len(answers) for answers in thinned.answers] == [900] * 3
    assert thinned.accuracies == pytest.approx(whole.accuracies, abs=0.04)
    assert np.isfinite(borda(thinned, splits, 120, 0)[splits[0][1]]).all()


def test_the_single_indicator_is_chosen_on_training_variants_and_never_flipped() -> None:
    outcome = np.arange(10.0)
    splits = [(np.arange(5), np.arange(5, 10))]
    lucky = np.concatenate([outcome[:5], -outcome[5:]])  # right on the training side, wrong on the test side
    accuracies, names = try_best_single({"lucky": lucky, "wrong": -outcome}, outcome, splits, 0)
    assert accuracies.tolist() == [0.0]
    assert names == {"lucky": 1}


def test_without_indicators_nothing_is_chosen() -> None:
    accuracies, names = try_best_single({}, np.arange(6.0), [(np.arange(3), np.arange(3, 6))], 0)
    assert np.isnan(accuracies).all()
    assert names == {}


def test_the_sum_weighs_indicators_alike_whatever_their_unit() -> None:
    outcome = np.array([0.0, 1, 2, 3, 0, 1, 2, 3])
    splits = [(np.arange(4), np.arange(4, 8))]
    good, noise = outcome, np.array([0.0, 1, 0, 1, 1, 0, 1, 0])
    one = try_sum(np.column_stack([good, noise]), outcome, splits, 0)
    other = try_sum(np.column_stack([1000 * good + 7, noise / 1000]), outcome, splits, 0)
    assert one.tolist() == other.tolist() == [3.5 / 6]  # sums 1, 1/3, 5/3, 1: two pairs wrong, one tied
