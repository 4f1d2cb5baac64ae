"""Several Snakemakes at once: nobody does what another does already, and all end with the results of a lone run."""

from __future__ import annotations

import json
import shutil
from collections import defaultdict
from pathlib import Path

import pytest

from tests.workflow.project import TINY, Project
from tests.workflow.test_interruptions import UNTIL, checkpoints, wait_for

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("tiny study")]

OTHER = TINY.replace("study: tiny", "study: other").replace("lr: 5e-3", "lr: 4e-3")
"""Shares data, tokenizer and four of five pre-trainings with the tiny study."""


@pytest.fixture
def fresh(project: Project) -> Project:
    """The project before its first run, with another study in the same folder."""
    shutil.rmtree(project.results)
    shutil.rmtree(project.folder / ".snakemake")
    (project.folder / "other.yaml").write_text(OTHER)
    return project.cold


def times_made(project: Project) -> dict[str, list[bool]]:
    """Place in the store → of each job that has it in its receipt, whether it made it."""
    made: dict[str, list[bool]] = defaultdict(list)
    for path in project.results.glob("*/receipts/*/*.json"):
        for unit in json.loads(path.read_text()).get("units", []):
            made[unit["store"]].append(not unit["reused"])
    return made


def test_two_studies_and_a_second_run_of_one_at_once(fresh: Project, finished: Project) -> None:
    runs = {"tiny": fresh.start(*UNTIL), "other": fresh.start("study=other.yaml", *UNTIL)}
    wait_for(fresh, "tiny/.run.lease")
    receipts = sorted(fresh.results.glob("tiny/receipts/*/*.json"))
    second = fresh.snakemake(*UNTIL)
    assert second.code == 75, second.output
    assert f"study tiny is being run by process {runs['tiny'].pid} on " in second.output
    assert "wait until it has ended, or stop it" in second.output
    assert runs["tiny"].poll() is None, "it has not waited"
    looked = fresh.snakemake("--dry-run")
    assert looked.code == 0, looked.output
    assert set(receipts) <= set(fresh.results.glob("tiny/receipts/*/*.json")), "looking on takes nothing away"

    for name, run in runs.items():
        output, _ = run.communicate(timeout=1200)
        assert run.returncode == 0, f"{name}: {output}"
    made = times_made(fresh)
    assert {place.split("/")[0] for place in made} == {"tokenizer", "shards", "pretrain"}
    assert all(sum(makers) == 1 for makers in made.values()), made
    assert sum(len(makers) == 2 for place, makers in made.items() if place.startswith("pretrain/")) == 4
    lone = checkpoints(finished)
    assert {name: found for name, found in checkpoints(fresh).items() if name in lone} == lone
    left = [path.name for path in fresh.results.rglob("*") if "lease" in path.name or path.name.endswith(".partial")]
    assert left == []
    assert not [label for label in fresh.stale() if label.startswith("pre-train")]


def test_two_copies_of_the_project_share_one_folder_of_results(fresh: Project, tmp_path: Path) -> None:
    clone = Project(tmp_path / "clone")
    shutil.copytree(fresh.folder, clone.folder)
    until = (f"results={fresh.results}", "--until", "task", "tokenizer")
    runs = [fresh.start(*until), clone.start("study=other.yaml", *until)]
    for run in runs:
        output, _ = run.communicate(timeout=600)
        assert run.returncode == 0, output
    made = times_made(fresh)
    assert {place.split("/")[0] for place in made} == {"tokenizer", "task"}
    assert all(sorted(makers) == [False, True] for makers in made.values()), made
    assert not (clone.folder / "results").exists()
