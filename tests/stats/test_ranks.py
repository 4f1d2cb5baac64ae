"""Rank correlation along the last axis."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import spearmanr

from ptp_core.stats.ranks import spearman, unit_ranks


def test_it_is_scipys_with_and_without_ties() -> None:
    rng = np.random.default_rng(0)
    for x, y in (rng.normal(size=(2, 9)), rng.integers(0, 3, size=(2, 9)).astype(float)):
        assert spearman(x, y) == pytest.approx(spearmanr(x, y).statistic)


def test_rows_are_correlated_one_by_one() -> None:
    x, y = np.random.default_rng(1).normal(size=(2, 5, 7))
    assert spearman(x, y) == pytest.approx([float(spearman(a, b)) for a, b in zip(x, y, strict=True)])


def test_a_perfect_order_is_exactly_one() -> None:
    x = np.array([0.3, 0.1, 7.0, 2.0, 5.0])
    assert (float(spearman(x, np.exp(x))), float(spearman(x, -x))) == (1.0, -1.0)


def test_what_is_constant_or_unknown_has_none() -> None:
    assert np.isnan(spearman(np.ones(4), np.arange(4.0)))
    assert np.isnan(spearman(np.array([1.0, np.nan, 2.0, 3.0]), np.arange(4.0)))


def test_ranks_have_length_one_and_mean_nought() -> None:
    ranks = unit_ranks(np.array([3.0, 1.0, 1.0, 8.0]))
    assert (ranks.sum(), (ranks**2).sum()) == pytest.approx((0.0, 1.0))
