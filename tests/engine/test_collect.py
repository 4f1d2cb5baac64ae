"""What ``ptp gc`` keeps and removes, on a store made by hand."""

from __future__ import annotations

import json
import os
import time
from datetime import date, timedelta
from pathlib import Path

import pytest

from ptp_core.cli import main
from ptp_core.engine.current import known_jobs, note_current, note_spec
from ptp_core.errors import UserError
from ptp_core.files import write_atomically
from ptp_core.identity.lockfile import lock_text
from ptp_core.identity.store import writer

OLD_DAYS = 100
CODE = "c" * 64


def fingerprint(name: str) -> str:
    """One for a name; its letters must be hexadecimal digits."""
    return (name * 64)[:64]


class Store:
    """A results folder with results and jobs in it, all of them old."""

    def __init__(self, folder: Path) -> None:
        self.results, self.specs = folder / "results", folder / "specs"
        self.specs.mkdir()
        self.store.mkdir(parents=True)

    @property
    def store(self) -> Path:
        return self.results / "store"

    def place(self, stage: str, name: str) -> str:
        return f"{stage}/{fingerprint(name)[:24]}"

    def add(self, stage: str, name: str, **parents: str) -> Path:
        """A result, made long ago."""
        folder = self.store / self.place(stage, name)
        write_atomically(folder / "model", b"x" * 1000)
        write_atomically(folder / "receipt.json", json.dumps({"parents": parents, "identity": {"code": CODE}}))
        age(folder / "receipt.json")
        return folder

    def job(self, study: str, stage: str, name: str) -> Path:
        """A job file of a study, written long ago, that makes one result."""
        path = self.results / study / "jobs" / stage / f"{fingerprint(name)[:24]}.json"
        unit = {"fingerprint": fingerprint(name), "parents": {}, "identity": {"code": CODE}}
        write_atomically(path, json.dumps({"stage": stage, "units": [unit]}))
        age(path)
        return path

    def gc(self, *arguments: str) -> int:
        return main(["gc", "--results", str(self.results), "--specs", str(self.specs), *arguments])

    def left(self) -> set[str]:
        """The results that are in the store, by stage and first letter."""
        return {f"{path.parent.name} {path.name[0]}" for path in self.store.glob("*/*") if (path / "model").exists()}


def age(path: Path, days: float = OLD_DAYS) -> None:
    then = time.time() - days * 86_400
    os.utime(path, (then, then))


def days_ago(days: int) -> date:
    return date.today() - timedelta(days=days)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


def test_kept_are_the_results_of_present_jobs_and_of_locks_with_their_parents(store: Store) -> None:
    store.add("tokenizer", "a")
    store.add("pretrain", "b", tokenizer=store.place("tokenizer", "a"))
    store.add("finetune", "c", checkpoint=f"{store.place('pretrain', 'b')}/checkpoints/1000")
    store.add("pretrain", "d")
    store.add("pretrain", "e")
    store.job("mine", "finetune", "c")
    note_current(store.results / "mine", [("finetune", fingerprint("c")[:24])])
    (store.specs / "mine.lock").write_text(lock_text({"format": 1, "unit/pretrain/clm": fingerprint("d")}))
    assert store.gc() == 0
    assert len(store.left()) == 5, "without --delete nothing is removed"
    assert store.gc("--delete") == 0
    assert store.left() == {"tokenizer a", "pretrain b", "finetune c", "pretrain d"}
    assert list((store.store / ".trash").iterdir()) == []


def test_an_edit_frees_the_old_results_after_some_days_and_not_before(store: Store) -> None:
    home = store.results / "mine"
    for name in "ab":
        store.add("pretrain", name)
    first, second = (store.job("mine", "pretrain", name) for name in "ab")
    log = home / "logs/pretrain" / f"{first.stem}.log"
    write_atomically(log, "done")
    note_current(home, [("pretrain", first.stem)], days_ago(60))
    note_current(home, [("pretrain", second.stem)], days_ago(10))
    store.gc("--delete")
    assert store.left() == {"pretrain a", "pretrain b"}, "undoing the edit costs nothing yet"
    store.gc("--delete", "--older-than", "5")
    assert store.left() == {"pretrain b"}
    assert (first.exists(), log.exists(), second.exists()) == (False, False, True)


def test_undoing_an_edit_makes_a_job_a_present_one_again(store: Store) -> None:
    home = store.results / "mine"
    note_current(home, [("pretrain", "a")], days_ago(60))
    note_current(home, [("pretrain", "b")], days_ago(50))
    assert known_jobs(home) == {"pretrain/a": days_ago(50).isoformat(), "pretrain/b": None}
    note_current(home, [("pretrain", "a")], days_ago(40))
    assert known_jobs(home) == {"pretrain/a": None, "pretrain/b": days_ago(40).isoformat()}
    before = (home / "jobs.json").stat().st_mtime_ns
    note_current(home, [("pretrain", "a")])
    assert (home / "jobs.json").stat().st_mtime_ns == before, "nothing changed, so nothing is written"


def test_all_job_files_count_where_a_study_was_never_planned_with_a_list(store: Store) -> None:
    store.add("pretrain", "a")
    store.job("mine", "pretrain", "a")
    store.gc("--delete")
    assert store.left() == {"pretrain a"}


