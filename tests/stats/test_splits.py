"""Splits of the same variants overlap; the corrected test knows it and the naive one does not."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import ttest_1samp

from ptp_core.stats.pairs import Floats, weighted_accuracies
from ptp_core.stats.splits import corrected_mean, random_splits
from tests.stats.designs import Design


@pytest.mark.slow
def test_the_corrected_test_keeps_its_level_where_the_naive_one_does_not() -> None:
    rng = np.random.default_rng(0)
    corrected = naive = 0
    for _ in range(1500):
        advantages = rng.normal(size=40)  # of one method over another per variant; truly none
        splits = random_splits(40, splits=15, train_share=0.6, rng=rng)
        differences = np.array([advantages[test].mean() for _, test in splits])
        corrected += corrected_mean(differences, n_train=24, n_test=16).p <= 0.05
        naive += bool(ttest_1samp(differences, 0).pvalue <= 0.05)
    assert 0.03 <= corrected / 1500 <= 0.07
    assert naive / 1500 > 0.3


def test_the_formula_is_that_of_nadeau_and_bengio() -> None:
    values = np.array([0.1, 0.3, 0.2, 0.4])
    result = corrected_mean(values, n_train=30, n_test=20)
    assert result.mean == pytest.approx(0.25)
    assert result.standard_error**2 == pytest.approx((1 / 4 + 20 / 30) * values.var(ddof=1))
    low, high = result.interval
    assert high - low == pytest.approx(2 * 3.182446 * result.standard_error, rel=1e-5)


def test_splits_without_a_result_are_left_out() -> None:
    with_gap = corrected_mean(np.array([0.1, np.nan, 0.3]), n_train=3, n_test=2)
    assert with_gap == corrected_mean(np.array([0.1, 0.3]), n_train=3, n_test=2)
    assert with_gap.n_splits == 2
    assert np.isnan(corrected_mean(np.array([np.nan]), n_train=3, n_test=2).mean)


def test_no_spread_gives_no_false_certainty() -> None:
    assert corrected_mean(np.zeros(5), n_train=3, n_test=2).p == 1.0
    assert np.isnan(corrected_mean(np.full(5, 0.25), n_train=3, n_test=2).p)


@pytest.mark.parametrize(("n", "share", "sizes"), [(50, 0.6, (30, 20)), (4, 0.6, (2, 2)), (5, 0.99, (3, 2))])
def test_a_split_puts_every_variant_on_one_side(n: int, share: float, sizes: tuple[int, int]) -> None:
    for train, test in random_splits(n, splits=5, train_share=share, rng=np.random.default_rng(0)):
        assert (len(train), len(test)) == sizes
        assert sorted([*train, *test]) == list(range(n))


def accuracies_by_side(
    design: Design, correlations: list[float], shared: float, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """Accuracies of indicators on the training and the test sides of twenty 60/40 splits: (20, K) each."""
    indicators, outcome = design.draw(correlations, rng, shared)
    sides = np.zeros((2, 20, design.n), dtype=np.float32)
    for row, split in enumerate(random_splits(design.n, splits=20, train_share=0.6, rng=rng)):
        for side, members in enumerate(split):
            sides[side, row, members] = 1
    train, test = (weighted_accuracies(indicators, outcome, side) for side in sides)
    return train, test


def share_rejected(differences: list[Floats], n: int) -> float:
    p_values = [corrected_mean(values, n_train=round(0.6 * n), n_test=n - round(0.6 * n)).p for values in differences]
    return float(np.mean(np.array(p_values) <= 0.05))


@pytest.mark.slow
@pytest.mark.parametrize("ties", [False, True])
def test_two_unrelated_indicators_over_fifty_variants_are_called_different_in_one_trial_of_twenty(ties: bool) -> None:
    rng, differences = np.random.default_rng(1), []
    for _ in range(2000):
        _, test = accuracies_by_side(Design(50, ties=ties), [0.0, 0.0], 0, rng)
        differences.append(test[:, 0] - test[:, 1])
    assert 0.03 <= share_rejected(differences, 50) <= 0.07


@pytest.mark.slow
@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("n", [20, 50])
@pytest.mark.parametrize("alike", [0.5, 0.8])
def test_alike_indicators_of_equal_worth_are_called_different_too_rarely_rather_than_too_often(
    n: int, alike: float, ties: bool
) -> None:
    rng, differences = np.random.default_rng(2), []
    for _ in range(1000):
        _, test = accuracies_by_side(Design(n, ties=ties), [alike, alike], alike, rng)
        differences.append(test[:, 0] - test[:, 1])
    assert share_rejected(differences, n) <= 0.05


@pytest.mark.slow
@pytest.mark.parametrize("n", [20, 50])
def test_a_choice_learned_on_the_training_side_is_not_called_better_than_an_equal(n: int) -> None:
    rng, differences = np.random.default_rng(3), []
    for _ in range(1000):
        train, test = accuracies_by_side(Design(n), [0.5] * 4, 0, rng)
        chosen = test[np.arange(20), train[:, :3].argmax(axis=1)]
        differences.append(chosen - test[:, 3])
    assert share_rejected(differences, n) <= 0.05


@pytest.mark.slow
@pytest.mark.parametrize("n", [20, 50])
def test_the_interval_holds_the_expected_accuracy_on_a_test_side(n: int) -> None:
    rng, hits, design = np.random.default_rng(4), 0, Design(n)
    for _ in range(1000):
        _, test = accuracies_by_side(design, [0.5], 0, rng)
        low, high = corrected_mean(test[:, 0], n_train=round(0.6 * n), n_test=round(0.4 * n)).interval
        hits += low <= design.truth(0.5) <= high
    assert hits / 1000 >= 0.93
