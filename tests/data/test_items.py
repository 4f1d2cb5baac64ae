"""Task items: what cannot be asked or scored is refused where it stands; what is kept survives as it is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ptp_core.data import build_items, items
from ptp_core.data.items import Item, chance, completion, load_items, prompt, read_items
from ptp_core.errors import UserError
from ptp_core.work import Metrics
from tests import tiny as tiny_study
from tests.tiny import write_lines

CBQA: dict[str, Any] = {"id": "1", "question": "What colour?", "answers": ["red", "dark red"]}
RAG = CBQA | {"context": "It is red."}
CMS = CBQA | {"choices": ["blue", "red"], "answer_idx": 1}


def without(item: dict[str, Any], *keys: str) -> dict[str, Any]:
    return {key: value for key, value in item.items() if key not in keys}


BAD: list[tuple[str, dict[str, Any], str]] = [
    ("cbqa", without(CBQA, "id"), "id: Field required"),
    ("cbqa", CBQA | {"id": 7}, "id: Input should be a valid string"),
    ("cbqa", without(CBQA, "question"), "question: Field required"),
    ("cbqa", CBQA | {"question": None}, "question: Input should be a valid string"),
    ("cbqa", without(CBQA, "answers"), "answers: Field required"),
    ("cbqa", CBQA | {"answers": "red"}, "answers: Input should be a valid list"),
    ("cbqa", CBQA | {"answers": []}, "the item has no answer"),
    ("cbqa", CBQA | {"answers": ["red", " "]}, "the item has no answer"),
    ("cbqa", RAG, "a cbqa item is asked without a context; remove it, or use the family rag"),
    ("rag", CBQA, "a rag item needs a context"),
    ("rag", CBQA | {"context": ""}, "a rag item needs a context"),
    ("cms", CBQA, "a cms item needs choices and answer_idx"),
    ("cms", without(CMS, "answer_idx"), "answer_idx does not point into choices"),
    ("cms", CMS | {"answer_idx": 2}, "answer_idx does not point into choices"),
    ("cms", CMS | {"answer_idx": -1}, "answer_idx does not point into choices"),
    ("cms", CMS | {"answer_idx": "1"}, "answer_idx: Input should be a valid integer"),
    ("cms", CMS | {"choices": ["red"], "answer_idx": 0}, "a choice needs two answers to choose from"),
    ("cms", CMS | {"choices": ["", "red"]}, "a choice is empty"),
    ("cms", CMS | {"choices": ["blue", 3]}, r"choices\.1: Input should be a valid string"),
]


@pytest.mark.parametrize(("family", "bad", "message"), BAD, ids=[f"{family}: {what}" for family, _, what in BAD])
def test_a_bad_item_is_named_by_file_and_line(tmp_path: Path, family: str, bad: dict[str, Any], message: str) -> None:
    good = {"cbqa": CBQA, "rag": RAG, "cms": CMS}[family] | {"id": "0"}
    path = write_lines(tmp_path / "t.jsonl", [good, bad])
    with pytest.raises(UserError, match=message) as caught:
        list(read_items(path, family))
    assert str(caught.value).startswith(f"{path}:2")


def test_an_id_used_twice_is_refused_with_both_lines(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_text("\n".join(["", json.dumps(CBQA), json.dumps(CBQA | {"id": "2"}), json.dumps(CBQA)]))
    with pytest.raises(UserError, match=r"t.jsonl:4: this id was used on line 2 already; got '1'"):
        list(read_items(path, "cbqa"))


@pytest.mark.parametrize("content", ["", "\n\n"])
def test_a_file_without_items_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "t.jsonl").write_text(content)
    with pytest.raises(UserError, match="there are no items in this file"):
        list(read_items(tmp_path / "t.jsonl", "cbqa"))


def test_keys_that_are_not_known_are_passed_over(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "t.jsonl", [CBQA | {"source": "nowhere"}])
    assert list(read_items(path, "cbqa")) == [Item(**CBQA)]


def run(folder: Path, family: str, train: list[Any], test: list[Any], **settings: Any) -> Metrics:
    folder.mkdir(parents=True, exist_ok=True)
    inputs = {"train": (write_lines(folder / "in.1", train),), "test": (write_lines(folder / "in.2", test),)}
    return tiny_study.make(build_items.run, folder, {"family": family} | settings, inputs=inputs)


def numbered(count: int, start: int = 0) -> list[dict[str, Any]]:
    return [CBQA | {"id": f"i{i}", "question": f"What colour is {i}?"} for i in range(start, start + count)]


class TestTheStage:
    def test_writes_both_splits_and_counts_them(self, tmp_path: Path) -> None:
        metrics = run(tmp_path, "cms", [CMS | {"question": "A?"}], [CMS, CMS | {"id": "2", "choices": list("abcd")}])
        assert metrics == {"train_items": 1, "test_items": 2, "train_items_in_test": 0, "chance": (1 / 2 + 1 / 4) / 2}
        assert [item.id for item in load_items(tmp_path, "test")] == ["1", "2"]

    def test_keeps_every_character(self, tmp_path: Path) -> None:
        odd = 'a\r\nb\u2028c\u0085d\x1ee "quoted" \\ 😀\t'
        run(tmp_path, "rag", [RAG | {"question": odd, "context": odd, "answers": [odd]}], [RAG])
        item = load_items(tmp_path, "train")[0]
        assert (item.question, item.context, item.answers) == (odd, odd, [odd])

    def test_tests_what_is_in_both_splits_and_does_not_train_on_it(self, tmp_path: Path) -> None:
        same = [item | {"id": f"other {item['id']}"} for item in numbered(3)]
        metrics = run(tmp_path, "cbqa", numbered(10, start=3) + same, numbered(5))
        assert (metrics["train_items"], metrics["train_items_in_test"]) == (8, 5)
        asked = {split: {item.question for item in load_items(tmp_path, split)} for split in items.SPLITS}
        assert not asked["train"] & asked["test"]

    def test_knows_the_same_question_by_other_choices_case_and_spaces(self, tmp_path: Path) -> None:
        other = CMS | {"id": "other", "question": "Another one?"}
        twins = [CMS | {"choices": ["green", "red"]}, CMS | {"id": "2", "question": f"  {CMS['question'].upper()} "}]
        metrics = run(tmp_path, "cms", [*twins, other], [CMS])
        assert (metrics["train_items"], metrics["train_items_in_test"]) == (1, 2)

    def test_refuses_one_file_for_both_splits(self, tmp_path: Path) -> None:
        with pytest.raises(UserError, match="every training item is also a test item; give two different files"):
            run(tmp_path, "cbqa", numbered(5), numbered(5))

    def test_takes_the_items_of_the_world(self, tmp_path: Path) -> None:
        settings = {"family": "cbqa", "world": {"words": 2000, "train_items": 8, "test_items": 8}}
        metrics = tiny_study.make(build_items.run, tmp_path, settings)
        assert metrics["train_items"] == metrics["test_items"] == 8


class TestSampling:
    def sample(self, folder: Path, train: list[Any], limit: int) -> list[str]:
        run(folder, "cbqa", train, numbered(3, start=1000), max_train=limit, max_test=2)
        assert len(load_items(folder, "test")) == 2
        return [item.id for item in load_items(folder, "train")]

    def test_is_stable_and_keeps_the_order_of_the_file(self, tmp_path: Path) -> None:
        one, two = (self.sample(tmp_path / name, numbered(40), 10) for name in ("one", "two"))
        assert one == two == sorted(one, key=lambda name: int(name[1:]))
        assert len(one) == 10

    def test_does_not_depend_on_where_an_item_stands(self, tmp_path: Path) -> None:
        there = self.sample(tmp_path / "there", numbered(40), 10)
        back = self.sample(tmp_path / "back", numbered(40)[::-1], 10)
        assert back == there[::-1]

    def test_of_fewer_items_is_part_of_a_sample_of_more(self, tmp_path: Path) -> None:
        few, more = (self.sample(tmp_path / str(limit), numbered(40), limit) for limit in (5, 15))
        assert set(few) < set(more)

    def test_beyond_all_items_takes_all(self, tmp_path: Path) -> None:
        assert len(self.sample(tmp_path, numbered(4), 10)) == 4


class TestPrompts:
    def test_put_the_context_first_and_end_where_the_answer_begins(self) -> None:
        assert prompt(Item(**CBQA)) == "question : What colour?\nanswer :"
        assert prompt(Item(**RAG)) == "It is red.\nquestion : What colour?\nanswer :"

    def test_go_on_with_the_right_choice_or_the_first_answer(self) -> None:
        assert completion(Item(**CMS | {"answers": ["not read"]})) == " red"
        assert completion(Item(**CMS | {"choices": ["red", "blue"], "answer_idx": 0})) == " red"
        assert completion(Item(**CBQA)) == " red"


def test_chance_is_that_of_guessing_among_the_choices() -> None:
    two, four = Item(**CMS), Item(**CMS | {"choices": list("abcd")})
    assert chance([two, four, four, four]) == pytest.approx((1 / 2 + 3 / 4) / 4)
    assert chance([Item(**CBQA)]) == 0.0
    assert chance([]) == 0.0
