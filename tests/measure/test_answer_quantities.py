"""Quantities of answers: each is what its definition says, on numbers that can be worked out by hand."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ptp_core.measure.answer_quantities import Answers, answer_quantities, choice_quantities

QUARTER, HALF, EIGHTH = math.log(0.25), math.log(0.5), math.log(0.125)


def test_of_three_choices_the_second_is_right() -> None:
    found = choice_quantities(Answers([HALF, QUARTER, EIGHTH], [1, 2, 3], [1, 2, 1], [1]))
    assert found == pytest.approx({
        "acc": 0.0, "correct_prob": 0.25, "margin": -0.25, "total_prob": 0.875, "norm_correct_prob": 0.25 / 0.875,
        # All are one half a character: the first of equals is taken, as the harness does.
        "acc_norm": 0.0, "correct_prob_per_char": 0.5, "margin_per_char": 0.0, "total_prob_per_char": 1.5,
        "acc_per_token": 0.0, "correct_prob_per_token": 0.5, "margin_per_token": 0.0, "total_prob_per_token": 1.125,
    })  # fmt: skip


def test_length_decides_which_choice_wins() -> None:
    found = choice_quantities(Answers([HALF, QUARTER], [1, 10], [1, 1], [1]))
    assert (found["acc"], found["acc_norm"], found["acc_per_token"]) == (0.0, 1.0, 0.0)


def test_of_several_right_choices_the_likeliest_counts() -> None:
    found = choice_quantities(Answers([EIGHTH, QUARTER, HALF], [1, 1, 1], [1, 1, 1], [0, 1]))
    assert (found["correct_prob"], found["margin"]) == pytest.approx((0.25, -0.25))


def test_the_share_of_the_right_choice_survives_probabilities_that_underflow() -> None:
    found = choice_quantities(Answers([-2000.0, -2000.0 + HALF], [9, 9], [3, 3], [0]))
    assert found["correct_prob"] == 0.0
    assert found["norm_correct_prob"] == pytest.approx(2 / 3)


def test_a_right_answer_without_rivals() -> None:
    found = answer_quantities(QUARTER, 2, 1)
    assert found == pytest.approx({"correct_prob": 0.25, "correct_prob_per_char": 0.5, "correct_prob_per_token": 0.25})


@given(st.lists(st.floats(-50, 0), min_size=2, max_size=6), st.data())
def test_all_lie_where_they_are_said_to(logprobs: list[float], data: st.DataObject) -> None:
    right = data.draw(st.integers(0, len(logprobs) - 1))
    found = choice_quantities(Answers(logprobs, [3] * len(logprobs), [2] * len(logprobs), [right]))
    for name, value in found.items():
        low, high = (-1, 1) if name.startswith("margin") else (0, len(logprobs) if name.startswith("total") else 1)
        assert low <= value <= high, name
