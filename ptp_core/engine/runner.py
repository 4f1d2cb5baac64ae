"""Run a job file: make what is missing in the store, then write the job's receipt."""

from __future__ import annotations

import importlib
import os
import platform
import resource
import sys
import time
import warnings
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ptp_core.engine.folders import Folders
from ptp_core.engine.stages import STAGES, Stage
from ptp_core.engine.units import Job
from ptp_core.errors import UserError, Where
from ptp_core.files import disk_full_is_said, pretty_json, write_atomically
from ptp_core.identity import store
from ptp_core.identity.digests import file_digest
from ptp_core.identity.fingerprint import ID_LENGTH
from ptp_core.identity.receipts import (
    DIVERGED,
    FAILED,
    OK,
    RECEIPT,
    SKIPPED,
    artifacts,
    check_sizes,
    read_receipt,
)
from ptp_core.signals import interruptible
from ptp_core.work import Diverged, Failed, Metrics, Work


def run_job(job: dict[str, Any], folders: Folders) -> None:
    """Make every unit of a job that the store lacks, one after the other, and write the receipt.

    A unit that is there already costs nothing: heavy libraries are loaded only where something is to be made.
    """
    stage = STAGES[job["stage"]]
    set_up_libraries(
        int(job["execution"]["threads"]), online=any(names_a_hub(unit["settings"]) for unit in job["units"])
    )
    began = time.time()
    with interruptible():
        units = [_run_unit(unit, stage, job["execution"], folders.store) for unit in job["units"]]
    receipt = {
        "id": job["id"],
        "stage": job["stage"],
        "label": job["label"],
        "units": units,
        "wall_seconds": round(time.time() - began, 3),
        # Of the whole process, so that starting Python and importing libraries count as well.
        "cpu_seconds": round(time.process_time(), 3),
        "peak_memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
    }
    write_atomically(folders.receipt(stage.name, job["id"]), pretty_json(receipt))


def receipt_from_store(job: Job, folders: Folders) -> None:
    """Write the receipt of a job whose results are all in the store already, without running anything."""
    receipt = {
        "id": job.id,
        "stage": job.stage,
        "label": job.label,
        "units": [_in_short(store.entry(folders.store, u.stage, u.fingerprint), reused=True) for u in job.units],
        "wall_seconds": 0.0,
        "cpu_seconds": 0.0,
        "peak_memory_mb": 0.0,
    }
    write_atomically(folders.receipt(job.stage, job.id), pretty_json(receipt))


def _run_unit(unit: dict[str, Any], stage: Stage, execution: dict[str, Any], root: Path) -> dict[str, Any]:
    fingerprint = unit["fingerprint"]
    with store.writer(root, stage.name, fingerprint) as folder:
        if folder is None:
            print(f"in the store already: {stage.name} {unit['label']}", flush=True)
            return _in_short(store.entry(root, stage.name, fingerprint), reused=True)
        if not _is_whole(folder, stage):
            if not stage.state:
                store.clear(folder)
            print(f"{stage.name}: {unit['label']}", flush=True)
            _refuse_other_code(unit, stage)
            try:
                made = _skipped(unit, root) or _make(unit, stage, execution, root, folder)
            except Failed as failed:
                store.clear(folder)
                return _failed(unit, stage, str(failed))
            receipt = _receipt(unit, stage, made, artifacts(folder, without=stage.state))
            store.check(root, stage.name, fingerprint)
            receipt["host"] |= {"device": _device(), "threads": execution["threads"]}
            write_atomically(folder / RECEIPT, pretty_json(receipt))
        for name in stage.state:
            (folder / name).unlink(missing_ok=True)
        return _in_short(store.publish(root, stage.name, fingerprint), reused=False)


def _is_whole(folder: Path, stage: Stage) -> bool:
    """Whether only the last step is missing: its writer was killed after the receipt, before the rename."""
    try:
        return bool(read_receipt(folder)["artifacts"] == artifacts(folder, without=stage.state))
    except (UserError, KeyError):
        return False


def _failed(unit: dict[str, Any], stage: Stage, reason: str) -> dict[str, Any]:
    """What a job's receipt says of a measurement that failed; the store says nothing."""
    print(f"{unit['label']} failed: {reason}", flush=True)
    return {
        "fingerprint": unit["fingerprint"],
        "status": FAILED,
        # Labels end in the indicator's name, which holds no space.
        "indicator": unit["label"].rsplit(" ", 1)[-1],
        "reason": reason,
        "metrics": {},
        "artifacts": {},
        "wall_seconds": 0.0,
        "store": f"{stage.name}/{unit['fingerprint'][:ID_LENGTH]}",
        "reused": False,
    }


def _refuse_other_code(unit: dict[str, Any], stage: Stage) -> None:
    # Between planning and running, hours may pass in which somebody edits the code or upgrades a package.
    # Its identity may name an older code that the study's lock has this one stand for.
    if unit["made_with"] != {"code": stage.code, "packages": stage.versions}:
        raise UserError(
            f"the code or the packages of stage {stage.name} have changed since the study was planned",
            fix="run snakemake again",
        )


