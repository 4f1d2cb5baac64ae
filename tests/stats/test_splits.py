"""Splits of the same variants overlap; the corrected test knows it and the naive one does not."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import ttest_1samp

from ptp_core.stats.splits import corrected_mean, random_splits


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
