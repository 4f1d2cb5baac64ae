"""A task that cannot be measured as asked is named in one line, before anything is run or downloaded."""

from __future__ import annotations

from pathlib import Path

import pytest

from ptp_core.errors import UserError, Where
from ptp_core.measure.harness_check import check_task, headline_of, metrics_of_task
from ptp_core.measure.harness_files import hub_of, read_task
from ptp_core.spec.harness import HarnessSettings
from tests.measure import harness_tasks

SPEC = Where("study.yaml", 7)


def refused(settings: dict[str, object], yaml: Path | None = None) -> str:
    with pytest.raises(UserError) as caught:
        check_task(HarnessSettings.model_validate(settings), yaml, SPEC)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def local(folder: Path, text: str) -> Path:
    (folder / "t.yaml").write_text(text, encoding="utf-8")
    return folder / "t.yaml"


def test_a_task_of_the_registry_is_found_with_what_it_includes() -> None:
    task = check_task(HarnessSettings(task="arc_challenge"))
    assert (task.config["dataset_name"], task.config["test_split"]) == ("ARC-Challenge", "test")
    assert [path.name for path in task.files] == ["arc_challenge.yaml", "arc_easy.yaml"]


def test_an_unknown_name_brings_the_nearest() -> None:
    assert refused({"task": "helaswag"}) == (
        'study.yaml:7 helaswag: the harness has no task of this name; did you mean "hellaswag"?'
    )


def test_tags_bring_their_tasks() -> None:
    assert "this is a tag of several tasks; name its tasks: arc_challenge, arc_easy" in refused({"task": "ai2_arc"})


def test_nothing_to_score(tmp_path: Path) -> None:
    yaml = local(tmp_path, "task: t\ndataset_path: json\ntraining_split: train\n")
    assert "t: this task has no test split and no validation split, so nothing can be scored" in refused({}, yaml)


def test_generated_code_is_executed_with_leave_only() -> None:
    assert "humaneval: this task executes code that the model has written; set `allow_code: true`" in refused(
        {"task": "humaneval"}
    )
    assert check_task(HarnessSettings(task="humaneval", allow_code=True)).config["unsafe_code"]


def test_a_metric_that_it_does_not_have() -> None:
    assert 'piqa: this task has no metric "acc_nrm"; did you mean "acc_norm"?' in refused(
        {"task": "piqa", "metric": "acc_nrm"}
    )


@pytest.mark.parametrize("metric", ["acc", "margin_per_char", "norm_correct_prob"])
def test_quantities_of_answers_are_metrics_too(metric: str) -> None:
    check_task(HarnessSettings(task="piqa", metric=metric))


def test_examples_that_the_harness_would_leave_out_without_a_word(tmp_path: Path) -> None:
    yaml = local(tmp_path, "task: t\ndataset_path: baber/piqa\ntest_split: test\nnum_fewshot: 0\n")
    assert "only ever asked without examples (num_fewshot: 0); got 'shots: 5'" in refused({"shots": 5}, yaml)


@pytest.mark.parametrize("key", ["doc_to_image", "doc_to_audio"])
def test_images_and_sound(key: str, tmp_path: Path) -> None:
    yaml = local(tmp_path, f"task: t\ndataset_path: a/b\ntest_split: test\n{key}: picture\n")
    assert "which a text model cannot read" in refused({}, yaml)


@pytest.mark.parametrize("name", ["../../etc", "a/b", ".hidden", "", "x" * 300])
def test_a_name_never_becomes_a_path(name: str, tmp_path: Path) -> None:
    yaml = local(tmp_path, f'task: "{name}"\ndataset_path: a/b\ntest_split: test\n')
    assert "t.yaml:1" in refused({}, yaml)


def test_a_data_file_that_is_missing(tmp_path: Path) -> None:
    yaml = harness_tasks.write(tmp_path, "quiz", [])
    (tmp_path / "quiz.jsonl").unlink()
    assert "quiz.yaml:3: no such data file; got 'quiz.jsonl'" in refused({}, yaml)


def test_metrics_are_known_without_running_the_task(tmp_path: Path) -> None:
    yaml = local(tmp_path, "task: t\noutput_type: loglikelihood\nmetric_list: [{metric: !function m.best}]\n")
    assert metrics_of_task(read_task(yaml)) == [
        "best",
        "correct_prob",
        "correct_prob_per_char",
        "correct_prob_per_token",
    ]
    assert metrics_of_task(check_task(HarnessSettings(task="squadv2"))) is None


