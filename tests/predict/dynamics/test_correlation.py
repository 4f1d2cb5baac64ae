"""Rank correlation of base and tuned scores over checkpoints, with exact tests of small n."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import permutation_test, spearmanr

from ptp_core.predict.dynamics.correlation import correlation, interval
from ptp_core.spec.dynamics import Dynamics
from ptp_core.stats.ranks import spearman
from tests.predict.dynamics.test_trends import curve


def test_it_is_spearmans_with_the_exact_p_of_all_orders() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, 6))
    (row,) = correlation([curve(x, y, np.arange(1, 7))], Dynamics())
    assert row["spearman"] == pytest.approx(spearmanr(x, y).statistic)
    exact = permutation_test((x,), lambda a: spearmanr(a, y).statistic, permutation_type="pairings", n_resamples=np.inf)
    assert row["p"] == pytest.approx(exact.pvalue)
    assert (row["n"], row["n_pairs"]) == (6, 15)


def test_unrelated_scores_are_found_related_as_often_as_the_level_says() -> None:
    rng = np.random.default_rng(1)
    p = [correlation([curve(*rng.normal(size=(2, 6)), np.arange(1, 7))], Dynamics())[0]["p"] for _ in range(400)]
    assert np.mean(np.array(p) <= 0.05) <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / 400)


def test_more_than_eight_checkpoints_are_shuffled_and_the_seed_decides() -> None:
    rng = np.random.default_rng(2)
    one = curve(np.arange(12) + 4 * rng.normal(size=12), np.arange(12.0), np.arange(1, 13))
    (a,), (b,), (c,) = (correlation([one], Dynamics(seed=seed)) for seed in (0, 0, 1))
    assert a["p"] == b["p"] != c["p"]
    assert a["p"] == pytest.approx(spearmanr(one.base, one.tuned).pvalue, abs=0.01)


def test_a_constant_base_score_has_no_correlation() -> None:
    (row,) = correlation([curve([0.5] * 5, np.arange(5.0), np.arange(1, 6))], Dynamics())
    assert np.isnan(row["spearman"])
    assert row["ci95"] is None
    assert row["accuracy"] == 0.5


def test_three_checkpoints_are_not_worth_an_order() -> None:
    assert correlation([curve([1, 2, 3], [1, 2, 3], [1, 2, 3])], Dynamics()) == []


def test_the_interval_covers_as_often_as_it_says() -> None:
    rng, true = np.random.default_rng(3), 0.6
    normal = 2 * np.sin(np.pi * true / 6)  # Pearson's r of which Spearman's is `true`
    hits = 0
    for _ in range(1000):
        x = rng.normal(size=8)
        ends = interval(float(spearman(x, normal * x + np.sqrt(1 - normal**2) * rng.normal(size=8))), 8, 0.95)
        hits += ends is None or ends[0] <= true <= ends[1]
    assert hits / 1000 >= 0.93
