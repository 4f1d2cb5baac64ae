"""What preparing a study does to receipts that say something else than the store."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ptp_core.cli import main
from ptp_core.engine import workflow
from ptp_core.engine.units import Job
from ptp_core.engine.workflow import prepare


def test_an_indicator_that_another_study_has_made_since_is_no_longer_said_to_have_failed(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    planned = prepare(folder / "study.yaml", folder / "results")
    job = next(job for job in planned.graph.jobs if job.stage == "indicators")
    receipt = planned.folders.receipt(job.stage, job.id)
    unit = {"status": "failed", "indicator": "mine", "reason": "it broke"}
    receipt.parent.mkdir(parents=True, exist_ok=True)
    receipt.write_text(json.dumps({"id": job.id, "stage": job.stage, "units": [unit]}))
    table = Path(planned.summary_receipts("table")[0])
    table.parent.mkdir(parents=True, exist_ok=True)
    table.write_text("{}")
    made: list[Job] = []
    monkeypatch.setattr(workflow.Stored, "has", lambda self, unit: unit.stage == "indicators")
    monkeypatch.setattr(workflow, "receipt_from_store", lambda job, folders: made.append(job))
    prepare(folder / "study.yaml", folder / "results")
    assert job in made
    assert not receipt.exists()
    assert not table.exists()


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff", b'{"units": [5]}', b'{"units": []}'])
def test_a_receipt_that_nobody_can_read_promises_nothing(
    folder: Path, content: bytes, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    spec, results = folder / "study.yaml", folder / "results"
    planned = prepare(spec, results)
    job = next(job for job in planned.graph.jobs if job.stage == "indicators")
    receipt = planned.folders.receipt(job.stage, job.id)
    receipt.parent.mkdir(parents=True, exist_ok=True)
    receipt.write_bytes(content)
    assert main(["status", str(spec), "--results", str(results)]) == 2
    assert f"{receipt}: this is no receipt of a job any more" in capsys.readouterr().err
    prepare(spec, results)
    assert not receipt.exists()
