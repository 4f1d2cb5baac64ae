"""Subset and validation: disjoint, complete, and decided by ids alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ptp_core.data.items import Item
from ptp_core.errors import UserError
from ptp_core.training.item_splits import split, subset

ids = st.lists(st.text(min_size=1, max_size=8), min_size=2, max_size=60, unique=True)


def items(names: list[str]) -> list[Item]:
    return [Item(id=name, question=f"{name.encode().hex()}?", answers=["a"]) for name in names]


@given(ids, st.integers(1, 80), st.floats(0.001, 0.999))
def test_no_item_is_both_trained_on_and_validated_on(names: list[str], count: int, share: float) -> None:
    used = subset(items(names), max(count, 2))
    training, validation = split(used, share)
    assert len(used) == min(max(count, 2), len(names))
    assert {item.id for item in training} | {item.id for item in validation} == {item.id for item in used}
    assert len(training) + len(validation) == len(used)
    assert training
    assert validation


@given(ids, st.floats(0.01, 0.99), st.randoms())
def test_the_order_of_the_file_does_not_decide(names: list[str], share: float, random: object) -> None:
    shuffled = sorted(names)
    for function in (lambda n: split(items(n), share)[1], lambda n: subset(items(n), 3)):
        assert {item.id for item in function(names)} == {item.id for item in function(shuffled)}


@given(ids, st.integers(1, 10))
def test_a_smaller_subset_lies_in_a_larger_one(names: list[str], count: int) -> None:
    small, large = (({item.id for item in subset(items(names), n)}) for n in (count, count + 5))
    assert small <= large


def test_a_question_that_is_asked_three_times_is_on_one_side_only() -> None:
    thrice = [Item(id=f"{i}-{k}", question=f"What  is {i}?", answers=["a"]) for i in range(40) for k in range(3)]
    training, validation = split(thrice, 0.25)
    assert len(validation) == 30
    assert not {item.question for item in training} & {item.question for item in validation}


def test_without_a_share_all_items_are_trained_on() -> None:
    assert split(items(["a", "b"]), 0.0) == (items(["a", "b"]), [])


def test_one_item_cannot_be_split() -> None:
    with pytest.raises(UserError, match="at least two different questions"):
        split(items(["a"]), 0.5)