def _skipped(unit: dict[str, Any], root: Path) -> dict[str, Any] | None:
    """What a unit comes to if there is nothing to make it from, because a parent has diverged; else None."""
    for place in unit["parents"].values():
        parent = read_receipt(store.await_result(_store_entry(root, place)))
        if parent["status"] == DIVERGED:
            return {"status": SKIPPED, "reason": f"its {parent['stage']} has diverged: {parent['reason']}"}
        if parent["status"] == SKIPPED:
            return {"status": SKIPPED, "reason": parent["reason"]}
    return None


def _make(unit: dict[str, Any], stage: Stage, execution: dict[str, Any], root: Path, folder: Path) -> dict[str, Any]:
    work = Work(
        settings=unit["settings"],
        parents={role: _parent(root, place) for role, place in unit["parents"].items()},
        inputs={role: _inputs(files) for role, files in unit["inputs"].items()},
        folder=folder,
        execution=execution,
        label=unit["label"],
        check=lambda: store.check(root, stage.name, unit["fingerprint"]),
    )
    began = time.time()
    try:
        with disk_full_is_said(folder):
            metrics = _entry(stage)(work)
        made: dict[str, Any] = {"status": OK, "metrics": metrics}
    except Diverged as diverged:
        # A result like any other: it is kept, and its descendants are not attempted.
        print(f"{unit['label']} has diverged: {diverged.reason}", flush=True)
        made = {"status": DIVERGED, "reason": diverged.reason, "metrics": diverged.metrics}
    return made | {"wall_seconds": round(time.time() - began, 3), "began": _clock(began), "ended": _clock(time.time())}


def _clock(seconds: float) -> str:
    """A time in UTC as ISO 8601 writes it; for people and exports, it decides nothing."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


def _receipt(
    unit: dict[str, Any], stage: Stage, made: dict[str, Any], files: dict[str, dict[str, Any]]
) -> dict[str, Any]:
    return {
        "reason": None,
        "metrics": {},
        "wall_seconds": 0.0,
        **made,
        "fingerprint": unit["fingerprint"],
        # What was hashed: whoever holds a receipt can tell whose it is, and what has changed since.
        "identity": unit["identity"],
        "made_with": unit["made_with"],
        "stage": stage.name,
        "settings": unit["settings"],
        "parents": unit["parents"],
        "inputs": {role: [file["sha256"] for file in files] for role, files in unit["inputs"].items()},
        "artifacts": files,
        "host": {"name": platform.node(), "system": platform.platform(), "python": platform.python_version()},
    }


def _device() -> str:
    """What the heavy work ran on, for whoever reckons what more of it would take."""
    torch = sys.modules.get("torch")
    return str(torch.cuda.get_device_name()) if torch and torch.cuda.is_available() else "cpu"


def _entry(stage: Stage) -> Callable[[Work], Metrics]:
    module, function = stage.entry.split(":")
    return getattr(importlib.import_module(module), function)  # type: ignore[no-any-return]


def _parent(root: Path, place: str) -> Path:
    entry = _store_entry(root, place)
    receipt = read_receipt(entry)
    if not str(receipt.get("fingerprint", "")).startswith(entry.name):
        raise UserError(
            "what lies here is another result", where=Where(entry / RECEIPT), expected=entry.name,
            got=receipt.get("fingerprint"), fix="`ptp verify` says which results are in wrong folders",
        )  # fmt: skip
    check_sizes(entry, receipt)
    return root / place


def _store_entry(root: Path, place: str) -> Path:
    """The folder with the receipt; a place may name a part of a result, as ``pretrain/<id>/checkpoints/1000``."""
    stage, entry = place.split("/")[:2]
    return root / stage / entry


def _inputs(files: list[dict[str, str]]) -> tuple[Path, ...]:
    for file in files:
        # The spec was read a while ago: what is read now must be what the fingerprint says.
        path = Path(file["path"])
        if not path.is_file() or file_digest(path) != file["sha256"]:
            raise UserError(
                "this file has changed since the study was planned", where=Where(path), fix="run snakemake again"
            )
    return tuple(Path(file["path"]) for file in files)


def _in_short(folder: Path, reused: bool) -> dict[str, Any]:
    receipt = read_receipt(folder)
    kept = {key: receipt[key] for key in ("fingerprint", "status", "metrics", "artifacts", "wall_seconds")}
    return kept | {"store": f"{receipt['stage']}/{folder.name}", "reused": reused}


def names_a_hub(settings: Any) -> bool:
    """Whether a job's settings ask for something of a hub: a data set, a tokenizer, a checkpoint."""
    if isinstance(settings, dict):
        return any((key in HUB_KEYS and value) or names_a_hub(value) for key, value in settings.items())
    return isinstance(settings, list | tuple) and any(map(names_a_hub, settings))


HUB_KEYS = ("hub", "pretrained")
"""Fields of settings that hold the id of something on a hub."""


def set_up_libraries(threads: int, online: bool = False) -> None:
    """Keep numeric libraries to this job's cores, offline and quiet; must run before they are imported.

    ``online``: leave the way to a hub open, unless the user has closed it.
    """
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS"):
        os.environ[name] = str(threads)
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "true" if threads > 1 else "false")
    # What asks a hub for nothing must not try to reach one either.
    if not online:
        os.environ.setdefault("HF_HUB_OFFLINE", "1")
    # Bars of libraries would fill the log beside our own.
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    warnings.filterwarnings("ignore", module="pytorch_lightning", message=".*LeafSpec.*")
