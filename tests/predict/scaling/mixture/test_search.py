"""The search over mixtures, and pictures of what is predicted."""

from __future__ import annotations

import numpy as np
import pytest

from ptp_core.predict.scaling.mixture.search import best_shares, is_blend
from ptp_core.predict.scaling.mixture.surface import surface
from ptp_core.predict.scaling.points import Floats

OPTIMUM = np.array([0.5, 0.3, 0.15, 0.05])


def near(shares: Floats) -> Floats:
    return np.asarray(-((shares - OPTIMUM) ** 2).sum(axis=1))


@pytest.mark.parametrize("seed", range(3))
def test_a_known_optimum_among_four_sources_is_found(seed: int) -> None:
    fitted = np.random.default_rng(seed).dirichlet(np.full(4, 0.5), 100)
    found = best_shares(near, fitted, seed)
    assert found.shares == pytest.approx(OPTIMUM, abs=1e-3)
    assert found.shares.sum() == pytest.approx(1)
    assert (found.inside, found.at_most, found.at_least) == (True, (), ())


def test_the_search_stays_where_runs_were_fitted_and_says_that_it_would_go_on() -> None:
    code = np.array([0.1, 0.2, 0.3, 0.4])
    found = best_shares(lambda shares: shares[:, 1], np.column_stack([1 - code, code]), 0)
    assert found.shares == pytest.approx([0.6, 0.4])
    assert (found.at_most, found.at_least, found.inside) == ((1,), (0,), True)


def test_a_mixture_that_no_blend_of_the_fitted_ones_makes_is_outside() -> None:
    fitted = np.array([[0.8, 0.2, 0.0], [0.0, 0.8, 0.2], [0.2, 0.0, 0.8]])
    assert is_blend(fitted.mean(axis=0), fitted)
    assert is_blend(fitted[0], fitted)
    assert not is_blend(np.array([0.8, 0.0, 0.2]), fitted)


def test_values_that_are_not_defined_are_never_the_best() -> None:
    fitted = np.array([[0.0, 1.0], [0.5, 0.5], [0.9, 0.1]])
    found = best_shares(lambda s: np.where(s[:, 0] > 0, -s[:, 0], np.nan), fitted, 0)
    assert 0 < found.shares[0] < 0.001


@pytest.mark.parametrize(("n", "kind", "points"), [(2, "line", 41), (3, "triangle", 231), (5, "slice", 231)])
def test_a_surface_is_a_line_a_triangle_or_a_slice(n: int, kind: str, points: int) -> None:
    fitted = np.random.default_rng(0).dirichlet(np.ones(n), 30)
    effect = np.arange(n, dtype=float) ** 3
    block, picked = surface(lambda shares: shares @ effect, tuple("abcde"[:n]), fitted)
    assert (block["kind"], len(block["grid"]), len(block["sources"])) == (kind, points, min(n, 3 if n == 3 else 2))
    assert block["sources"] == ["abcde"[i] for i in picked]
    shown = np.array([point["shares"] for point in block["grid"]])
    assert (shown.min(), shown.sum(axis=1).max()) == pytest.approx((0, 1))


def test_a_slice_goes_through_the_sources_that_matter_and_keeps_the_others_in_proportion() -> None:
    fitted = np.random.default_rng(0).dirichlet(np.ones(4), 30)
    seen = []

    def values(shares: Floats) -> Floats:
        seen.append(shares)
        return np.asarray(5 * shares[:, 3] - 4 * shares[:, 1] + 0.1 * shares[:, 0])

    block, _ = surface(values, ("a", "b", "c", "d"), fitted)
    assert block["sources"] == ["b", "d"]
    rest = seen[-1][seen[-1][:, 0] > 0][:, [0, 2]]
    mean = fitted.mean(axis=0)
    assert rest[:, 1] / rest[:, 0] == pytest.approx(np.full(len(rest), mean[2] / mean[0]))
