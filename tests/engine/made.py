"""A study whose results are all in the store: receipts without the work behind them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from ptp_core.engine.jobfiles import write_jobs
from ptp_core.engine.runner import receipt_from_store
from ptp_core.engine.stages import OUTPUTS
from ptp_core.engine.units import Unit, settings_json
from ptp_core.engine.workflow import Workflow, plan
from ptp_core.files import pretty_json, write_atomically

SECONDS = {"pretrain": 360.0, "anneal": 36.0, "finetune": 72.0}
"""What a result of a stage took; others 1 s."""


def plan_jobs(spec: Path, results: Path) -> Workflow:
    """What planning writes: the job files."""
    workflow = plan(spec, results)
    write_jobs(workflow.graph, workflow.folders, workflow.study.spec.execution)
    for stage, job in workflow.summaries.items():
        write_atomically(workflow.folders.job(stage, job["id"]), pretty_json(job))
    return workflow


def make_all(spec: Path, results: Path, wanted: Callable[[Unit], bool] = lambda unit: True) -> Workflow:
    """Plan, and pretend to have made every result, or those that are wanted."""
    workflow = plan_jobs(spec, results)
    for job in workflow.graph.jobs:
        for unit in filter(wanted, job.units):
            put(workflow, unit)
        if all(map(wanted, job.units)):
            receipt_from_store(job, workflow.folders)
    if all(wanted(unit) for unit in units_of(workflow)):
        for stage, job in workflow.summaries.items():
            folder = workflow.folders.receipt(stage, "").parent
            for old in folder.glob("*.json"):
                old.unlink()
            write_atomically(workflow.folders.receipt(stage, job["id"]), "{}")
            for name in OUTPUTS.get(stage) or workflow.pages.values():
                write_atomically(workflow.folders.home / name, "")
    return workflow


def units_of(workflow: Workflow) -> Iterable[Unit]:
    return (unit for job in workflow.graph.jobs for unit in job.units)


def put(workflow: Workflow, unit: Unit, **changes: Any) -> None:
    """A result's receipt in the store."""
    receipt: dict[str, Any] = {
        "status": "ok", "reason": None, "metrics": {}, "wall_seconds": SECONDS.get(unit.stage, 1.0),
        "fingerprint": unit.fingerprint, "identity": unit.identity, "stage": unit.stage,
        "settings": settings_json(unit.settings),
        "parents": {role: parent.place for role, parent in unit.parents.items()},
        "artifacts": {"model.safetensors": {"sha256": "0" * 64, "bytes": 1000}},
        "host": {"name": "here", "device": "cpu", "threads": 1},
    }  # fmt: skip
    write_atomically(workflow.folders.store / unit.place / "receipt.json", pretty_json(receipt | changes))
