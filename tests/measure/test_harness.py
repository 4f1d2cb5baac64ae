"""Measuring with the harness: what is scored and shown, what is kept, and what a broken task looks like."""

from __future__ import annotations

import json
import os
import random
from pathlib import Path
from typing import Any

import pytest

from ptp_core.errors import UserError
from ptp_core.measure import harness_check, harness_registry
from ptp_core.measure.harness import FOLDER, RESULTS, measure_task
from ptp_core.measure.harness_model import harness_model
from ptp_core.measure.measured import Measured, write_items
from ptp_core.spec.harness import HarnessSettings
from ptp_core.spec.scores import CHOICE_QUANTITIES
from ptp_core.stats.clusters import mean_error
from tests.measure import harness_tasks
from tests.measure.harness_tasks import ANSWER, CHOICE, LIKELY, questions
from tests.tiny import Tiny


@pytest.fixture(scope="module")
def model(tiny: Tiny, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return harness_tasks.random_model(tmp_path_factory.mktemp("models") / "random", tiny.tokenizer, context=512)


def samples(folder: Path, name: str = "quiz") -> list[dict[str, Any]]:
    text = (folder / FOLDER / f"samples_{name}.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def measure(model: Path, yaml: Path, folder: Path, **settings: Any) -> Measured:
    folder.mkdir(exist_ok=True)
    return measure_task(model, HarnessSettings.model_validate(settings), yaml, folder)


def shuffling(folder: Path) -> Path:
    """A task that shuffles the choices of each question while it is loaded, as GPQA does."""
    code = """import random

def process_docs(dataset):
    def mixed(doc):
        choices = random.sample(doc["choices"], len(doc["choices"]))
        return {"choices": choices, "answer_idx": choices.index(doc["choices"][doc["answer_idx"]])}
    return dataset.map(mixed)
"""
    (folder / "shuffling.py").write_text(code)
    text = CHOICE + "process_docs: !function shuffling.process_docs\n"
    return harness_tasks.write(folder, "quiz", questions(), text)


def test_all_that_it_reports_and_what_its_answers_say_are_quantities(model: Path, tmp_path: Path) -> None:
    measured = measure(model, harness_tasks.write(tmp_path, "quiz", questions()), tmp_path)
    assert measured.headline == "acc_norm"
    assert set(measured.quantities) == set(CHOICE_QUANTITIES)
    assert {q.n_items for q in measured.quantities.values()} == {24}
    assert [item.id for item in measured.items] == [f"q{i}" for i in range(24)]
    assert sum(item.score for item in measured.items) / 24 == measured.quantities["acc_norm"].value
    write_items(measured.items, tmp_path)


def test_the_harness_files_are_kept_under_names_without_the_time(model: Path, tmp_path: Path) -> None:
    measured = measure(model, harness_tasks.write(tmp_path, "quiz", questions()), tmp_path)
    assert sorted(path.name for path in (tmp_path / FOLDER).iterdir()) == [RESULTS, "samples_quiz.jsonl"]
    kept = json.loads((tmp_path / FOLDER / RESULTS).read_text(encoding="utf-8"))
    assert kept["results"]["quiz"]["acc_norm,none"] == measured.quantities["acc_norm"].value
    assert {"config", "configs", "versions", "n-samples", "task_hashes", "lm_eval_version"} <= set(kept)


def test_what_the_harness_fails_to_save_is_said(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from lm_eval.loggers import EvaluationTracker

    yaml = harness_tasks.write(tmp_path, "quiz", questions(8))
    monkeypatch.setattr(EvaluationTracker, "save_results_samples", lambda self, task_name, samples: None)
    with pytest.raises(UserError, match=r"samples_quiz.jsonl: the harness could not save its results"):
        measure(model, yaml, tmp_path)


@pytest.mark.parametrize("metric", ["acc", "margin_per_char"])
def test_the_metric_asked_for_goes_by_the_name_of_the_measurement(model: Path, metric: str, tmp_path: Path) -> None:
    measured = measure(model, harness_tasks.write(tmp_path, "quiz", questions()), tmp_path, metric=metric)
    assert measured.headline == metric
    mean = sum(item.score for item in measured.items) / 24
    assert mean == pytest.approx(measured.quantities[metric].value)


def test_errors_of_our_quantities_are_clustered_by_document(model: Path, tmp_path: Path) -> None:
    records = [record | {"document": f"d{i // 4}"} for i, record in enumerate(questions())]
    yaml = harness_tasks.write(tmp_path, "quiz", records)
    measured = measure(model, yaml, tmp_path, metric="norm_correct_prob")
    scores, documents = zip(*((item.score, item.document) for item in measured.items), strict=True)
    assert measured.quantities["norm_correct_prob"].stderr == mean_error(scores, documents) != mean_error(scores)


def test_a_likelihood_task_has_the_probability_of_its_answer(model: Path, tmp_path: Path) -> None:
    measured = measure(model, harness_tasks.write(tmp_path, "quiz", questions(), LIKELY), tmp_path)
    assert measured.headline == "acc"
    assert not measured.quantities["perplexity"].higher_is_better
    assert 0 < measured.quantities["correct_prob"].value < measured.quantities["correct_prob_per_char"].value < 1
    assert all(item.logprob is not None and item.logprob < 0 for item in measured.items)


def test_a_blank_to_be_filled_in_is_scored_by_what_follows_it(model: Path, tmp_path: Path) -> None:
    """As in WinoGrande, where every choice makes a question of its own and the answer is the same."""
    text = CHOICE.replace('"Question: {{question}}\\nAnswer:"', '"{{answer_idx}}"')
    text = text.replace('"{{answer_idx}}"\nnum', '"is said."\nnum')
    measured = measure(model, harness_tasks.write(tmp_path, "quiz", questions(), text), tmp_path)
    assert measured.quantities["acc"].value == pytest.approx(
        sum(item.score for item in measure(model, tmp_path / "quiz.yaml", tmp_path, metric="acc").items) / 24
    )
    assert measured.quantities["acc_per_token"].n_items == 24


def test_several_filters_keep_their_names(model: Path, tmp_path: Path) -> None:
    filters = "filter_list:\n" + "".join(
        f"  - {{name: {name}, filter: [{{function: {function}}}, {{function: take_first}}]}}\n"
        for name, function in (("plain", "lowercase"), ("strict-match", "uppercase"))
    )
    yaml = harness_tasks.write(tmp_path, "quiz", questions(8), ANSWER + filters)
    measured = measure(model, yaml, tmp_path, metric="exact_match_strict-match")
    assert set(measured.quantities) == {"exact_match_plain", "exact_match_strict-match"}
    assert measured.headline == "exact_match_strict-match"
    assert len(measured.items) == 8
    assert measure(model, yaml, tmp_path, metric="exact_match").headline == "exact_match_plain"


class TestItems:
    def test_no_example_is_ever_scored(self, model: Path, tmp_path: Path) -> None:
        yaml = harness_tasks.write(tmp_path, "quiz", questions(), shots=3)
        measured = measure(model, yaml, tmp_path)
        assert len(measured.items) == 18
        scored = [sample["doc"]["question"] for sample in samples(tmp_path)]
        for sample in samples(tmp_path):
            prompt = sample["arguments"]["gen_args_0"]["arg_0"]
            *shown, last = prompt.split("Question: ")[1:]
            assert len(shown) == 3
            assert last.startswith(sample["doc"]["question"])
            assert not any(example.startswith(tuple(scored)) for example in shown)

    def test_the_halves_share_none_and_leave_none_out(self, model: Path, tmp_path: Path) -> None:
        yaml = harness_tasks.write(tmp_path, "quiz", [*questions(), questions()[0] | {"id": "again"}])
        parts = [measure(model, yaml, tmp_path, part=part).items for part in ("indicator", "outcome", "all")]
        indicator, outcome, everything = ({item.id for item in items} for items in parts)
        assert indicator | outcome == everything
        assert not indicator & outcome

    def test_the_halves_share_none_where_the_task_shuffles_its_choices(self, model: Path, tmp_path: Path) -> None:
        yaml = shuffling(tmp_path)
        asked = []
        for seed, part in enumerate(("indicator", "outcome")):
            # Every process begins with random numbers of its own.
            random.seed(seed)
            measured = measure(model, yaml, tmp_path, part=part)
            random.seed(seed + 10)
            assert measure(model, yaml, tmp_path, part=part) == measured
            asked.append({sample["doc"]["question"] for sample in samples(tmp_path)})
        assert not asked[0] & asked[1]
        assert len(asked[0] | asked[1]) == 24

    def test_the_halves_share_none_with_examples_on_one_side_either(self, model: Path, tmp_path: Path) -> None:
        yaml = harness_tasks.write(tmp_path, "quiz", questions(48), CHOICE.replace("num_fewshot: SHOTS\n", ""))
        seen = []
        for shots, part in ((3, "indicator"), (0, "outcome"), (2, "outcome")):
            measure(model, yaml, tmp_path, shots=shots, part=part)
            seen.append(" ".join(sample["arguments"]["gen_args_0"]["arg_0"] for sample in samples(tmp_path)))
        asked = [record["question"] for record in questions(48)]
        # Neither asked nor shown: what one half sees, the other does not.
        indicator, *outcomes = [{question for question in asked if question in text} for text in seen]
        assert len(indicator) == 24
        assert not any(indicator & outcome for outcome in outcomes)

    def test_the_same_text_is_on_one_side_only(self, model: Path, tmp_path: Path) -> None:
        twice = [record | {"id": "same"} for record in questions(12)] * 2
        yaml = harness_tasks.write(tmp_path, "quiz", twice, shots=1)
        texts = []
        for part in ("indicator", "outcome"):
            measure(model, yaml, tmp_path, part=part)
            texts.append({sample["doc"]["question"] for sample in samples(tmp_path)})
        assert not texts[0] & texts[1]

    def test_fewer_are_a_part_of_more_and_their_numbers_are_those_of_the_file(
        self, model: Path, tmp_path: Path
    ) -> None:
        yaml = harness_tasks.write(tmp_path, "quiz", questions())
        few = {item.id for item in measure(model, yaml, tmp_path, max_items=5).items}
        assert all(sample["doc"]["id"] == f"q{sample['doc_id']}" for sample in samples(tmp_path))
        many = {item.id for item in measure(model, yaml, tmp_path, max_items=9).items}
        assert (len(few), len(many), few < many) == (5, 9, True)

    def test_shared_items_are_the_first_of_the_file_and_examples_may_be_among_them(
        self, model: Path, tmp_path: Path
    ) -> None:
        yaml = harness_tasks.write(tmp_path, "quiz", questions(), shots=2)
        measured = measure(model, yaml, tmp_path, items="shared", max_items=5)
        assert [item.id for item in measured.items] == [f"q{i}" for i in range(5)]

    def test_examples_of_another_split_cost_no_scored_item_unless_they_are_the_same(
        self, model: Path, tmp_path: Path
    ) -> None:
        yaml = harness_tasks.write(tmp_path, "quiz", questions(12), shots=2)
        harness_tasks.tiny_study.write_lines(tmp_path / "train.jsonl", [*questions(24)[12:], *questions(4)])
        text = yaml.read_text().replace("{test: quiz.jsonl}", "{test: quiz.jsonl, train: train.jsonl}")
        yaml.write_text(text.replace("test_split: test", "test_split: test\ntraining_split: train"))
        assert len(measure(model, yaml, tmp_path).items) == 12
        scored = tuple(record["question"] for record in questions(12))
        for sample in samples(tmp_path):
            shown = sample["arguments"]["gen_args_0"]["arg_0"].split("Question: ")[1:-1]
            assert not any(example.startswith(scored) for example in shown)

    def test_more_examples_than_there_are_is_one_message(self, model: Path, tmp_path: Path) -> None:
        yaml = harness_tasks.write(tmp_path, "quiz", questions(8), shots=5)
        with pytest.raises(
            UserError, match=r"quiz: 5 examples and one to spare cannot be had .* got 2; ask for fewer shots"
        ):
            measure(model, yaml, tmp_path)


@pytest.fixture
def group(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A registry that knows a group of two tasks and nothing else."""
    folder = tmp_path / "registry"
    harness_tasks.write_group(folder, {"short": 16, "long": 24})
    known = harness_registry.scan(folder)
    monkeypatch.setattr(harness_check, "names", lambda: known)
    monkeypatch.setattr(harness_check, "tasks_folder", lambda: folder)


@pytest.mark.usefixtures("group")
class TestGroups:
    def test_are_summed_up_by_the_harness(self, model: Path, tmp_path: Path) -> None:
        measured = measure_task(model, HarnessSettings(task="quizzes", items="shared"), None, tmp_path)
        right = [item.score for item in measured.items]
        assert measured.headline == "acc"
        assert measured.quantities["acc"].value == pytest.approx(sum(right) / 40)
        assert {q.n_items for q in measured.quantities.values()} == {40}
        assert [item.id for item in measured.items][15:17] == ["short/q15", "long/q0"]
        assert {path.name for path in (tmp_path / FOLDER).iterdir()} == {
            RESULTS, "samples_short.jsonl", "samples_long.jsonl",
        }  # fmt: skip

    def test_have_a_part_of_every_task(self, model: Path, tmp_path: Path) -> None:
        parts = []
        for part in ("indicator", "outcome"):
            settings = HarnessSettings.model_validate({"task": "quizzes", "part": part})
            parts.append({item.id for item in measure_task(model, settings, None, tmp_path).items})
        assert not parts[0] & parts[1]
        assert (
            {name.split("/")[0] for name in parts[0]} == {name.split("/")[0] for name in parts[1]} == {"short", "long"}
        )


class TestOtherTasks:
    def test_numbers_do_not_depend_on_what_was_measured_before(self, model: Path, tmp_path: Path) -> None:
        yaml = harness_tasks.write(tmp_path, "quiz", questions(), shots=2)
        other = harness_tasks.write(tmp_path, "other", questions(9), ANSWER, shots=1)
        first = measure(model, yaml, tmp_path)
        measure(model, other, tmp_path / "o")
        again = measure(model, yaml, tmp_path)
        harness_model.cache_clear()
        assert first == again == measure(model, yaml, tmp_path)


class TestBroken:
    def test_code_that_fails_is_named_with_its_line(self, model: Path, tmp_path: Path) -> None:
        text = CHOICE + "process_results: !function own.judge\n"
        (tmp_path / "own.py").write_text("def judge(doc, results):\n    return {'acc': 1 / 0}\n")
        yaml = harness_tasks.write(tmp_path, "quiz", questions(), text)
        with pytest.raises(UserError) as caught:
            measure(model, yaml, tmp_path)
        assert str(caught.value) == (
            f"{tmp_path / 'own.py'}:2 quiz: the harness could not compute this task; "
            "got 'ZeroDivisionError: division by zero'"
        )
        assert not (tmp_path / FOLDER).exists()

    @pytest.mark.parametrize(
        ("before", "after"),
        [
            ("doc_to_choice: choices", "doc_to_choice: chioces"),
            ("aggregation: mean", "aggregation: meen"),
        ],
    )
    def test_a_task_that_the_harness_refuses_is_named(
        self, before: str, after: str, model: Path, tmp_path: Path
    ) -> None:
        yaml = harness_tasks.write(tmp_path, "quiz", questions(), CHOICE.replace(before, after))
        with pytest.raises(UserError, match=r"quiz.yaml quiz: the harness could not compute this task") as caught:
            measure(model, yaml, tmp_path)
        assert "\n" not in str(caught.value)

    def test_data_cut_in_the_middle_are_named(self, model: Path, tmp_path: Path) -> None:
        yaml = harness_tasks.write(tmp_path, "quiz", questions())
        whole = (tmp_path / "quiz.jsonl").read_text()
        (tmp_path / "quiz.jsonl").write_text(whole[: len(whole) // 2])
        with pytest.raises(UserError, match="quiz: the harness could not compute this task"):
            measure(model, yaml, tmp_path)

    def test_data_on_a_hub_while_offline(self, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        import datasets
        from huggingface_hub import constants

        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
        monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
        with pytest.raises(UserError, match=r"baber/piqa piqa: the data of this task are on a hub") as caught:
            measure_task(model, HarnessSettings(task="piqa"), None, tmp_path)
        assert "\n" not in str(caught.value)
        assert "HF_HUB_OFFLINE" in str(caught.value)


def test_leave_to_execute_code_is_given_to_one_task_only(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HF_ALLOW_CODE_EVAL", raising=False)
    measure(model, harness_tasks.write(tmp_path, "quiz", questions(4)), tmp_path, allow_code=True)
    assert "HF_ALLOW_CODE_EVAL" not in os.environ
