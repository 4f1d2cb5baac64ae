"""Runs that are killed: nothing is lost, nothing is done twice, and the results are the same."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import signal
import time
from pathlib import Path

import psutil
import pytest

from tests.workflow.project import TINY, Project

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("tiny study")]

UNTIL = ("--until", "pretrain")
"""The rest of the study is the same as ever, and takes time."""


@pytest.fixture
def fresh(project: Project) -> Project:
    """The project before its first run, saving its training state all the time."""
    shutil.rmtree(project.results)
    shutil.rmtree(project.folder / ".snakemake")
    project.spec.write_text(TINY + "execution: {save_seconds: 0.05}\n")
    return project


def wait_for(project: Project, pattern: str, seconds: float = 120) -> Path:
    """The first file that matches a pattern under results/."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = next(iter(project.results.glob(pattern)), None)
        if found is not None:
            return found
        time.sleep(0.005)
    raise AssertionError(f"{pattern} did not appear")


def kill_job(job: str) -> None:
    """SIGKILL to the processes that run a job."""
    found = [
        process
        for process in psutil.process_iter(["cmdline"])
        if f"{job}.json" in " ".join(process.info["cmdline"] or [])
    ]
    assert found
    for process in found:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()


def checkpoints(project: Project) -> dict[str, str]:
    """Fingerprint → sha256 of the weights of every pre-trained variant."""
    files = project.results.glob("store/pretrain/*/model.safetensors")
    return {path.parent.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_a_killed_pre_training_goes_on_where_it_was_and_ends_in_the_same_weights(
    fresh: Project, finished: Project
) -> None:
    run = fresh.cold.start(*UNTIL)
    state = wait_for(fresh, "store/pretrain/*.partial/state.ckpt")
    job = state.parent.name.removesuffix(".partial")
    kill_job(job)
    output, _ = run.communicate(timeout=1200)
    assert run.returncode != 0, "a killed job must not pass for a finished one"
    assert "error in rule pretrain" in output.lower()
    assert fresh.snakemake(*UNTIL).code == 0
    receipt = json.loads((fresh.results / "store" / "pretrain" / job / "receipt.json").read_text())
    assert receipt["metrics"]["resumed_from_step"] > 0
    assert checkpoints(fresh) == checkpoints(finished)


def test_work_that_was_finished_when_the_kill_came_is_only_published(fresh: Project, finished: Project) -> None:
    assert fresh.snakemake(*UNTIL).code == 0
    done = next((fresh.results / "store" / "pretrain").iterdir())
    weights = (done / "model.safetensors").stat().st_mtime_ns
    # As it is after a kill between the receipt and the rename: the state is still there, the name is not.
    (done / "state.ckpt").write_bytes(b"no longer needed")
    done.rename(done.with_name(f"{done.name}.partial"))
    assert [label for label in fresh.stale() if label.startswith("pre-train")]
    assert fresh.snakemake(*UNTIL).code == 0
    assert (done / "model.safetensors").stat().st_mtime_ns == weights
    assert not (done / "state.ckpt").exists()
    assert checkpoints(fresh) == checkpoints(finished)


def test_after_snakemake_itself_was_killed_the_next_run_finishes_the_rest(fresh: Project, finished: Project) -> None:
    run = fresh.cold.start(*UNTIL)
    wait_for(fresh, "tiny/receipts/pretrain/*.json")
    os.killpg(run.pid, signal.SIGKILL)
    run.communicate()
    assert fresh.snakemake("--unlock").code == 0
    done = fresh.snakemake(*UNTIL)
    assert done.code == 0, done.output
    assert checkpoints(fresh) == checkpoints(finished)
    assert not [label for label in fresh.stale() if label.startswith("pre-train")]
