"""The studies of the papers become graphs, offline, as soon as their task files are there."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from ptp_core.engine.check import check_study
from ptp_core.engine.graph import build
from ptp_core.errors import UserError
from ptp_core.spec.load import load_study
from tests.tiny import questions, write_lines

SPECS = Path(__file__).parents[2] / "specs"


@pytest.fixture
def tasks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the task files of all studies of papers, each with a few items."""
    for name in ("zeng2025", "flp-ladder", "flp-m"):
        for task, family in load_study(SPECS / f"{name}.yaml").families.items():
            for split, items in questions(family).items():
                write_lines(tmp_path / f"{task}.{split}.jsonl", items)
    monkeypatch.setenv("ZENG_DATA", str(tmp_path))
    monkeypatch.setenv("FLP_DATA", str(tmp_path))
    return tmp_path


@pytest.mark.usefixtures("tasks")
@pytest.mark.parametrize(
    ("name", "variants", "sources", "tasks_used", "points", "stages"),
    [
        ("zeng2025", 50, 7, 11, 0, ("pretrain", "indicators", "finetune", "evaluate")),
        # Checkpoints on the way are measured by the same job; Chen et al. fine-tune nothing.
        ("flp-ladder", 12, 7, 4, 36, ("pretrain", "indicators")),
    ],
)
def test_a_study_with_its_task_files_is_valid_and_has_its_jobs(
    name: str, variants: int, sources: int, tasks_used: int, points: int, stages: tuple[str, ...]
) -> None:
    graph = build(check_study(SPECS / f"{name}.yaml"), str)
    assert Counter(job.stage for job in graph.jobs) == {
        "tokenizer": 1,
        "shards": sources,
        "task": tasks_used,
        **dict.fromkeys(stages, variants),
    }
    assert len({v.checkpoint.fingerprint for v in graph.variants}) == variants
    assert sum(len(v.points) for v in graph.variants) == points


def test_local_text_that_is_not_there_is_all_that_flp_m_lacks(tasks: Path) -> None:
    with pytest.raises(UserError) as caught:
        check_study(SPECS / "flp-m.yaml")
    found = str(caught.value).splitlines()
    assert [line.split(": ")[0].split(" ")[-1] for line in found] == ["data.sources[0].path", "data.sources[1].path"]
    assert all(f"no such file; got '{tasks}" in line for line in found)


def test_a_check_names_every_task_file_that_is_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FLP_DATA", str(tmp_path))
    with pytest.raises(UserError) as caught:
        check_study(SPECS / "flp-ladder.yaml")
    found = [line.split(": ")[0].split(" ")[-1] for line in str(caught.value).splitlines()]
    tasks = ("arc_c", "hellaswag", "race", "triviaqa")
    assert found == [f"tasks.{task}.{split}" for task in tasks for split in ("train", "test")]