STRICT, FLEXIBLE = "exact_match_strict-match", "exact_match_flexible-extract"


@pytest.mark.parametrize(
    ("metric", "found", "headline"),
    [
        (None, ["acc", "acc_norm"], "acc_norm"),
        ("acc", ["acc_norm", "acc"], "acc"),
        (None, ["bleu", "f1"], "f1"),
        (None, ["bleu", "ter"], "bleu"),
        (None, [STRICT, FLEXIBLE], STRICT),
        ("exact_match", [STRICT, FLEXIBLE], STRICT),
        (FLEXIBLE, [STRICT, FLEXIBLE], FLEXIBLE),
        ("f2", ["f1"], None),
        (None, [], None),
    ],
)
def test_the_headline_is_the_one_asked_for_or_the_first_preferred(
    metric: str | None, found: list[str], headline: str | None
) -> None:
    metrics = {name: "exact_match" if name.startswith("exact") else name for name in found}
    assert headline_of(metric, metrics) == headline


def test_a_group_is_checked_task_by_task() -> None:
    task = check_task(HarnessSettings(task="mmlu", shots=5, metric="acc"))
    assert len(task.members) == 57
    assert hub_of(task) == "cais/mmlu"
    assert "mmlu: a group has many data sets" in refused({"task": "mmlu", "revision": "abc"})
    assert 'mmlu: this task has no metric "f1"' in refused({"task": "mmlu", "metric": "f1"})


def test_a_group_that_is_summed_up_to_no_score_and_one_in_a_file(tmp_path: Path) -> None:
    assert "pythia: the harness sums this group up to no score; name its tasks: lambada_openai, logiqa" in refused(
        {"task": "pythia"}
    )
    yaml = local(tmp_path, "group: g\ntask: [piqa, {task: arc_easy}]\naggregate_metric_list: [{metric: acc}]\n")
    assert "a group of tasks is not read from a file; name its tasks: piqa, arc_easy" in refused({}, yaml)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("doc_to_txt: a", "t.yaml:5: the harness knows no key 'doc_to_txt' of a task; did you mean \"doc_to_text\"?"),
        ("1: 2", "t.yaml:5: the harness knows no key 1 of a task"),
        ("output_type: multiple_choices", "t.yaml:5 output_type: this cannot be right; expected one of "),
        ("metric_list: 5", "t.yaml:5 metric_list: this cannot be right; expected a list of {metric: "),
        ("metric_list: [acc]", "t.yaml:5 metric_list: this cannot be right; expected a list of {metric: "),
        ("metric_list: [{aggregation: mean}]", "t.yaml:5 metric_list: this cannot be right; "),
        ("filter_list: {a: b}", "t.yaml:5 filter_list: this cannot be right; expected a list of {name: "),
        ("num_fewshot: five", "t.yaml:5 num_fewshot: this cannot be right; expected a whole number, 0 or "),
        ("num_fewshot: true", "t.yaml:5 num_fewshot: this cannot be right; "),
        ("generation_kwargs: 5", "t.yaml:5 generation_kwargs: this cannot be right; expected keys with values"),
        ("process_docs: clean", "t.yaml:5 process_docs: this cannot be right; expected !function <file>.<function>"),
        ("validation_split: test", "t.yaml:5 validation_split: there are no data files of this split; expected quiz"),
    ],
)  # fmt: skip
def test_what_the_harness_cannot_use_is_found_before_anything_trains(line: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text("{}\n")
    text = "task: t\ndataset_path: json\ndataset_kwargs: {data_files: {quiz: a.jsonl}}\ntest_split: quiz\n"
    check_task(HarnessSettings(), local(tmp_path, text))
    assert message in refused({}, local(tmp_path, f"{text}{line}\n"))


def test_files_without_a_split_are_those_of_train(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text("{}\n")
    text = "task: t\ndataset_path: json\ndataset_kwargs: {data_files: a.jsonl}\ntest_split: SPLIT\n"
    check_task(HarnessSettings(), local(tmp_path, text.replace("SPLIT", "train")))
    assert "t.yaml:4 test_split: there are no data files of this split; expected train, got 'test'" in refused(
        {}, local(tmp_path, text.replace("SPLIT", "test"))
    )
