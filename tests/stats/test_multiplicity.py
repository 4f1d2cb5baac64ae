"""Holm's correction: the textbook example, and one false claim in twenty families at most."""

from __future__ import annotations

import numpy as np
import pytest

from ptp_core.stats.multiplicity import holm


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
