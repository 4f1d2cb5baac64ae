"""Which variant to fine-tune next: following it finds the best sooner, and its probabilities come true."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from ptp_core.predict.case import case_of
from ptp_core.predict.decide import next_runs as module
from ptp_core.predict.decide.next_runs import expected_gains, fit_line, next_runs
from ptp_core.predict.quantities import Floats, Measured
from tests.predict.decide.studies import QUICK, correlated, study


def asked(data: Measured, known: Floats, indicators: tuple[str, ...] = ("a",)) -> dict[str, Any] | None:
    """The next runs of a study in which only the variants marked in ``known`` are fine-tuned."""
    hidden = replace(data.outcomes["y"], values=np.where(known, data.outcomes["y"].values, np.nan))
    data = replace(data, outcomes={"y": hidden})
    return next_runs(case_of(data, "y"), indicators, indicators[0], data, QUICK)


def runs_until_best(scores: Floats, outcome: Floats, start: Floats) -> int:
    """Fine-tunings, the first ones included, until the best is among them."""
    known, data = start.copy(), study(outcome, {"a": scores})
    while not known[outcome.argmax()]:
        found = asked(data, known)
        assert found is not None
        known[int(found["variants"][0]["variant"][1:])] = True
    return int(known.sum())


@pytest.mark.slow
def test_following_it_finds_the_best_with_clearly_fewer_runs_than_a_random_order(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "DRAWS", 50)  # the order is by expected gain, which is exact
    rng, n = np.random.default_rng(0), 40
    followed, random = [], []
    for _ in range(120):
        scores, outcome = correlated(n, 0.7, rng)
        order = rng.permutation(n)
        start = np.isin(np.arange(n), order[:6])
        followed.append(runs_until_best(scores, outcome, start))
        random.append(max(6, 1 + int(np.flatnonzero(order == outcome.argmax())[0])))
    assert np.mean(random) == pytest.approx(20.9, abs=2.5)
    assert np.mean(followed) < 13


@pytest.mark.slow
def test_probabilities_come_true() -> None:
    rng, n = np.random.default_rng(1), 30
    known = np.arange(n) < 15
    said, came_true, gains, gained = [], [], [], []
    for _ in range(500):
        scores, outcome = correlated(n, 0.6, rng)
        found = asked(study(outcome, {"a": scores}), known)
        assert found is not None
        first = found["variants"][0]
        value = outcome[int(first["variant"][1:])]
        said.append([first["p_best"], found["p_best_known"]])
        came_true.append([value == outcome.max(), outcome[known].max() == outcome.max()])
        gains.append(first["expected_gain"])
        gained.append(max(0.0, value - outcome[known].max()))
    assert np.mean(said, axis=0) == pytest.approx(np.mean(came_true, axis=0), abs=0.05)
    assert np.mean(gains) == pytest.approx(np.mean(gained), abs=0.05)


def test_shares_and_the_rest_add_up_and_the_list_is_sorted() -> None:
    scores, outcome = correlated(30, 0.7, np.random.default_rng(2))
    found = asked(study(outcome, {"a": scores}), np.arange(30) % 2 == 0)
    assert found is not None
    assert found["p_best_known"] + sum(row["p_best"] for row in found["variants"]) == pytest.approx(1)
    gains = [row["expected_gain"] for row in found["variants"]]
    assert gains == sorted(gains, reverse=True)
    assert (found["known"], found["unknown"]) == (15, 15)


def test_an_indicator_that_points_the_wrong_way_is_turned() -> None:
    outcome = np.random.default_rng(3).normal(size=20)
    found = asked(study(outcome, {"a": -outcome}), outcome < np.median(outcome))
    assert found is not None
    assert found["variants"][0]["variant"] == f"v{outcome.argmax()}"


def test_all_indicators_serve_where_they_predict_better_than_the_leading_one() -> None:
    rng = np.random.default_rng(4)
    parts = rng.normal(size=(2, 40))
    outcome = parts.sum(axis=0)
    data = study(outcome, {"a": parts[0], "b": parts[1]})
    known = outcome < np.quantile(outcome, 0.7)
    both, one = asked(data, known, ("a", "b")), asked(data, known, ("a",))
    assert both is not None
    assert one is not None
    best = f"v{outcome.argmax()}"

    def place(found: dict[str, Any]) -> int:
        return [row["variant"] for row in found["variants"]].index(best)

    assert place(both) <= place(one)
    assert place(both) <= 1


def test_variants_without_the_indicator_are_no_candidates() -> None:
    scores, outcome = correlated(12, 0.7, np.random.default_rng(5))
    scores[0] = scores[11] = np.nan
    found = asked(study(outcome, {"a": scores}), np.arange(12) < 9)
    assert found is not None
    assert {row["variant"] for row in found["variants"]} == {"v9", "v10"}


def test_there_is_nothing_to_say_without_unknown_ones_with_few_known_or_a_constant_indicator() -> None:
    scores, outcome = correlated(12, 0.7, np.random.default_rng(6))
    assert asked(study(outcome, {"a": scores}), np.full(12, True)) is None
    assert asked(study(outcome, {"a": scores}), np.arange(12) < 5) is None
    assert asked(study(outcome, {"a": np.zeros(12)}), np.arange(12) < 9) is None


def test_tied_outcomes_promise_no_gain() -> None:
    found = asked(study(np.zeros(12), {"a": np.arange(12.0)}), np.arange(12) < 9)
    assert found is not None
    assert all(row["expected_gain"] == 0 for row in found["variants"])


def test_the_expected_gain_is_the_mean_of_its_draws() -> None:
    from scipy.stats import t as student

    scores, outcome = correlated(12, 0.7, np.random.default_rng(7))
    fit, new = fit_line(scores[:, None], outcome, 0.0), np.array([[1.0]])
    x = new[0] - fit.center
    scale = fit.scale * np.sqrt(1 + 1 / 12 + x @ fit.inverse @ x)
    draws = fit.level + x @ fit.slopes + scale * student.rvs(fit.freedom, size=400_000, random_state=0)
    assert expected_gains(fit, new, 0.5)[0] == pytest.approx(np.maximum(draws - 0.5, 0).mean(), abs=0.005)


def test_leaving_one_out_is_what_the_shortcut_says() -> None:
    rng = np.random.default_rng(8)
    columns, outcome = rng.normal(size=(15, 2)), rng.normal(size=15)
    errors = []
    for i in range(15):
        rest = np.arange(15) != i
        fit = fit_line(columns[rest], outcome[rest], 0.0)
        errors.append(outcome[i] - fit.level - (columns[i] - fit.center) @ fit.slopes)
    assert fit_line(columns, outcome, 0.0).press == pytest.approx(np.mean(np.square(errors)))
