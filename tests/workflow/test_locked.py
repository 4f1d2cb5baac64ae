"""`--config locked=true` through Snakemake itself; nothing is trained."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.preloading.preloaded import Preloaded
from tests.workflow.project import TINY, new_project


@pytest.mark.slow
def test_snakemake_runs_what_the_lock_says_or_nothing(tmp_path: Path, preloaded: Preloaded) -> None:
    project = new_project(tmp_path, TINY, preloaded)

    def dry_run(locked: str) -> tuple[int, str]:
        # What comes last on the command line is what counts.
        return project.snakemake("--config", "study=tiny.yaml", f"locked={locked}", "--dry-run")

    code, said = dry_run("true")
    assert code == 2
    assert said.endswith("\ntiny.lock: there is no lock; write it first: ptp lock tiny.yaml\n")
    assert project.ptp("lock", "tiny.yaml").code == 0
    code, said = dry_run("true")
    assert code == 0, said
    code, said = dry_run("maybe")
    assert code == 2
    assert said.endswith("\n--config locked: cannot be read; expected true or false, got 'maybe'\n")
    project.spec.write_text(TINY.replace("lr: 5e-3", "lr: 6e-3"))
    code, said = dry_run("true")
    assert code == 2
    assert "this study is not what its lock says" in said
    assert "unit pretrain/hot" in said
    assert "Traceback" not in said
    assert project.ptp("lock", "tiny.yaml", "--check").code == 1
    assert dry_run("false")[0] == 0
