"""Robust fits side by side."""

from __future__ import annotations

import numpy as np
import pytest

from ptp_core.predict.scaling.mixture.descent import descend
from ptp_core.predict.scaling.points import Floats

X = np.linspace(0, 4, 30)
Y = 2 * np.exp(-0.7 * X)


def decay(theta: Floats) -> tuple[Floats, Floats]:
    """height · e^(-rate·x)."""
    height, rate = theta[:, :1], theta[:, 1:]
    shape = np.exp(-rate * X)
    return height * shape, np.stack([shape, -height * X * shape], axis=-1)


def fit(y: Floats, weights: Floats, bend: float = np.inf, penalty: float = 1e-12) -> Floats:
    start = np.tile([1.0, 0.1], (len(weights), 1))
    return descend(decay, y, weights, start, start[0], np.full_like(start, penalty), bend)[0]


def test_a_curve_without_noise_is_found() -> None:
    assert fit(Y, np.ones((1, 30)))[0] == pytest.approx([2, 0.7], rel=1e-5)


def test_an_outlier_bends_a_fit_of_squares_and_hardly_a_robust_one() -> None:
    spoilt = Y.copy()
    spoilt[15] += 5
    squares, robust = fit(spoilt, np.ones((1, 30)))[0], fit(spoilt, np.ones((1, 30)), bend=0.01)[0]
    assert abs(robust - [2, 0.7]).max() < 0.02 < 0.1 < abs(squares - [2, 0.7]).max()


def test_fits_side_by_side_are_those_made_alone() -> None:
    noisy = Y + 0.05 * np.random.default_rng(0).normal(size=30)
    weights = np.random.default_rng(1).multinomial(30, np.full(30, 1 / 30), size=8).astype(float)
    alone = np.concatenate([fit(noisy, row[None], bend=0.05) for row in weights])
    assert fit(noisy, weights, bend=0.05) == pytest.approx(alone, rel=1e-6)


def test_a_weight_of_zero_leaves_a_point_out() -> None:
    spoilt, weights = Y.copy(), np.ones((1, 30))
    spoilt[3], weights[0, 3] = 99, 0
    assert fit(spoilt, weights)[0] == pytest.approx([2, 0.7], rel=1e-5)
