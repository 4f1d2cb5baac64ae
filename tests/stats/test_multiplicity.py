"""Holm: one false claim in twenty families at most. Benjamini–Hochberg: one false one in twenty noted."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from ptp_core.stats.multiplicity import benjamini_hochberg, holm
from ptp_core.stats.permutation import permutation_p
from tests.stats.designs import Design


def test_a_family_of_four_by_hand() -> None:
    assert holm(np.array([0.01, 0.04, 0.03, 0.005])) == pytest.approx([0.03, 0.06, 0.06, 0.02])


def test_a_test_that_could_not_be_made_is_not_counted() -> None:
    adjusted = holm(np.array([0.01, np.nan, 0.04]))
    assert adjusted[[0, 2]] == pytest.approx([0.02, 0.04])
    assert np.isnan(adjusted[1])
    assert holm(np.array([])).shape == (0,)


def test_adjusted_values_keep_their_order_and_stay_below_one() -> None:
    p_values = np.random.default_rng(0).uniform(size=40)
    adjusted = holm(p_values)
    assert (np.diff(adjusted[np.argsort(p_values)]) >= 0).all()
    assert (adjusted >= p_values).all()
    assert adjusted.max() <= 1


def test_at_most_one_family_in_twenty_holds_a_false_claim() -> None:
    rng = np.random.default_rng(1)
    families = rng.uniform(size=(4000, 15))
    families[:, :5] = 0.0  # five true effects must not open the door for the ten false ones
    false_claims = [(holm(family)[5:] <= 0.05).any() for family in families]
    assert np.mean(false_claims) <= 0.06


def test_the_rate_of_four_by_hand() -> None:
    assert benjamini_hochberg(np.array([0.01, 0.04, 0.03, 0.005])) == pytest.approx([0.02, 0.04, 0.04, 0.02])


def test_the_rate_agrees_with_scipy() -> None:
    from scipy.stats import false_discovery_control

    p_values = np.random.default_rng(2).uniform(size=60) ** 3
    assert benjamini_hochberg(p_values) == pytest.approx(false_discovery_control(p_values))
    with_gap = np.insert(p_values, 7, np.nan)
    assert np.delete(benjamini_hochberg(with_gap), 7) == pytest.approx(benjamini_hochberg(p_values))


def test_one_in_twenty_of_what_is_noted_is_false() -> None:
    rng = np.random.default_rng(3)
    shares = []
    for _ in range(3000):
        p_values = rng.uniform(size=40)
        p_values[:15] **= 8  # true effects of all sizes
        noted = benjamini_hochberg(p_values) <= 0.05
        shares.append(noted[15:].sum() / max(1, noted.sum()))
    assert np.mean(shares) == pytest.approx(0.05 * 25 / 40, abs=0.005)


def test_it_notes_at_least_what_holm_claims() -> None:
    p_values = np.random.default_rng(4).uniform(size=30) ** 2
    assert (benjamini_hochberg(p_values) <= holm(p_values)).all()


@pytest.mark.parametrize("alike", [0.0, 0.5, 0.95])
def test_both_hold_for_tests_that_depend_on_each_other(alike: float) -> None:
    """Four real effects and eleven false ones, as the claims of one study: indicators of the same variants."""
    rng = np.random.default_rng(5)
    scores = np.sqrt(alike) * rng.normal(size=(4000, 1)) + np.sqrt(1 - alike) * rng.normal(size=(4000, 15))
    scores[:, :4] += 3
    claims, shares = 0, 0.0
    for p_values in norm.sf(scores):
        claims += bool((holm(p_values)[4:] <= 0.05).any())
        noted = benjamini_hochberg(p_values) <= 0.05
        shares += noted[4:].sum() / max(1, noted.sum())
    assert claims / 4000 <= 0.05 + 0.007
    assert shares / 4000 <= 0.05 + 0.007


@pytest.mark.slow
def test_at_most_one_study_in_twenty_claims_an_unrelated_indicator() -> None:
    rng, false_claims = np.random.default_rng(6), 0
    for _ in range(1000):
        indicators, outcome = Design(20, ties=True).draw([0.8] + [0.0] * 4, rng, shared=0.5)
        p_values = permutation_p(indicators, outcome, permutations=999, rng=rng)
        false_claims += bool((holm(p_values)[1:] <= 0.05).any())
    assert false_claims / 1000 <= 0.05 + 0.014
