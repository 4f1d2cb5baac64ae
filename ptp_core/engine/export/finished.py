"""A finished study as its store has it: every result with its receipt, none missing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any

from ptp_core.engine.folders import Folders
from ptp_core.engine.stages import OUTPUTS
from ptp_core.engine.units import Job, Unit
from ptp_core.engine.verify.summaries import refuse_edited_files
from ptp_core.engine.workflow import Workflow, plan
from ptp_core.errors import UserError, Where
from ptp_core.identity.digests import file_digest
from ptp_core.identity.lockfile import lock_path
from ptp_core.identity.receipts import DIVERGED, FAILED, OK, RECEIPT, SKIPPED, check_sizes, read_receipt
from ptp_core.spec.loaded import LoadedStudy

STATUSES = (OK, DIVERGED, SKIPPED)
"""Of a result of the store."""
NAMED = 5
"""So many unfinished jobs are named."""


@dataclass(frozen=True)
class StoredFile:
    """A file with what is promised of it."""

    path: Path
    name: str
    """Relative to the result's folder, with slashes."""
    sha256: str
    bytes: int


@dataclass(frozen=True)
class Result:
    """What became of one unit."""

    unit: Unit
    folder: Path
    receipt: Mapping[str, Any]
    """As in the store; of an indicator that failed what its job's receipt says."""

    @property
    def status(self) -> str:
        return str(self.receipt["status"])

    @property
    def is_kept(self) -> bool:
        """Whether the store has it; there is nothing of an indicator that failed."""
        return self.status != FAILED

    @property
    def is_sound(self) -> bool:
        return self.status == OK

    @cached_property
    def files(self) -> list[StoredFile]:
        """Its artifacts, sorted by name. Raises UserError for a receipt that names files elsewhere."""
        return [
            StoredFile(_inside(self.folder, name), name, artifact["sha256"], artifact["bytes"])
            for name, artifact in sorted(self.receipt["artifacts"].items())
        ]

    @cached_property
    def record(self) -> StoredFile:
        """The receipt itself."""
        path = self.folder / RECEIPT
        return StoredFile(path, RECEIPT, file_digest(path), path.stat().st_size)


@dataclass(frozen=True)
class FinishedStudy:
    """A study of which every job is done."""

    workflow: Workflow
    results: Mapping[str, Result]
    """Fingerprint → result, parents before children."""

    @property
    def name(self) -> str:
        return self.study.spec.study

    @property
    def study(self) -> LoadedStudy:
        return self.workflow.study

    @property
    def folders(self) -> Folders:
        return self.workflow.folders

    @property
    def lock(self) -> Path | None:
        """The spec's lock, if there is one."""
        path = lock_path(self.study.path)
        return path if path.is_file() else None

    @property
    def outputs(self) -> dict[str, tuple[str, ...]]:
        """Stage of a summary → the files that it wrote into the study's folder."""
        pages = tuple(self.workflow.pages.values())
        return {stage: OUTPUTS.get(stage) or pages for stage in self.workflow.summaries}

    @property
    def last_day(self) -> str | None:
        """The day on which the last of its jobs ended, as far as receipts know."""
        days = [str(r.receipt["ended"])[:10] for r in self.results.values() if r.receipt.get("ended")]
        return max(days, default=None)


def finished_study(spec: Path, results: Path) -> FinishedStudy:
    """Read a study and all receipts of its results; writes nothing but the cache of file digests.

    Raises UserError if a job is not done, if a file of the store is gone or of another size, if one of the study's own
    files was edited, or if a receipt names a file outside its folder.
    """
    workflow = plan(spec, results)
    _refuse_unfinished(workflow, spec)
    refuse_edited_files(workflow)
    found: dict[str, Result] = {}
    for job in workflow.graph.jobs:
        failed = _failed_units(job, workflow.folders)
        for unit in job.units:
            found[unit.fingerprint] = _result(unit, failed, workflow.folders.store)
    return FinishedStudy(workflow, found)


def _result(unit: Unit, failed: Mapping[str, Mapping[str, Any]], store: Path) -> Result:
    if unit.fingerprint in failed:
        return Result(unit, store / unit.place, failed[unit.fingerprint])
    receipt = read_receipt(store / unit.place)
    if receipt.get("fingerprint") != unit.fingerprint:
        raise UserError(
            "this receipt is of another result", where=Where(store / unit.place / RECEIPT), expected=unit.fingerprint,
            got=receipt.get("fingerprint"), fix=f"remove {store / unit.place} and run snakemake again",
        )  # fmt: skip
    result = Result(unit, store / unit.place, receipt)
    try:
        # Names are looked at before any file is.
        known = all(_inside(result.folder, name) for name in receipt["artifacts"]) and result.status in STATUSES
        check_sizes(result.folder, receipt)
    except (KeyError, TypeError, AttributeError):
        known = False
    if not known:
        fix = f"remove {store / unit.place} and run snakemake again"
        raise UserError("this receipt is damaged", where=Where(store / unit.place / RECEIPT), fix=fix)
    return result


def _failed_units(job: Job, folders: Folders) -> dict[str, Mapping[str, Any]]:
    """Fingerprint → what a job's receipt says of its measurements that failed."""
    path = folders.receipt(job.stage, job.id)
    try:
        receipt = json.loads(path.read_text(encoding="utf-8"))
        return {unit["fingerprint"]: unit for unit in receipt["units"] if unit["status"] == FAILED}
    except (ValueError, KeyError, TypeError):
        raise UserError("this file is damaged", where=Where(path), fix="remove it and run snakemake again") from None


def _refuse_unfinished(workflow: Workflow, spec: Path) -> None:
    home = workflow.folders.home
    missing = [f"{job.stage} {job.label}" for job in workflow.missing()]
    for stage, job in workflow.summaries.items():
        files = OUTPUTS.get(stage) or workflow.pages.values()
        there = workflow.folders.receipt(stage, job["id"]).exists() and all((home / name).is_file() for name in files)
        missing += [] if there else [stage]
    if missing:
        trains = workflow.study.spec.pretrain or workflow.study.spec.checkpoints
        more = f" and {len(missing) - NAMED:,} more" if len(missing) > NAMED else ""
        raise UserError(
            f"this study is not finished: not done are {', '.join(missing[:NAMED])}{more}", subject=str(spec),
            fix=f"snakemake --config study={spec}" if trains else f"ptp analyze {spec}",
        )  # fmt: skip


def _inside(folder: Path, name: str) -> Path:
    """The file of an artifact; a receipt must not lead out of its folder, neither by its name nor by a link."""
    plain = PurePosixPath(name)
    whole = not plain.is_absolute() and ".." not in plain.parts and "\0" not in name and plain.as_posix() == name
    path = folder / name if whole else folder
    if not whole or not path.resolve().is_relative_to(folder.resolve()):
        raise UserError(
            "this receipt names a file outside its folder", where=Where(folder / RECEIPT), got=name,
            fix=f"remove {folder} and run snakemake again",
        )  # fmt: skip
    return path
