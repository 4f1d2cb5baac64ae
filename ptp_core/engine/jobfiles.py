"""Job files: what Snakemake's rules read, one small JSON file a job, written only when its content changes."""

from __future__ import annotations

import json
import os
import secrets
from pathlib import Path
from typing import Any

import pydantic_core

from ptp_core.engine.folders import Folders
from ptp_core.engine.units import Graph, Job, Unit, settings_json
from ptp_core.errors import UserError, Where
from ptp_core.identity.store import is_complete
from ptp_core.spec.execution import Execution

FORMAT = 2
_NESTED = (dict, list)
_OWN = f".{secrets.token_hex(8)}"
"""Ends the names of the files that this process is writing."""


def job_json(job: Job, execution: Execution) -> dict[str, Any]:
    """The content of a job file."""
    return _job_json(job, execution.model_dump(mode="json"))


def _job_json(job: Job, execution: dict[str, Any]) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "id": job.id,
        "stage": job.stage,
        "label": job.label,
        "execution": execution,
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
    stages = {job.stage: folders.job(job.stage, job.id).parent for job in graph.jobs}
    for folder in stages.values():
        folder.mkdir(parents=True, exist_ok=True)
    present = {stage: names_in(folder) for stage, folder in stages.items()}
    written, same = 0, execution.model_dump(mode="json")
    for job in graph.jobs:
        name = f"{job.id}.json"
        path = stages[job.stage] / name
        content = _text(_job_json(job, same))
        if name not in present[job.stage] or path.read_bytes() != content:
            _write(path, content)
            written += 1
    return written


def names_in(folder: Path) -> set[str]:
    """The names in a folder; none if it is not there."""
    try:
        return set(os.listdir(folder))  # noqa: PTH208 (thousands of names)
    except OSError:
        return set()


def _write(path: Path, content: bytes) -> None:
    # Nobody sees half a file. It is not flushed to disk, which takes milliseconds: one that a crash of the machine has
    # emptied is no longer what it should be, so the next planning writes it.
    beside = path.with_name(f".{path.name}{_OWN}")
    try:
        beside.write_bytes(content)
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def _text(value: dict[str, Any]) -> bytes:
    """As ``pretty_json``, several times as fast: a large study has ten thousand job files."""
    return pydantic_core.to_json(_sorted(value), indent=1, inf_nan_mode="constants") + b"\n"


def _sorted(value: Any) -> Any:
    # Most values are leaves, and a call for each of them would take most of the time.
    if type(value) is dict:
        return {key: _sorted(item) if type(item := value[key]) in _NESTED else item for key in sorted(value)}
    return [_sorted(item) for item in value] if type(value) is list else value


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


class Stored:
    """What the store has, with one listing a stage: a look at each of thousands of folders is slow on some disks."""

    def __init__(self, store: Path) -> None:
        self.store = store
        self._names: dict[str, set[str]] = {}

    def has(self, unit: Unit) -> bool:
        """Whether a unit's result is there, with its receipt."""
        if unit.stage not in self._names:
            self._names[unit.stage] = names_in(self.store / unit.stage)
        return unit.id in self._names[unit.stage] and is_done(unit, self.store)