def test_half_a_result_goes_unless_somebody_is_writing_it(store: Store) -> None:
    for name in "ab":
        folder = store.store / f"{store.place('pretrain', name)}.partial"
        write_atomically(folder / "model", b"half")
        age(folder)
    with writer(store.store, "pretrain", fingerprint("a")):
        store.gc("--delete")
        assert store.left() == {"pretrain a"}
    assert store.gc("--delete", "--older-than", "0") == 0
    assert store.left() == set()


def test_a_lock_that_cannot_be_read_keeps_everything(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    store.add("pretrain", "a")
    (store.specs / "mine.lock").write_text("<<<<<<< HEAD\n")
    assert store.gc("--delete") == 2
    assert store.left() == {"pretrain a"}
    assert "mine.lock:1" in capsys.readouterr().err


def test_a_study_that_is_planned_meanwhile_ends_the_removal(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    from ptp_core.engine import collect

    store.add("pretrain", "a")
    store.job("mine", "pretrain", "b")
    kept = collect.needed(store.results, [store.specs], 14)
    note_current(store.results / "mine", [("pretrain", fingerprint("a")[:24])])
    with pytest.raises(UserError, match="changed meanwhile"):
        collect._delete(collect.unneeded(store.store, kept, 14), [], store.store, kept)
    assert store.left() == {"pretrain a"}


def test_what_an_interrupted_removal_has_left_goes_with_the_next(store: Store) -> None:
    write_atomically(store.store / ".trash/pretrain-a-1/model", b"half gone")
    store.gc("--delete")
    assert not (store.store / ".trash").exists()


def test_manifests_go_with_the_last_result_of_their_code(store: Store) -> None:
    store.add("pretrain", "a")
    store.job("mine", "pretrain", "a")
    for code in (CODE, "d" * 64):
        path = store.store / ".code" / f"pretrain-{code[:24]}.json"
        write_atomically(path, "{}")
        age(path)
    store.gc("--delete")
    assert [path.name[:10] for path in (store.store / ".code").iterdir()] == ["pretrain-c"]


def test_the_list_says_sizes_and_ages(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    store.add("pretrain", "a")
    store.gc("--json")
    found = json.loads(capsys.readouterr().out)
    assert found["results"][0]["place"] == store.place("pretrain", "a")
    assert (found["results"][0]["bytes"] > 1000, round(found["results"][0]["days"])) == (True, OLD_DAYS)
    store.gc()
    assert "\n1 result, 1.1 kB: nothing needs them" in capsys.readouterr().out


def test_a_folder_of_specs_that_is_not_there_keeps_everything(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    store.add("pretrain", "a")
    assert store.gc("--delete", "--specs", str(store.specs / "typo")) == 2
    assert "--specs: this is no folder, so its locks are not known" in capsys.readouterr().err
    assert store.left() == {"pretrain a"}


def test_what_a_job_file_that_cannot_be_read_needs_is_not_known(
    store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    store.add("pretrain", "a")
    job = store.job("mine", "pretrain", "a")
    note_current(store.results / "mine", [("pretrain", job.stem)])
    job.write_text("")
    assert store.gc("--delete") == 2
    job.unlink()
    assert store.gc("--delete") == 2
    assert capsys.readouterr().err.count("what it needs is not known") == 2
    assert store.left() == {"pretrain a"}


def test_a_study_that_is_planned_for_the_first_time_meanwhile_ends_the_removal(store: Store) -> None:
    from ptp_core.engine import collect

    store.add("pretrain", "a")
    kept = collect.needed(store.results, [store.specs], 14)
    note_current(store.results / "mine", [("pretrain", fingerprint("a")[:24])])
    with pytest.raises(UserError, match="changed meanwhile"):
        collect._delete(collect.unneeded(store.store, kept, 14), [], store.store, kept)
    assert store.left() == {"pretrain a"}


def test_the_lock_beside_a_spec_that_lies_elsewhere_counts(store: Store, tmp_path: Path) -> None:
    store.add("pretrain", "a")
    store.add("pretrain", "b")
    store.job("mine", "pretrain", "b")
    spec = tmp_path / "elsewhere" / "mine.yaml"
    write_atomically(spec, "study: mine")
    write_atomically(spec.with_suffix(".lock"), lock_text({"format": 1, "unit/pretrain/clm": fingerprint("a")}))
    note_spec(store.results / "mine", spec)
    store.gc("--delete")
    assert store.left() == {"pretrain a", "pretrain b"}


def test_what_people_keep_in_the_store_is_theirs(store: Store) -> None:
    kept = store.store / "notes/of-may/model"
    write_atomically(kept, "mine")
    age(kept.parent)
    store.gc("--delete", "--older-than", "0")
    assert kept.exists()


def test_a_store_that_several_may_share_by_a_link_is_listed_only(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store.add("pretrain", "a")
    shared = store.store.rename(tmp_path / "shared")
    store.store.symlink_to(shared, target_is_directory=True)
    assert (store.gc(), store.gc("--delete")) == (0, 2)
    assert "this store is a link" in capsys.readouterr().err
    assert store.left() == {"pretrain a"}
