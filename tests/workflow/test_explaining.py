"""What ``ptp plan`` says of a study that has really run, and a limit on hours on Snakemake's command line."""

from __future__ import annotations

import json

import pytest

from tests.workflow.project import Project

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("tiny study")]


def test_a_finished_study_has_nothing_to_do_and_a_change_is_named_priced_and_can_be_refused(project: Project) -> None:
    assert "Nothing to be done: the results of all 26 jobs are in the store." in project.ptp("plan", "tiny.yaml").output
    project.spec.write_text(project.spec.read_text().replace("lr: 5e-3", "lr: 6e-3"))
    stale = json.loads(project.ptp("plan", "tiny.yaml", "--json").output)["stale"]
    (cause,) = stale["causes"]
    assert (cause["what"], cause["old"], cause["new"], cause["line"]) == ("lr", 0.005, 0.006, 12)
    assert stale["price"]["core_hours"] > 0
    assert stale["rates"]["pretrain"]["seconds_per_flop"] > 0
    # What it says is what Snakemake would run.
    jobs = {"pretrain/hot", "indicators/hot", "finetune/hot", "evaluate/hot"}
    assert set(cause["jobs"]) == jobs
    assert len(project.stale()) == len(jobs) + 3
    explained = project.ptp("explain", "tiny.yaml", "pretrain/hot").output
    assert "lr: 0.005 → 0.006" in explained
    refused = project.snakemake("max_gpu_hours=1e-9", "--dry-run")
    assert refused.code == 2
    assert "core-hours; nothing has been started; expected at most max_gpu_hours=1e-09" in refused.output
    assert "Traceback" not in refused.output
    assert "this is no limit" in project.snakemake("max_gpu_hours=none", "--dry-run").output
    assert project.snakemake("max_gpu_hours=1000", "--dry-run").code == 0
