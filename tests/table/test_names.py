"""Which names are headlines, and which are quantities of one."""

from __future__ import annotations

import pytest

from ptp_core.table.names import belongs_to, headline_of, headlines

KNOWN = ("ppl_sc(0.5,8)", "ppl_sc(0.5,8).bits_per_byte@facts", "kshot", "kshot.margin", "kshot2", "v1.2", "recall@5")


def test_a_quantity_belongs_to_the_headline_before_its_mark() -> None:
    assert headline_of("kshot.margin", KNOWN) == "kshot"
    assert headline_of("ppl_sc(0.5,8).bits_per_byte@facts", KNOWN) == "ppl_sc(0.5,8)"


def test_marks_inside_parentheses_cut_nothing() -> None:
    assert headline_of("f(0.5)", {"f(0", "f(0.5)"}) == "f(0.5)"


def test_free_names_of_a_users_columns_are_headlines() -> None:
    assert headlines(KNOWN) == ["ppl_sc(0.5,8)", "kshot", "kshot2", "v1.2", "recall@5"]


@pytest.mark.parametrize("name", [".hidden", "@x", "a..b", "((", "))a.b", "", "ü.ß"])
def test_odd_names_are_their_own_headlines(name: str) -> None:
    assert headline_of(name, {name}) == name


def test_a_task_owns_its_quantities_but_not_its_namesakes() -> None:
    assert belongs_to("quiz", "quiz")
    assert belongs_to("quiz.f1", "quiz")
    assert not belongs_to("quiz2", "quiz")
