"""The modelled probability that the best is in the top k comes true as often as it says, for variants not seen."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from ptp_core.predict.decide.copula import best_within, normal_scores, plausible, shared_noise, slope_of
from ptp_core.predict.quantities import Floats
from ptp_core.stats.bootstrap import bootstrap_accuracies

KS = np.array([1, 2, 3, 5, 8, 13])

Study = tuple[Floats, Floats]


def drawn(law: str, n: int, rho: float, rng: np.random.Generator) -> Study:
    """Scores and outcomes (n,) of one study."""
    scores = rng.standard_normal(n)
    outcome = rho * scores + np.sqrt(1 - rho**2) * rng.standard_normal(n)
    if law == "t copula":
        stretch = np.sqrt(10 / rng.chisquare(10, size=n))
        return scores * stretch, outcome * stretch
    if law == "tied scores":
        return np.round(scores), outcome
    if law == "tied outcomes":
        return scores, np.round(2 * outcome)
    return np.exp(scores), outcome**3  # only ranks may count


@cache
def said_and_came_true(law: str, n: int, rho: float) -> tuple[Floats, Floats]:
    """Probabilities (studies, k), and how often a best one of other studies was among their top k = 1 … n, (k,)."""
    rng, noise = np.random.default_rng(n), shared_noise(n, seed=0)[:2000]
    said = []
    for _ in range(1000):
        scores, outcome = drawn(law, n, rho, rng)
        accuracies = bootstrap_accuracies(scores[:, None], outcome, resamples=200, rng=rng)[:, 0]
        said.append(best_within(scores, outcome, accuracies, noise))
    came_true = []
    for _ in range(8000):
        scores, outcome = drawn(law, n, rho, rng)
        ranked = outcome[np.lexsort((rng.random(n), -scores))]
        came_true.append(np.maximum.accumulate(ranked) == outcome.max())
    return np.array(said), np.mean(came_true, axis=0)


@pytest.mark.slow
@pytest.mark.parametrize("rho", [0.0, 0.5, 0.8])
@pytest.mark.parametrize(
    ("law", "n"),
    [("gauss", 20), ("gauss", 50), ("tied scores", 20), ("tied scores", 50), ("tied outcomes", 20), ("t copula", 20)],
)
def test_the_best_of_new_variants_is_in_the_top_k_as_often_as_said(law: str, n: int, rho: float) -> None:
    said, came_true = said_and_came_true(law, n, rho)
    assert said.mean(axis=0)[KS - 1] == pytest.approx(came_true[KS - 1], abs=0.04)


@pytest.mark.slow
@pytest.mark.parametrize("rho", [0.0, 0.5, 0.8])
@pytest.mark.parametrize("n", [20, 50])
def test_the_shortest_list_that_promises_nine_in_ten_keeps_it(n: int, rho: float) -> None:
    said, came_true = said_and_came_true("gauss", n, rho)
    shortest = (said >= 0.9).argmax(axis=1)
    assert 0.87 < came_true[shortest].mean() < 0.94


def test_a_constant_score_is_a_fair_draw() -> None:
    shares = best_within(np.zeros(10), np.arange(10.0), np.full(50, 0.5), shared_noise(10, seed=0))
    assert shares == pytest.approx(np.arange(1, 11) / 10, abs=0.015)


def test_the_probability_is_that_of_the_model_without_uncertainty() -> None:
    rng, n, rho = np.random.default_rng(0), 12, 0.7
    scores = np.arange(n, dtype=float)
    accuracy = 0.5 + np.arcsin(rho) / np.pi
    shares = best_within(scores, scores, np.full(10, accuracy), shared_noise(n, seed=1))
    z = rng.standard_normal((40_000, n))
    y = rho * z + np.sqrt(1 - rho**2) * rng.standard_normal(z.shape)
    rank = (z > z[np.arange(len(z)), y.argmax(axis=1)][:, None]).sum(axis=1)
    assert shares[:4] == pytest.approx([(rank < k).mean() for k in range(1, 5)], abs=0.03)


def test_a_score_that_points_the_wrong_way_finds_the_best_late() -> None:
    scores = np.arange(20.0)
    shares = best_within(scores, -scores, np.full(10, 0.2), shared_noise(20, seed=0))
    assert shares[9] < 0.2
    assert shares[-1] == 1


def test_a_perfect_order_of_four_variants_is_no_certainty() -> None:
    scores = np.arange(4.0)
    shares = best_within(scores, scores, np.ones(10), shared_noise(4, seed=0))
    assert 0.6 < shares[0] < 0.9


def test_nothing_is_said_where_no_accuracy_is_known() -> None:
    scores = np.arange(4.0)
    assert np.isnan(best_within(scores, scores, np.full(10, np.nan), shared_noise(4, seed=0))).all()


def test_a_variant_without_a_score_is_placed_last_and_as_good_as_any() -> None:
    scores = np.array([np.nan, 1.0, 2.0, 3.0, 4.0, np.nan, 5.0, 6.0])
    assert normal_scores(scores)[0] == 0
    shares = best_within(scores, np.arange(8.0), np.full(10, 0.5), shared_noise(8, seed=0))
    assert shares == pytest.approx(np.arange(1, 9) / 8, abs=0.015)


@pytest.mark.parametrize("levels", [2, 4, 40])
def test_the_slope_gives_back_the_accuracy_with_ties_on_both_sides(levels: int) -> None:
    rng, n = np.random.default_rng(levels), 40
    z = normal_scores(rng.integers(0, 6, size=n).astype(float))
    outcome = np.sort(rng.integers(0, levels, size=n)).astype(float)
    slope = slope_of(z, outcome, np.array([0.7]))[0]
    found = []
    first, second = np.triu_indices(n, k=1)
    for _ in range(800):
        made = np.empty(n)
        made[np.argsort(slope * z + rng.standard_normal(n))] = outcome
        signs = np.sign(made[first] - made[second])
        judged = signs != 0
        found.append((1 + (signs * np.sign(z[first] - z[second]))[judged].mean()) / 2)
    assert np.mean(found) == pytest.approx(0.7, abs=0.01)


def test_without_ties_the_slope_is_that_of_kendalls_tau() -> None:
    z = normal_scores(np.arange(400.0))
    slope = slope_of(z, np.arange(400.0), np.array([0.3, 0.5, 0.75]))
    assert slope / np.sqrt(1 + slope**2) == pytest.approx(np.sin(np.pi * np.array([-0.2, 0.0, 0.25])), abs=0.01)


def test_resamples_keep_their_mean_and_a_third_of_their_variance() -> None:
    values = np.random.default_rng(0).normal(0.6, 0.05, size=5000)
    kept = plausible(values, n=50)
    assert kept.mean() == pytest.approx(values.mean(), abs=1e-6)
    assert kept.var() == pytest.approx(values.var() / 3, rel=1e-6)
