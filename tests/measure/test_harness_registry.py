"""The harness' names: the same as its own index of all its files has, in a tenth of the time."""

from __future__ import annotations

from pathlib import Path

import pytest

from ptp_core.measure import harness_registry
from ptp_core.measure.harness_registry import names, scan, tasks_folder


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    names.cache_clear()
    return tmp_path


@pytest.mark.slow
def test_tasks_groups_and_tags_are_those_of_the_harness() -> None:
    from lm_eval.tasks import TaskManager

    found, index = scan(tasks_folder()), TaskManager().task_index
    tags = {name: sorted(entry.tags) for name, entry in index.items() if entry.kind.name == "TAG"}
    files = {name: entry.yaml_path for name, entry in index.items() if entry.kind.name != "TAG"}
    assert {name: sorted(set(members)) for name, members in found.tags.items()} == tags
    assert {name: (tasks_folder() / path).resolve() for name, path in found.files.items()} == {
        name: path.resolve() for name, path in files.items() if path
    }


def test_a_scan_is_kept_and_a_broken_one_made_anew(own_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Path] = []
    known = harness_registry.Names({"piqa": "piqa/piqa.yaml"}, {})
    monkeypatch.setattr(harness_registry, "scan", lambda root: made.append(root) or known)
    assert names() == known
    names.cache_clear()
    assert names() == known
    assert len(made) == 1
    (kept,) = own_cache.rglob("lm_eval-*.json")
    kept.write_text("{")
    names.cache_clear()
    assert names() == known
    assert len(made) == 2
    names.cache_clear()


def test_a_home_that_cannot_be_written_only_costs_time(own_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known = harness_registry.Names({"piqa": "piqa/piqa.yaml"}, {})
    monkeypatch.setattr(harness_registry, "scan", lambda root: known)
    (own_cache / "ptp").write_text("a file where the folder should be")
    assert names() == known
    names.cache_clear()


def test_names_are_read_as_yaml_reads_them(tmp_path: Path) -> None:
    for name, text in {
        "a.yaml": 'task: "quoted"\ntag:\n  - one\n  - two\n',
        "b.yaml": "task: plain  # with a comment\ninclude: base\n",
        "base": "tag: [one]\ntask: never\n",
        "c.yaml": "group: several\ntask:\n  - plain\n",
        "d.yaml": "task: plain\n",
        "e.yaml": "group: old\ntask: python\nclass: !function task.Task\n",
    }.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    found = scan(tmp_path)
    assert found.files == {"quoted": "a.yaml", "plain": "b.yaml", "several": "c.yaml", "python": "e.yaml"}
    assert found.tags == {"one": ["quoted", "plain"], "two": ["quoted"]}
