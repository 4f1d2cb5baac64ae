"""Intervals hold what they promise, and few points are no certainty."""

from __future__ import annotations

import numpy as np
import pytest

from ptp_core.predict.dynamics.intervals import corrected, mean_of, share_interval, slope_of


def test_the_interval_of_a_mean_of_eight_covers_as_often_as_it_says() -> None:
    rng = np.random.default_rng(1)
    draws = rng.normal(0.3, 1.0, size=(2000, 8))
    covered = np.mean([e.low <= 0.3 <= e.high for e in (mean_of(x, 0.95) for x in draws)])
    assert 0.94 <= covered <= 0.96


def test_one_value_or_equal_values_have_no_interval() -> None:
    assert mean_of(np.array([0.2]), 0.95).interval is None
    assert mean_of(np.array([0.2, 0.2, 0.2]), 0.95).interval is None
    assert mean_of(np.array([]), 0.95).interval is None


def test_the_interval_of_a_slope_covers_as_often_as_it_says() -> None:
    rng = np.random.default_rng(2)
    x = np.log10(np.arange(1.0, 9.0))
    none = np.full(8, np.nan)
    found = [slope_of(x, 0.5 * x + rng.normal(size=8), none, 0.95) for _ in range(2000)]
    assert 0.94 <= np.mean([e.low <= 0.5 <= e.high for e in found]) <= 0.96
    assert np.mean([e.p <= 0.05 for e in (slope_of(x, rng.normal(size=8), none, 0.95) for _ in range(2000))]) <= 0.06


def test_points_that_happen_to_lie_on_a_line_are_as_unsure_as_their_items() -> None:
    x = np.array([0.0, 0.5, 1.0])
    assert slope_of(x, 2 * x, np.full(3, np.nan), 0.95).interval is None
    unsure = slope_of(x, 2 * x, np.full(3, 0.1), 0.95)
    assert unsure.value == pytest.approx(2)
    assert unsure.interval is not None
    assert unsure.high - unsure.low == pytest.approx(2 * 12.706 * 0.1 / np.sqrt(0.5), rel=1e-3)


def test_a_share_of_all_is_not_certain() -> None:
    low, high = share_interval(1.0, 8, 0.95)
    assert (round(low, 3), high) == (0.631, 1.0)
    assert share_interval(0.0, 8, 0.95)[0] == 0.0
    assert share_interval(0.5, 8, 0.95) == pytest.approx([0.157, 0.843], abs=1e-3)


def test_claims_are_corrected_by_holm_and_the_rest_by_their_false_discovery_rate() -> None:
    rows = corrected([{"in_domain": i < 2, "p": p} for i, p in enumerate((0.01, 0.04, 0.01, 0.04))])
    assert [row["p_holm"] for row in rows[:2]] == pytest.approx([0.02, 0.04])
    assert [row["q"] for row in rows[2:]] == pytest.approx([0.02, 0.04])
    assert np.isnan([row["q"] for row in rows[:2]] + [row["p_holm"] for row in rows[2:]]).all()
