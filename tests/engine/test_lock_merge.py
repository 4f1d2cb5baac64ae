"""Locks of two branches, merged by git itself."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from ptp_core.engine.workflow import plan
from ptp_core.identity.lockfile import read_lock
from tests.engine.good_study import edit
from tests.engine.locks import finish, fix_code, ptp

REPOSITORY = Path(__file__).parents[2]
SPEC = """\
study: files
model: {preset: nano}
data:
  sources:
    - {name: news, path: ../news.jsonl}
    - {name: code, path: ../code.jsonl}
tasks:
  quiz: {family: cbqa, train: ../train.jsonl, test: ../test.jsonl}
mixtures:
  even: {news: 1, code: 1}
pretrain:
  defaults: {tokens: 1M, mixture: even}
  include:
    # first
    - {name: middle-a, objective: clm}
    - {name: middle-b, objective: sc}
    # then
    - {name: middle-c, objective: plm}
    - {name: middle-y, objective: clm, lr: 2e-3}
    # last
finetune: {tasks: [quiz]}
indicators: [ppl_clm]
"""


def git(folder: Path, *arguments: str, ok: bool = True) -> str:
    own = {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null"}
    names = {f"GIT_{role}_{what}": "t@t" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    done = subprocess.run(["git", *arguments], cwd=folder, env=os.environ | own | names, capture_output=True, text=True)
    assert (done.returncode == 0) or not ok, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture
def repository(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with a study and its lock, in the manner of this one."""
    fix_code(monkeypatch)
    (folder / "specs").mkdir()
    (folder / "specs" / "study.yaml").write_text(SPEC)
    (folder / ".gitattributes").write_bytes((REPOSITORY / ".gitattributes").read_bytes())
    (folder / ".gitignore").write_text("results\n")
    git(folder, "init", "-q", "-b", "main")
    lock_and_commit(folder)
    return folder


def lock_and_commit(folder: Path) -> None:
    assert ptp("lock", folder / "specs" / "study.yaml", results=folder / "results") == 0
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "change")


def branch_with(folder: Path, name: str, old: str, new: str) -> None:
    git(folder, "checkout", "-q", "-b", name, "main")
    edit("specs/study.yaml", old, new)(folder)
    lock_and_commit(folder)


def check(folder: Path) -> int:
    return ptp("lock", folder / "specs" / "study.yaml", "--check", results=folder / "results")


@pytest.mark.parametrize(("one", "other"), [("aaa", "zzz"), ("middle-n", "middle-m"), ("middle-m", "middle-mm")])
def test_two_branches_that_each_added_a_variant_are_merged_line_by_line(repository: Path, one: str, other: str) -> None:
    branch_with(repository, "one", "# first", f"- {{name: {one}, objective: clm, lr: 7e-3}}")
    branch_with(repository, "other", "# last", f"- {{name: {other}, objective: sc, lr: 8e-3}}")
    assert "CONFLICT" not in git(repository, "merge", "-q", "-m", "merge", "one")
    found = read_lock(repository / "specs" / "study.lock")
    assert {f"unit/pretrain/{one}", f"unit/pretrain/{other}"} <= found.keys()
    assert check(repository) == 0
    # Written once more it is sorted, and says the same.
    merged = (repository / "specs" / "study.lock").read_text()
    assert ptp("lock", repository / "specs" / "study.yaml", results=repository / "results") == 0
    assert sorted((repository / "specs" / "study.lock").read_text().splitlines()) == sorted(merged.splitlines())


def test_branches_that_have_run_are_merged_with_their_results(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, old, variant in (("one", "# first", "aaa"), ("other", "# last", "zzz")):
        git(repository, "checkout", "-q", "-b", name, "main")
        edit("specs/study.yaml", old, f"- {{name: {variant}, objective: clm, lr: {len(name) + 3}e-3}}")(repository)
        finish(plan(repository / "specs" / "study.yaml", repository / "results"))
        lock_and_commit(repository)
    git(repository, "merge", "-q", "-m", "merge", "one")
    found = (repository / "specs" / "study.lock").read_text()
    assert "result/pretrain/aaa" in found
    assert "result/pretrain/zzz" in found
    # Each branch has its own headline; the merged study has none before it has run.
    assert check(repository) == 2
    assert "headline/quiz/best: lines " in capsys.readouterr().err
    lock_and_commit(repository)
    assert check(repository) == 0
    assert not [key for key in read_lock(repository / "specs" / "study.lock") if key.startswith("headline/")]


def test_two_branches_that_changed_one_entry_differently_are_told_of_both_lines(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    branch_with(repository, "one", "lr: 2e-3", "lr: 7e-3")
    git(repository, "checkout", "-q", "main")
    git(repository, "checkout", "-q", "-b", "other")
    edit("specs/study.yaml", "lr: 2e-3", "lr: 8e-3")(repository)
    lock_and_commit(repository)
    git(repository, "merge", "-q", "-m", "merge", "one", ok=False)
    git(repository, "checkout", "-q", "--ours", "specs/study.yaml")
    assert check(repository) == 2
    assert "unit/pretrain/middle-y: lines " in capsys.readouterr().err
    lock_and_commit(repository)
    assert check(repository) == 0
