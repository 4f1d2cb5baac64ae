"""What is found in a study's files before anything runs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from ptp_core.engine import check
from ptp_core.engine.check import check_study
from ptp_core.engine.workflow import prepare
from ptp_core.errors import UserError
from ptp_core.files import write_atomically
from ptp_core.spec.objective import normalise
from tests.data.test_pretrained_tokenizer import make_foreign
from tests.engine.good_study import TABLE, edit, listing, put, remove


@pytest.fixture(autouse=True)
def _in_the_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)


def complaint(name: str) -> str:
    with pytest.raises(UserError) as caught:
        check_study(Path(name))
    return str(caught.value)


def test_good_studies_are_handed_on() -> None:
    assert len(check_study(Path("study.yaml")).variants) == 4
    assert check_study(Path("table.yaml")).spec.study == "published"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (edit("study.yaml", "path: news.jsonl", f"path: {'n' * 300}"),
         "study.yaml:5 data.sources[0].path: cannot be read; got 'File name too long: "),
        (edit("study.yaml", "train: train.jsonl", 'train: "t*.jsonl"'),
         "study.yaml:8 tasks.quiz.train: this names several files; expected one file, got 2"),
        (edit("study.yaml", "data:\n", "data:\n  tokenizer: {sentinels: 4}\n"),
         "study.yaml:4 data.tokenizer.sentinels: sc hides up to 6 spans in 128 tokens; "
         "expected at least 6, got 4"),
        (put("news.jsonl", '{"text": "one"}\n{"txt": "two"}\n'),
         'news.jsonl:2: no text under "text"; set text_field; this record has: txt'),
        (put("news.jsonl", b"\x1f\x8b\x08 cut short"), "news.jsonl:1: cannot be read; got "),
        (edit("study.yaml", "path: news.jsonl", "path: news.jsonl, only: {meta.set: a}"),
         'news.jsonl:1: no field "meta.set"; correct only; this record has: text'),
        (edit("study.yaml", "path: news.jsonl", "path: news.jsonl, split_by: line"),
         "study.yaml:5 data.sources[0].path: only text files are split; got 'json_lines'; remove split_by"),
        (edit("study.yaml", "path: news.jsonl", "path: [news.jsonl, study.md]"),
         "study.yaml:5 data.sources[0].path: no such file; got 'study.md'"),
        (edit("study.yaml", "path: news.jsonl", "path: news.jsonl, format: parquet"),
         "news.jsonl: this is not a parquet file; got "),
        (put("news.jsonl", zstandard.compress(b'{"text": "one"}\n' * 99)[:-3]), "news.jsonl:1: cannot be read; got "),
        (edit("study.yaml", "data:\n", "data:\n  tokenizer: {path: none, vocabulary: 600}\n"),
         "study.yaml:4 data.tokenizer.path: no such file; got 'none/tokenizer.json'"),
        (put("news.jsonl", "\n"), "study.yaml:5 data.sources[0].path: there are no documents in this source"),
        (put("test.jsonl", ""), "test.jsonl: there are no items in this file"),
        (remove("train.jsonl"),
         "study.yaml:8 tasks.quiz.train: no such file; got 'train.jsonl'; check the path or the glob"),
    ],
)  # fmt: skip
def test_a_fault_is_found_with_its_place(folder: Path, change: Callable[[Path], object], message: str) -> None:
    change(folder)
    found = complaint("study.yaml")
    assert found.startswith(message)
    assert "\n" not in found


@pytest.mark.parametrize(
    ("origin", "message"),
    [
        ("harness: mmlu", "mmlu: a group has many data sets, so no revision of one"),
        ("yaml: choose.yaml", "choose: a revision is one of a data set on a hub, and this task reads none"),
    ],
)
def test_a_revision_is_one_of_a_data_set(folder: Path, origin: str, message: str) -> None:
    put("choose.yaml", "task: choose\ndataset_path: json\ndataset_kwargs: {data_files: {test: code.jsonl}}\n")(folder)
    (folder / "choose.yaml").write_text(f"{(folder / 'choose.yaml').read_text()}test_split: test\n")
    task = f"tasks:\n  choose: {{family: cms, {origin}, revision: 0123abc}}\n"
    edit("study.yaml", "tasks:\n", task)(folder)
    assert complaint("study.yaml") == f"study.yaml:8 {message}"


@pytest.mark.parametrize(
    ("task", "quantities", "line"),
    [("metric: acc_nrm", "", 9), ("metrics: [acc, acc_nrm]", "", 9), ("metric: acc", "margin, acc_nrm", 21)],
)
def test_a_score_that_a_task_does_not_have_is_named_where_it_is_asked_for(
    folder: Path, task: str, quantities: str, line: int
) -> None:
    entry = f"tasks:\n  choose: {{family: cms, harness: piqa,\n    {task}}}\n"
    edit("study.yaml", "tasks:\n", entry)(folder)
    indicators = f"indicators:\n  kshot_choose: {{quantities: [{quantities}]}}"
    edit("study.yaml", "indicators: [ppl_clm]", indicators)(folder)
    assert complaint("study.yaml").startswith(f'study.yaml:{line} piqa: this task has no metric "acc_nrm"')


def test_a_folder_is_not_taken_for_the_data_set_of_a_task_of_the_harness(folder: Path) -> None:
    edit("study.yaml", "tasks:\n", "tasks:\n  choose: {family: cms, harness: piqa}\n")(folder)
    check_study(Path("study.yaml"))
    (folder / "baber" / "piqa").mkdir(parents=True)
    assert complaint("study.yaml").startswith(
        'study.yaml:8: a file or folder here is called "baber/piqa" like a hub id'
    )


@pytest.mark.parametrize(("items", "scored"), [("disjoint", "train"), ("shared", "test")])
@pytest.mark.parametrize(
    ("quantity", "choices", "kind"),
    [("margin", "", "without"), ("f1", ', "choices": ["1", "2"], "answer_idx": 0', "with")],
)
def test_a_quantity_is_one_of_the_items_that_are_scored(
    folder: Path, items: str, scored: str, quantity: str, choices: str, kind: str
) -> None:
    put(f"{scored}.jsonl", f'{{"id": "1", "question": "one?", "answers": ["1"]{choices}}}\n')(folder)
    indicators = f"indicators: {{kshot_quiz: {{quantities: [correct_prob, {quantity}]}}}}\nitems: {items}"
    edit("study.yaml", "indicators: [ppl_clm]", indicators)(folder)
    assert complaint("study.yaml").startswith(
        f"study.yaml:18 indicators.kshot_quiz.quantities[1]: {quantity} is no score of items {kind} choices; "
    )


@pytest.mark.parametrize(("objective", "needed"), [("ul2", 16), ("ul2r+clm", 6), ("2*clm+[x]sc(0.5,8)", 7)])
def test_every_term_of_an_objective_must_find_its_sentinels(folder: Path, objective: str, needed: int) -> None:
    edit("study.yaml", "objective: [clm, sc]", f'objective: ["{objective}", clm]')(folder)
    edit("study.yaml", "data:\n", f"data:\n  tokenizer: {{sentinels: {needed - 1}}}\n")(folder)
    found = complaint("study.yaml")
    assert found == (
        f"study.yaml:4 data.tokenizer.sentinels: {normalise(objective)} hides up to {needed} spans in 128 tokens; "
        f"expected at least {needed}, got {needed - 1}; "
        "raise it; a tokenizer made elsewhere needs as many tokens <extra_id_0>, <extra_id_1>, …"
    )
    edit("study.yaml", f"sentinels: {needed - 1}", f"sentinels: {needed}")(folder)
    check_study(Path("study.yaml"))


def test_a_tokenizer_in_a_folder_is_looked_into(folder: Path) -> None:
    make_foreign(folder / "neox")
    edit("study.yaml", "data:\n", "data:\n  tokenizer: {path: neox, vocabulary: 700}\n")(folder)
    message = "neox: this tokenizer is of another size; expected 700 tokens, got 600"
    assert complaint("study.yaml").startswith(message)
    edit("study.yaml", "vocabulary: 700", "vocabulary: 600")(folder)
    check_study(Path("study.yaml"))


def test_a_hub_is_not_asked_before_a_job_runs(folder: Path) -> None:
    edit("study.yaml", "path: news.jsonl", "hub: nobody/nothing, revision: v1")(folder)
    check_study(Path("study.yaml"))


def test_a_folder_that_is_called_like_a_hub_id_is_not_read_in_its_place(folder: Path) -> None:
    edit("study.yaml", "path: news.jsonl", "hub: nobody/nothing, revision: v1")(folder)
    (folder / "nobody" / "nothing").mkdir(parents=True)
    assert 'a file or folder here is called "nobody/nothing" like a hub id' in complaint("study.yaml")


def test_records_that_are_not_wanted_need_no_text(folder: Path) -> None:
    put("news.jsonl", '{"set": "b"}\n{"set": "a", "text": "one"}\n')(folder)
    edit("study.yaml", "path: news.jsonl", "path: news.jsonl, only: {set: a}")(folder)
    check_study(Path("study.yaml"))


def test_a_folder_that_may_not_be_entered_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path) -> bool:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "is_file", refuse)
    found = complaint("study.yaml").splitlines()
    assert found[0] == "study.yaml:5 data.sources[0].path: cannot be read; got 'Permission denied: news.jsonl'"


def test_only_the_beginning_of_a_text_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check, "FIRST_DOCUMENTS", 2)
    good = '{"text": "one"}\n'
    write_atomically(Path("news.jsonl"), good * 2 + "broken\n")
    check_study(Path("study.yaml"))
    write_atomically(Path("news.jsonl"), good + "broken\n")
    assert complaint("study.yaml").startswith("news.jsonl:2: not JSON lines")


def test_all_faults_of_all_files_are_told_at_once(folder: Path) -> None:
    put("news.jsonl", "x\n")(folder)
    remove("code.jsonl")(folder)
    put("train.jsonl", "{}\n")(folder)
    found = complaint("study.yaml").splitlines()
    assert [line.split(" ")[0] for line in found] == ["news.jsonl:1:", "study.yaml:6", "train.jsonl:1"]


def test_two_tables_may_not_give_the_same_number_twice(folder: Path) -> None:
    entry = TABLE[TABLE.index("  - ") :]
    edit("table.yaml", entry, entry * 2)(folder)
    found = complaint("table.yaml")
    assert found.startswith("table.yaml:2 ")
    assert "'ppl' for variant 'a': row 9 breaks a rule of the table; expected one row per" in found


def test_nothing_is_planned_before_the_files_are_checked(folder: Path) -> None:
    put("test.jsonl", "plain text\n")(folder)
    before = listing(folder)
    with pytest.raises(UserError, match=r"test\.jsonl:1: not JSON lines"):
        prepare(Path("study.yaml"), Path("results"))
    assert listing(folder) == before


@pytest.mark.parametrize(
    ("outcome", "indicator"), [("quiz", "ppl_clm.bits_per_byte"), ("quiz.f1", "ppl_clm@news"), ("sft", "ppl")]
)
def test_any_number_of_a_study_may_be_primary_beside_a_table(folder: Path, outcome: str, indicator: str) -> None:
    edit("study.yaml", "test: test.jsonl}", "test: test.jsonl, metrics: [f1]}")(folder)
    table = TABLE.split("\n", 1)[1]
    primary = f"select: {{primary: {{outcome: {outcome}, indicator: {indicator}}}}}\n"
    indicators = "indicators: {ppl_clm: {quantities: [bits_per_byte], domains: true}}"
    edit("study.yaml", "indicators: [ppl_clm]\n", f"{indicators}\n{table}{primary}")(folder)
    assert check_study(Path("study.yaml")).spec.measurements
