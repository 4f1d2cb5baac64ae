"""Few-shot prompts: the same for every model, and never with the answer to what is asked."""

from __future__ import annotations

import pytest

from ptp_core.data.items import Item, load_items
from ptp_core.measure.fewshot import split_off, with_shots
from tests.tiny import Tiny

POOL = [Item(id=f"p{i}", question=f"Pool {i}?", answers=[f"a{i}"]) for i in range(50)]
ITEM = Item(id="asked", question="What?", answers=["never shown"])


def test_no_example_asks_what_is_scored() -> None:
    thrice = [Item(id=f"{i}-{k}", question=f"What is {i}?", answers=["a"]) for i in range(40) for k in range(3)]
    scored, pool = split_off(thrice, 30)
    assert len(scored) == 30
    assert pool
    assert not {item.question for item in scored} & {item.question for item in pool}


def test_a_prompt_worked_by_hand() -> None:
    assert with_shots(ITEM, POOL[:1], 1) == "question : Pool 0?\nanswer : a0\nquestion : What?\nanswer :"


def test_examples_differ_from_each_other_and_are_as_many_as_asked_for() -> None:
    lines = with_shots(ITEM, POOL, 5).split("\n")
    questions = [line for line in lines if line.startswith("question")]
    assert len(questions) == len(set(questions)) == 6
    assert questions[-1] == "question : What?"


def test_which_examples_depends_on_the_item_alone() -> None:
    assert with_shots(ITEM, POOL, 5) == with_shots(ITEM, POOL, 5)
    others = {with_shots(ITEM.model_copy(update={"id": f"i{i}"}), POOL, 1) for i in range(100)}
    assert 30 < len(others) <= 50


def test_more_examples_begin_with_the_fewer() -> None:
    few, more = (with_shots(ITEM, POOL, shots).split("\nquestion : What?")[0] for shots in (2, 5))
    assert more.startswith(few)


@pytest.mark.parametrize(("pool", "shots"), [(POOL[:3], 5), (POOL[:3], 3), ([], 5), (POOL, 0)])
def test_a_small_pool_gives_what_it_has(pool: list[Item], shots: int) -> None:
    assert with_shots(ITEM, pool, shots).count("question :") == min(len(pool), shots) + 1


@pytest.mark.parametrize("family", ["cms", "rag", "cbqa"])
def test_no_prompt_of_a_finished_task_holds_a_scored_item(tiny: Tiny, family: str) -> None:
    pool, items = (load_items(tiny.task(family), split) for split in ("train", "test"))
    for item in items:
        shown = with_shots(item, pool, len(pool))
        assert all(shown.count(other.question) == (other.id == item.id) for other in items)


def test_only_whole_examples_that_fit_are_shown() -> None:
    full = with_shots(ITEM, POOL, 5)
    limit = len(full) - 1
    shown = with_shots(ITEM, POOL, 5, lambda text: len(text) <= limit)
    assert shown.count("question :") == 5
    assert full.startswith(shown.removesuffix("question : What?\nanswer :"))
    assert with_shots(ITEM, POOL, 5, lambda _text: False) == "question : What?\nanswer :"
