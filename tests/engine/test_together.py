"""Two runs of one study exclude each other, and who looks on takes nothing from who works."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ptp_core.engine.folders import Folders
from ptp_core.engine.together import begin_run, planning, running
from ptp_core.engine.workflow import prepare
from ptp_core.work import Busy

HOLDER = """
import sys, time
from pathlib import Path
from ptp_core.engine.folders import Folders
from ptp_core.engine.together import begin_run
begin_run(Folders(Path(sys.argv[1]), "files"))
print("runs", flush=True)
time.sleep(120)
"""


@pytest.fixture
def run_of_another(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that runs the study."""
    command = [sys.executable, "-c", HOLDER, str(folder / "results")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "runs\n"
    yield process
    process.kill()
    process.communicate()


def test_a_second_run_is_refused_until_the_first_has_ended_however_it_ends(
    folder: Path, run_of_another: subprocess.Popen[str]
) -> None:
    folders = Folders(folder / "results", "files")
    with pytest.raises(Busy, match=f"study files is being run by process {run_of_another.pid} on .*, since 20"):
        begin_run(folders)
    begin_run(Folders(folder / "results", "another"))
    run_of_another.kill()
    run_of_another.wait()
    with planning(folders) as busy:
        assert not busy
    with running(folders), planning(folders) as busy:
        assert busy


def test_planning_beside_a_run_leaves_its_receipts_alone(folder: Path, run_of_another: subprocess.Popen[str]) -> None:
    planned = prepare(folder / "study.yaml", folder / "results")
    job = next(job for job in planned.graph.jobs if job.stage == "indicators")
    receipt = planned.folders.receipt(job.stage, job.id)
    receipt.parent.mkdir(parents=True, exist_ok=True)
    unit = {"status": "failed", "indicator": "mine", "reason": "it broke"}
    receipt.write_text(json.dumps({"id": job.id, "stage": job.stage, "units": [unit]}))
    prepare(folder / "study.yaml", folder / "results")
    assert receipt.exists()
    run_of_another.kill()
    run_of_another.wait()
    prepare(folder / "study.yaml", folder / "results")
    assert not receipt.exists(), "after the run, the indicator is tried again"


@pytest.mark.slow
def test_two_analyses_of_one_table_at_once_end_like_one(folder: Path) -> None:
    command = [sys.executable, "-m", "ptp_core", "analyze", "table.yaml", "--results"]
    both = [subprocess.Popen([*command, "both"], cwd=folder, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    said = [process.communicate(timeout=300)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    subprocess.run([*command, "alone"], cwd=folder, check=True, stdout=subprocess.PIPE)
    names = {path.relative_to(folder / "alone") for path in (folder / "alone").rglob("*") if path.is_file()}
    assert {path.relative_to(folder / "both") for path in (folder / "both").rglob("*") if path.is_file()} == names
    for name in names:
        if name.suffix in (".json", ".csv") and "digests" not in name.name:
            assert (folder / "both" / name).read_bytes() == (folder / "alone" / name).read_bytes(), name
