"""Items of our own families through the harness: quantities, scores of items, and the task that is left beside them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from ptp_core.data import tokenizer as tokenizers
from ptp_core.data.items import Item, load_items
from ptp_core.data.prompts import prompt
from ptp_core.errors import UserError
from ptp_core.measure.harness import FOLDER, RESULTS
from ptp_core.measure.harness_files import read_task
from ptp_core.measure.harness_items import measure_items
from ptp_core.spec.scores import ANSWER_QUANTITIES, CHOICE_QUANTITIES
from ptp_core.stats.clusters import mean_error
from tests.measure import harness_tasks
from tests.tiny import Tiny

Asked = list[tuple[str, Item]]


@pytest.fixture(scope="module")
def model(tiny: Tiny, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return harness_tasks.random_model(tmp_path_factory.mktemp("models") / "random", tiny.tokenizer)


def asked(tiny: Tiny, family: str) -> Asked:
    return [(prompt(item), item) for item in load_items(tiny.task(family), "test")]


def test_choices_are_scored_under_every_length(model: Path, tiny: Tiny, tmp_path: Path) -> None:
    measured = measure_items(model, "kshot_cms", asked(tiny, "cms"), None, tmp_path)
    assert measured.headline == "acc_norm"
    assert set(measured.quantities) == set(CHOICE_QUANTITIES)
    assert [item.id for item in measured.items] == [item.id for _, item in asked(tiny, "cms")]
    assert all(item.logprob is not None for item in measured.items)


def test_free_answers_are_compared_and_the_right_one_is_weighed(model: Path, tiny: Tiny, tmp_path: Path) -> None:
    measured = measure_items(model, "kshot_rag", asked(tiny, "rag"), None, tmp_path)
    assert measured.headline == "exact_match"
    assert set(measured.quantities) == set(ANSWER_QUANTITIES)
    assert all(item.logprob is not None and item.logprob < 0 for item in measured.items)


def test_any_quantity_can_be_the_headline(model: Path, tiny: Tiny, tmp_path: Path) -> None:
    measured = measure_items(model, "kshot_rag", asked(tiny, "rag"), "rouge_l", tmp_path)
    assert measured.headline == "rouge_l"
    with pytest.raises(UserError, match='kshot_rag: there is no metric "rouge"; did you mean "rouge_l"'):
        measure_items(model, "kshot_rag", asked(tiny, "rag"), "rouge", tmp_path)


def test_errors_are_clustered_where_items_name_a_document(model: Path, tiny: Tiny, tmp_path: Path) -> None:
    pairs = [(text, item.model_copy(update={"document": item.id[-1:] < "4"})) for text, item in asked(tiny, "cms")]
    pairs = [(text, item.model_copy(update={"document": str(item.document)})) for text, item in pairs]
    measured = measure_items(model, "quiz", pairs, "correct_prob", tmp_path)
    scores, documents = zip(*((item.score, item.document) for item in measured.items), strict=True)
    assert measured.quantities["correct_prob"].stderr == mean_error(scores, documents)


def test_the_task_is_left_as_files_that_can_be_moved(model: Path, tiny: Tiny, tmp_path: Path) -> None:
    measure_items(model, "quiz", asked(tiny, "rag"), None, tmp_path)
    assert sorted(path.name for path in tmp_path.rglob("*") if path.is_file()) == [
        "docs.jsonl", "quiz.yaml", "quiz_first_answer.yaml", RESULTS, "samples_quiz.jsonl",
        "samples_quiz_first_answer.jsonl",
    ]  # fmt: skip
    for name in ("quiz", "quiz_first_answer"):
        config = read_task(tmp_path / f"{name}.yaml").config
        assert config["dataset_kwargs"] == {"data_files": {"test": "docs.jsonl"}}
        assert config["num_fewshot"] == 0
    written = [path.read_text(encoding="utf-8") for path in tmp_path.glob("*.yaml")]
    assert not any(str(tmp_path) in text for text in [*written, (tmp_path / FOLDER / RESULTS).read_text()])
    assert all(yaml.compose(text) for text in written)


def test_texts_that_look_like_something_else_stay_texts(model: Path, tmp_path: Path) -> None:
    days = ["2020-01-01", "1999-12-31"]
    items = [Item(id=f"2020-01-0{i + 1}", question="7", answers=days[:1], choices=days, answer_idx=0) for i in range(3)]
    measured = measure_items(model, "days", [("7", item) for item in items], None, tmp_path)
    assert [item.id for item in measured.items] == ["2020-01-01", "2020-01-02", "2020-01-03"]
    free = [item.model_copy(update={"choices": None, "answer_idx": None}) for item in items]
    (tmp_path / "free").mkdir()
    assert (
        measure_items(model, "days", [("7", item) for item in free], None, tmp_path / "free").headline == "exact_match"
    )
    line = json.loads((tmp_path / "free" / FOLDER / "samples_days.jsonl").read_text().splitlines()[0])
    assert line["doc"]["answers"] == days[:1]


def test_a_long_prompt_loses_its_beginning(model: Path, tiny: Tiny, tmp_path: Path) -> None:
    filler = "The owl lives in the barn. " * 100
    long = [(filler + text, item) for text, item in asked(tiny, "cms")]
    measured = measure_items(model, "quiz", long, None, tmp_path)
    assert len(measured.items) == len(long)
    (tmp_path / "free").mkdir()
    free = [(filler + text, item) for text, item in asked(tiny, "rag")]
    assert len(measure_items(model, "quiz", free, None, tmp_path / "free", new_tokens=60).items) == len(free)


@pytest.mark.parametrize("family", ["cms", "rag"])
def test_scores_do_not_depend_on_what_else_is_asked(model: Path, family: str, tiny: Tiny, tmp_path: Path) -> None:
    pairs = asked(tiny, family)
    together = {item.id: item for item in measure_items(model, "quiz", pairs, None, tmp_path).items}
    alone = measure_items(model, "quiz", pairs[:1], None, tmp_path).items[0]
    assert alone.score == together[alone.id].score
    assert alone.logprob == pytest.approx(together[alone.id].logprob, abs=1e-5)


@pytest.mark.parametrize("new_tokens", [None, 40, 64, 1000])
def test_an_answer_never_takes_the_room_of_its_question(tiny: Tiny, tmp_path: Path, new_tokens: int | None) -> None:
    small = harness_tasks.random_model(tmp_path / "small", tiny.tokenizer, context=64)
    pairs = asked(tiny, "cbqa")
    measure_items(small, "quiz", pairs, "rouge_l", tmp_path, new_tokens)
    written = yaml.safe_load((tmp_path / "quiz.yaml").read_text().replace("!function ", ""))
    longest = max(len(tokenizers.load(small).encode(text).ids) for text, _ in pairs)
    assert written["generation_kwargs"]["max_gen_toks"] + longest <= 64
