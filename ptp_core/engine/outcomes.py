"""What became of the jobs: made, diverged, skipped because a parent has diverged, or an indicator that failed."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ptp_core.engine.folders import Folders
from ptp_core.engine.units import Graph
from ptp_core.errors import UserError, Where
from ptp_core.identity.receipts import DIVERGED, FAILED, OK, RECEIPT, read_receipt


def is_sound(store: Path, place: str) -> bool:
    """Whether a result was made: neither diverged nor skipped, nor an indicator that failed, which leaves none."""
    return (store / place / RECEIPT).exists() and bool(read_receipt(store / place)["status"] == OK)


def chance_levels(tasks: Mapping[str, str], store: Path) -> dict[str, float]:
    """Task → what a guesser scores, of the tasks (name → place in the store) whose items have been made."""
    made = {name: read_receipt(store / place)["metrics"] for name, place in tasks.items() if is_sound(store, place)}
    return {name: float(metrics["chance"]) for name, metrics in made.items()}


def diverged_notes(receipts: Iterable[Mapping[str, Any]], labels: Mapping[str, str], store: Path) -> list[str]:
    """A sentence for each training that has diverged; ``labels``: place in the store → how people call it now."""
    notes = []
    for receipt in receipts:
        for unit in receipt["units"]:
            if unit["status"] == DIVERGED:
                reason = read_receipt(store / unit["store"])["reason"]
                what = labels.get(unit["store"], receipt["label"])
                notes.append(f"{receipt['stage']} of {what} has diverged ({reason}); it is left out.")
    return notes


def failures(receipts: Iterable[Mapping[str, Any]]) -> list[tuple[str, str, str]]:
    """(indicator, reason, id of the job) of every measurement that failed."""
    return [
        (unit["indicator"], unit["reason"], receipt["id"])
        for receipt in receipts
        for unit in receipt["units"]
        if unit["status"] == FAILED
    ]


def failed_notes(receipts: Iterable[Mapping[str, Any]]) -> list[str]:
    """A sentence for each indicator that failed, and each reason."""
    jobs: dict[tuple[str, str], list[str]] = defaultdict(list)
    for name, reason, job in failures(receipts):
        jobs[name, reason].append(job)
    return [
        f"Indicator {name} failed on {len(ids)} checkpoint{'s' * (len(ids) > 1)} ({reason}); it is left out there, and "
        f"tried again by the next run. See logs/indicators/{ids[0]}.log."
        for (name, reason), ids in jobs.items()
    ]


def read_job_receipt(path: Path) -> dict[str, Any]:
    """The receipt of a job; raises UserError if it is not one (any more)."""
    try:
        receipt = json.loads(path.read_bytes())
        if all(unit["status"] and unit["store"] for unit in receipt["units"]) and receipt["label"] is not None:
            return dict(receipt)
    except (ValueError, LookupError, TypeError, RecursionError):
        pass
    fix = f"remove {path} and run snakemake again: it is written anew"
    raise UserError("this is no receipt of a job any more", where=Where(path), fix=fix)


def notes(graph: Graph, folders: Folders) -> list[str]:
    """Both for all jobs of a study that are done. Raises UserError for a receipt that is none."""
    labels = {unit.place: unit.label for job in graph.jobs for unit in job.units}
    files = (folders.receipt(job.stage, job.id) for job in graph.jobs)
    receipts = [read_job_receipt(path) for path in files if path.exists()]
    return [*diverged_notes(receipts, labels, folders.store), *failed_notes(receipts)]
