"""`--config locked=true`: what the lock says, or nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from ptp_core.engine.lock.refuse import is_locked
from ptp_core.engine.workflow import prepare
from ptp_core.errors import UserError
from tests.engine.good_study import edit, listing
from tests.engine.locks import fix_code, ptp

CACHE = ("results", "results/store", "results/store/.digests.json")


@pytest.fixture
def locked(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder whose study has its lock."""
    fix_code(monkeypatch)
    assert ptp("lock", folder / "study.yaml", results=folder / "results") == 0
    return folder


def refused(folder: Path) -> str:
    """What is said instead of running; nothing is written."""
    before = listing(folder)
    with pytest.raises(UserError) as caught:
        prepare(folder / "study.yaml", folder / "results", locked=True)
    # The digests of files are remembered by whoever plans; that is no result.
    assert {path for path in listing(folder).keys() - before.keys() if not path.endswith(CACHE)} == set()
    return str(caught.value)


@pytest.mark.parametrize(
    ("value", "meant"), [(True, True), ("true", True), ("True", True), (False, False), ("false", False)]
)
def test_true_and_false_are_read(value: object, meant: bool) -> None:
    assert is_locked(value) is meant


@pytest.mark.parametrize("value", [1, 0, "yes", "", None, "ture", [], 1.0])
def test_anything_else_is_refused(value: object) -> None:
    with pytest.raises(UserError, match="--config locked: cannot be read; expected true or false"):
        is_locked(value)


def test_a_study_that_is_what_its_lock_says_is_prepared(locked: Path) -> None:
    workflow = prepare(locked / "study.yaml", locked / "results", locked=True)
    job = workflow.graph.jobs[0]
    assert workflow.folders.job(job.stage, job.id).exists()


def test_no_lock_is_refused(locked: Path) -> None:
    (locked / "study.lock").unlink()
    assert f"study.lock: there is no lock; write it first: ptp lock {locked}/study.yaml" in refused(locked)


def test_another_setting_is_named_as_units(locked: Path) -> None:
    edit("study.yaml", "tokens: 1M", "tokens: 2M")(locked)
    said = refused(locked)
    assert "study.lock: locked=true, and this study is not what its lock says:\n" in said
    assert "  unit pretrain/clm-even: " in said
    assert "ptp adopt" not in said


def test_another_text_is_named_as_source(locked: Path) -> None:
    edit("news.jsonl", "two", "deux")(locked)
    assert "  source shards/news/path: 'news.jsonl' = " in refused(locked)


def test_other_code_is_named_and_can_be_adopted(locked: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fix_code(monkeypatch, "edited")
    said = refused(locked)
    assert "  code pretrain: " in said
    assert f"`ptp adopt {locked}/study.yaml --reason …` keeps results across a change of code" in said


def test_what_is_asked_of_the_analysis_alone_is_locked_as_well(locked: Path) -> None:
    edit("study.yaml", "indicators: [ppl_clm]", "indicators: [ppl_clm]\nselect: {confidence: 0.9}")(locked)
    said = refused(locked)
    assert "  asked select: " in said
    assert "  unit " not in said


def test_results_and_adoptions_are_nothing_that_a_run_could_differ_in(locked: Path) -> None:
    path = locked / "study.lock"
    more = 'result/task/gone: {"fingerprint": "f"}\nheadline/x/best: {"of": "f"}\n'
    more += 'adopted/package/x/1: {"as": "0", "reason": "none of it is used"}\n'
    path.write_text(path.read_text() + more)
    prepare(locked / "study.yaml", locked / "results", locked=True)


def test_a_file_that_was_not_there_when_it_was_locked_is_refused(locked: Path) -> None:
    hidden = (locked / "train.jsonl").rename(locked / "hidden")
    ptp("lock", locked / "study.yaml", results=locked / "results")
    hidden.rename(locked / "train.jsonl")
    assert "  source task/quiz/train: 'train.jsonl' = nothing → 'train.jsonl' = " in refused(locked)
