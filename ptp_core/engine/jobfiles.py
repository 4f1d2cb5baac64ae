"""Job files: what Snakemake's rules read, one small JSON file a job, written only when its content changes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ptp_core.engine.folders import Folders
from ptp_core.engine.units import Graph, Job, Unit, settings_json
from ptp_core.errors import UserError, Where
from ptp_core.files import pretty_json, write_if_changed
from ptp_core.identity.store import is_complete
from ptp_core.spec.execution import Execution

FORMAT = 2


def job_json(job: Job, execution: Execution) -> dict[str, Any]:
    """The content of a job file."""
    return {
        "format": FORMAT,
        "id": job.id,
        "stage": job.stage,
        "label": job.label,
        "execution": execution.model_dump(mode="json"),
        "units": [_unit_json(unit) for unit in job.units],
    }


def _unit_json(unit: Unit) -> dict[str, Any]:
    return {
        "fingerprint": unit.fingerprint,
        "identity": unit.identity,
        "made_with": unit.made_with,
        "label": unit.label,
        "settings": settings_json(unit.settings),
        "parents": {role: parent.place for role, parent in sorted(unit.parents.items())},
        "inputs": {
            role: [{"path": str(path), "sha256": sha256} for path, sha256 in files]
            for role, files in sorted(unit.inputs.items())
        },
    }


def write_jobs(graph: Graph, folders: Folders, execution: Execution) -> int:
    """Write the job files that changed; returns how many."""
    return sum(
        write_if_changed(folders.job(job.stage, job.id), pretty_json(job_json(job, execution))) for job in graph.jobs
    )


def read_job(path: Path) -> dict[str, Any]:
    """A job file; raises UserError if it is not one."""
    try:
        job = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError("this is not a job file", where=Where(path), got=str(error)) from None
    if not isinstance(job, dict) or job.get("format") != FORMAT:
        raise UserError(
            "this is not a job file of this version", where=Where(path), fix="run snakemake to write it anew"
        )
    return job


def is_done(unit: Unit, store: Path) -> bool:
    """Whether a unit's result is in the store."""
    return is_complete(store, unit.stage, unit.fingerprint)
