"""The number of variants or seeds that is said to suffice does suffice."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ptp_core.predict.decide.power import power_for_best, power_for_indicator, power_sentence, variants_needed
from ptp_core.predict.decide.strategies import strategies
from ptp_core.stats.bootstrap import bootstrap_accuracies
from ptp_core.stats.permutation import permutation_p
from tests.predict.decide.studies import QUICK, correlated, judged_case, quantity, study


@pytest.mark.slow
@pytest.mark.parametrize("rho", [0.4, 0.5, 0.7, -0.5])
def test_with_the_variants_needed_the_permutation_test_rejects_in_four_of_five_studies(rho: float) -> None:
    rng = np.random.default_rng(1)
    scores, outcome = correlated(400, rho, rng)
    draws = bootstrap_accuracies(scores[:, None], outcome, resamples=400, rng=rng)
    needed = variants_needed(0.5 + np.arcsin(rho) / np.pi, float(draws.std()) * 20, 0.95)
    assert needed is not None
    rejected = []
    for _ in range(500):
        scores, outcome = correlated(needed, rho, rng)
        rejected.append(permutation_p(scores[:, None], outcome, permutations=299, rng=rng)[0] <= 0.05)
    assert np.mean(rejected) == pytest.approx(0.8, abs=0.06)


def test_an_accuracy_at_a_coins_needs_more_variants_than_anybody_has() -> None:
    assert variants_needed(0.5, 0.35, 0.95) is None
    assert variants_needed(0.501, 0.35, 0.95) is None


def test_a_perfect_order_needs_few() -> None:
    needed = variants_needed(1.0, 0.0, 0.95)
    assert needed is not None
    assert needed < 8


def for_indicator(rho: float, n: int, **block: Any) -> dict[str, Any] | None:
    scores, outcome = correlated(n, rho, np.random.default_rng(7))
    case, judged = judged_case(study(outcome, {"a": scores}))
    judged["indicators"]["a"] |= block
    return power_for_indicator(strategies(case, judged, np.full(n, np.nan), QUICK)[0], judged, 0.95)


def test_what_is_shown_needs_no_more() -> None:
    found = for_indicator(0.9, 30)
    assert found is not None
    assert (found["n_needed"], found["shown"]) == (None, True)
    assert "is told from chance" in power_sentence(found, None)


def test_an_indicator_told_from_chance_may_point_the_wrong_way() -> None:
    assert "in the wrong direction" in power_sentence(for_indicator(-0.9, 30), None)


def test_what_is_not_shown_after_holm_is_not_shown() -> None:
    found = for_indicator(0.9, 30, p_holm=0.2)
    assert found is not None
    assert not found["shown"]
    assert found["n_needed"] is not None


def test_within_the_noise_more_variants_are_no_help() -> None:
    found = for_indicator(0.0, 40, p=0.9, accuracy=0.51)
    assert found is not None
    assert "will not help unless the indicator is better than it looks" in power_sentence(found, None)


def test_a_block_that_could_not_be_judged_has_no_power() -> None:
    assert for_indicator(0.5, 10, accuracy=float("nan")) is None
    assert power_for_indicator(None, {"indicators": {}}, 0.95) is None


def two_leaders(lead: float, seeds: int, sd: float = 1.0) -> Any:
    return quantity("y", np.array([0.0, 0.0, 5.0, 5.0 + lead]), seeds=seeds, seed_sd=sd)


@pytest.mark.slow
def test_with_the_seeds_needed_a_t_test_parts_the_two_best_in_four_of_five_studies() -> None:
    from scipy.stats import ttest_ind

    found = power_for_best(two_leaders(1.0, 3), 0.6, 0.95)
    assert found is not None
    m = found["seeds_needed"]
    rng = np.random.default_rng(2)
    runs = rng.normal(size=(2, 4000, m)) + np.array([0.0, 1.0])[:, None, None]
    assert (ttest_ind(runs[0], runs[1], axis=1).pvalue < 0.05).mean() == pytest.approx(0.8, abs=0.03)


def test_seeds_are_needed_in_inverse_square_of_the_lead() -> None:
    wide, narrow = power_for_best(two_leaders(1.0, 3), 0.6, 0.95), power_for_best(two_leaders(0.5, 3), 0.6, 0.95)
    assert wide is not None
    assert narrow is not None
    assert narrow["seeds_needed"] == pytest.approx(4 * wide["seeds_needed"], rel=0.06)


def test_nothing_is_said_of_seeds_with_one_run_each_or_no_noise() -> None:
    assert power_for_best(two_leaders(1.0, 1), None, 0.95) is None
    assert power_for_best(two_leaders(1.0, 3, sd=0.0), 0.999, 0.95) is None
    assert "no noise between seeds was measured" in power_sentence(None, None)


def test_a_settled_best_and_a_tie_need_no_number() -> None:
    settled, tied = power_for_best(two_leaders(9.0, 3), 0.99, 0.95), power_for_best(two_leaders(0.0, 3), 0.5, 0.95)
    assert settled is not None
    assert tied is not None
    assert settled["seeds_needed"] is None
    assert tied["seeds_needed"] is None
    assert "beyond the noise" in power_sentence(None, settled)
    assert "measured the same" in power_sentence(None, tied)
