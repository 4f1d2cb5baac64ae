from __future__ import annotations

import errno
import json
import os
import re
import shutil
from pathlib import Path

import pytest

from ptp_core.engine.lock.reading import read_study_lock
from ptp_core.errors import UserError
from ptp_core.identity.lockfile import lock_text, read_lock
from tests.engine.good_study import edit, listing
from tests.engine.locks import finish, fix_code, planned_here, ptp

GOLDEN = Path(__file__).parent / "golden_study.lock"
GRID = "    mixture: [even, most]\n"
HOT = "  include: [{name: hot, lr: 5e-3, objective: clm, mixture: even}]\n"


@pytest.fixture(autouse=True)
def fixed(monkeypatch: pytest.MonkeyPatch) -> None:
    fix_code(monkeypatch)


def lock(folder: Path, *arguments: str, results: str = "results") -> int:
    return ptp("lock", folder / "study.yaml", *arguments, results=folder / results)


def test_the_lock_of_a_small_study(folder: Path) -> None:
    finish(planned_here(folder))
    assert lock(folder) == 0
    found = (folder / "study.lock").read_text()
    assert found == GOLDEN.read_text(), f"if that is meant, copy {folder / 'study.lock'} to {GOLDEN}"
    assert str(folder) not in found


def test_a_lock_is_up_to_date_when_written_and_not_written_again(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert lock(folder) == 0
    before = listing(folder)[str(folder / "study.lock")]
    assert lock(folder, "--check") == 0
    assert "study.lock: up to date" in capsys.readouterr().out
    assert lock(folder) == 0
    assert "nothing changed" in capsys.readouterr().out
    assert listing(folder)[str(folder / "study.lock")] == before


def test_a_check_compares_entries_and_not_lines(folder: Path) -> None:
    lock(folder)
    path = folder / "study.lock"
    path.write_text("\n".join(reversed(path.read_text().splitlines())))
    assert lock(folder, "--check") == 0


def test_a_check_without_a_lock_says_how_to_write_it(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert lock(folder, "--check") == 1
    assert f"there is no lock; run `ptp lock {folder}/study.yaml`" in capsys.readouterr().out
    assert not (folder / "study.lock").exists()


def test_a_check_names_what_differs_by_its_cause(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lock(folder)
    edit("study.yaml", GRID, GRID + HOT)(folder)
    edit("news.jsonl", "one", "uno")(folder)
    fix_code(monkeypatch, "edited")
    capsys.readouterr()
    assert lock(folder, "--check") == 1
    said = capsys.readouterr().out
    assert "study.lock: out of date" in said
    assert re.search(r"\n  source shards/news/path: 'news.jsonl' = [0-9a-f]{8}… → 'news.jsonl' = [0-9a-f]{8}…\n", said)
    assert "\n  code pretrain: " in said
    assert "\n  unit tokenizer/tokenizer: " in said
    assert "\n  unit: … and " in said
    assert len(said.splitlines()) < 30


def test_a_mistake_in_a_spec_is_told_and_its_lock_stays(folder: Path) -> None:
    lock(folder)
    before = (folder / "study.lock").read_text()
    edit("study.yaml", "tokens: 1M", "tokens: 1e9x")(folder)
    assert lock(folder) == 2
    assert (folder / "study.lock").read_text() == before


def test_results_that_are_not_here_are_kept_while_their_unit_is_the_same(folder: Path) -> None:
    finish(planned_here(folder))
    lock(folder)
    before = read_lock(folder / "study.lock")
    assert lock(folder, "--check", results="elsewhere") == 0
    lock(folder, results="elsewhere")
    assert read_lock(folder / "study.lock") == before
    # Another file for one task: what was trained before stays, what reads it is gone.
    edit("test.jsonl", "two?", "three?")(folder)
    lock(folder, results="elsewhere")
    after = read_lock(folder / "study.lock")
    assert "result/pretrain/clm-even" in after
    assert not [key for key in after if key.startswith(("result/task/", "result/evaluate/", "headline/"))]


def test_a_result_goes_with_a_variant_that_is_renamed(folder: Path) -> None:
    edit("study.yaml", GRID, GRID + HOT)(folder)
    finish(planned_here(folder))
    lock(folder)
    before = read_lock(folder / "study.lock")
    edit("study.yaml", "name: hot", "name: warm")(folder)
    lock(folder, results="elsewhere")
    after = read_lock(folder / "study.lock")
    assert after["result/pretrain/warm"] == before["result/pretrain/hot"]
    assert "result/pretrain/hot" not in after


def test_what_is_not_here_is_said_and_not_guessed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "train.jsonl").unlink()
    assert lock(folder) == 0
    assert "not resolved" in (said := capsys.readouterr().out)
    assert "study.yaml:8 tasks.quiz.train: " in said
    entries = read_lock(folder / "study.lock")
    assert entries["source/task/quiz/train"] == {"asked": "train.jsonl", "resolved": None}
    assert entries["source/task/quiz/test"]["resolved"]
    stages = {key.split("/")[1] for key in entries if key.startswith("unit/")}
    assert stages == {"tokenizer", "shards", "pretrain", "indicators"}
    assert lock(folder, "--check") == 0


def test_a_table_that_is_not_here_is_said_too(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    edit("table.yaml", "path: table.csv", "path: '${TABLES}/table.csv'")(folder)
    monkeypatch.delenv("TABLES", raising=False)
    assert ptp("lock", folder / "table.yaml", results=folder / "results") == 0
    key = "source/table/${TABLES}/table.csv/path"
    assert read_lock(folder / "table.lock")[key] == {"asked": "${TABLES}/table.csv", "resolved": None}
    monkeypatch.setenv("TABLES", str(folder))
    assert ptp("lock", folder / "table.yaml", results=folder / "results") == 0
    assert len(read_lock(folder / "table.lock")[key]["resolved"]) == 64


def test_lines_that_a_merge_left_in_contradiction_are_settled_by_writing_the_lock_anew(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lock(folder)
    path = folder / "study.lock"
    before = path.read_text()
    path.write_text(before + 'code/pretrain: "other"\nunit/shards/news: "other"\n')
    assert lock(folder, "--check") == 2
    assert "code/pretrain: lines " in capsys.readouterr().err
    assert lock(folder) == 0
    assert "2 entries that two branches had changed are written anew" in capsys.readouterr().out
    assert path.read_text() == before


@pytest.mark.parametrize("fitting_first", [True, False])
def test_of_two_results_that_a_merge_left_the_one_that_fits_stays(folder: Path, fitting_first: bool) -> None:
    finish(planned_here(folder))
    lock(folder)
    path = folder / "study.lock"
    before = path.read_text()
    fitting = next(line for line in before.splitlines() if line.startswith("result/pretrain/"))
    other = fitting.replace('"fingerprint": "', '"fingerprint": "x')
    assert other != fitting
    path.write_text(before.replace(fitting, "\n".join([fitting, other] if fitting_first else [other, fitting])))
    assert lock(folder, results="elsewhere") == 0
    assert path.read_text() == before


def test_what_was_adopted_stays_and_two_adoptions_that_contradict_each_other_are_refused(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = folder / "study.lock"
    adopted = {"adopted/package/torch/2.0": {"as": "1.0", "reason": "same kernels"}}
    path.write_text(lock_text(adopted))
    lock(folder)
    assert adopted.items() <= read_lock(path).items()
    path.write_text(path.read_text() + 'adopted/package/torch/2.0: {"as": "1.1", "reason": "other"}\n')
    assert lock(folder) == 2
    assert "adopted/package/torch/2.0: lines 3 and " in capsys.readouterr().err


def test_several_formats_of_one_test_are_several_lines(folder: Path) -> None:
    edit("study.yaml", "finetune: {tasks: [quiz]}", "finetune: {tasks: [quiz], test_formats: [qa, default]}")(folder)
    assert lock(folder) == 0
    found = read_lock(folder / "study.lock")
    names = [f"unit/evaluate/clm-even quiz seed 0 as {style}" for style in ("qa", "default")]
    assert len({found[name] for name in names}) == 2


def test_several_specs_are_locked_at_once(folder: Path) -> None:
    assert ptp("lock", folder / "study.yaml", folder / "table.yaml", results=folder / "results") == 0
    assert (folder / "table.lock").exists()
    assert ptp("lock", folder / "study.yaml", folder / "table.yaml", "--check", results=folder / "results") == 0


def test_a_lock_is_not_taken_for_a_spec(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lock(folder)
    assert ptp("lock", folder / "study.lock", results=folder / "results") == 2
    assert "this is the name of a lock" in capsys.readouterr().err


def test_a_damaged_receipt_is_named_and_the_lock_stays(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    workflow = planned_here(folder)
    finish(workflow)
    lock(folder)
    before = (folder / "study.lock").read_text()
    receipt = next(workflow.folders.store.glob("pretrain/*/receipt.json"))
    receipt.write_text(json.dumps({"fingerprint": json.loads(receipt.read_text())["fingerprint"], "artifacts": []}))
    assert lock(folder) == 2
    assert f"{receipt}: this receipt is damaged" in capsys.readouterr().err
    assert (folder / "study.lock").read_text() == before
    assert not list(folder.glob(".study.lock*"))


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("unit/pretrain/x: {}", "unit/pretrain/x: this entry was edited; expected unit/STAGE/LABEL: a fingerprint"),
        ('unit/x: "a"', "unit/x: this entry was edited; expected unit/STAGE/LABEL: a fingerprint"),
        ('result/task/x: {"fingerprint": []}', "expected what came out, and the fingerprint of what"),
        ('result/task/x: {"metrics": 5}', "expected what came out, and the fingerprint of what"),
        ("headline/x: 5", "expected what came out, and the fingerprint of what"),
        ('source/task/x/path: {"resolved": 5}', "expected asked and resolved"),
        ('reproducible/elsewhere: {"absolute": "x"}', "expected limits of at least 0"),
        ('reproducible/elsewhere: {"relative": -1}', "expected limits of at least 0"),
    ],
)
def test_an_entry_that_was_edited_into_another_shape_is_refused_with_its_line(
    tmp_path: Path, line: str, why: str
) -> None:
    path = tmp_path / "x.lock"
    path.write_text(f"format: 1\n{line}\n")
    with pytest.raises(UserError) as caught:
        read_study_lock(path)
    assert str(caught.value).startswith(f"{path}:2 ")
    assert why in str(caught.value)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EACCES])
def test_a_disk_that_takes_nothing_leaves_the_lock_as_it_was(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], number: int
) -> None:
    fix_code(monkeypatch)
    assert ptp("lock", folder / "study.yaml", results=folder / "results") == 0
    before = (folder / "study.lock").read_bytes()
    edit("study.yaml", "tokens: 1M", "tokens: 2M")(folder)

    def full(handle: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", full)
    assert ptp("lock", folder / "study.yaml", results=folder / "results") == 2
    assert os.strerror(number) in capsys.readouterr().err
    assert (folder / "study.lock").read_bytes() == before
    assert list(folder.glob(".study.lock*")) == []


def test_a_folder_in_place_of_a_lock_is_no_traceback(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "study.lock").mkdir()
    assert ptp("lock", folder / "study.yaml", results=folder / "results") == 2
    assert "study.lock: cannot be read" in capsys.readouterr().err


def test_a_receipt_of_another_result_is_nothing_to_record(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fix_code(monkeypatch)
    workflow = planned_here(folder)
    finish(workflow)
    one, other = [job.units[0] for job in workflow.graph.jobs if job.stage == "pretrain"][:2]
    shutil.copy(*(workflow.folders.store / unit.place / "receipt.json" for unit in (one, other)))
    assert ptp("lock", folder / "study.yaml", results=folder / "results") == 2
    said = capsys.readouterr().err
    assert f"{other.place}/receipt.json: this receipt is of another result; expected {other.fingerprint}" in said
    assert not (folder / "study.lock").exists()
