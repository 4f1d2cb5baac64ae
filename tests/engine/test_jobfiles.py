"""Job files are written when they are not what they should be, and only then."""

from __future__ import annotations

from pathlib import Path

from ptp_core.engine.jobfiles import Stored, job_json, write_jobs
from ptp_core.engine.workflow import plan
from ptp_core.files import pretty_json


def test_what_does_not_change_is_not_written_and_what_a_crash_has_emptied_is(folder: Path) -> None:
    study = plan(folder / "study.yaml", folder / "results")
    execution = study.study.spec.execution
    files = [study.folders.job(job.stage, job.id) for job in study.graph.jobs]
    assert write_jobs(study.graph, study.folders, execution) == len(files)
    assert [path.read_text("utf-8") for path in files] == [
        pretty_json(job_json(j, execution)) for j in study.graph.jobs
    ]
    assert write_jobs(study.graph, study.folders, execution) == 0
    files[0].write_bytes(b"")
    files[1].unlink()
    assert write_jobs(study.graph, study.folders, execution) == 2
    assert files[0].read_text("utf-8") == pretty_json(job_json(study.graph.jobs[0], execution))
    assert {path for file in files for path in file.parent.iterdir()} == {*files}


def test_a_result_is_stored_where_its_receipt_is_there(folder: Path) -> None:
    study = plan(folder / "study.yaml", folder / "results")
    unit = study.graph.jobs[0].units[0]
    place = study.folders.store / unit.place
    assert not Stored(study.folders.store).has(unit)
    place.mkdir(parents=True)
    assert not Stored(study.folders.store).has(unit)
    (place / "receipt.json").write_text("{}")
    assert Stored(study.folders.store).has(unit)
