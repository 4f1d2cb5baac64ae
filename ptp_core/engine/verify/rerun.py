"""Cheap results made once more in a folder of their own, and compared with those in the store."""

from __future__ import annotations

import os
import random
import statistics
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ptp_core.engine.folders import Folders
from ptp_core.engine.jobfiles import job_json
from ptp_core.engine.lock.diff import Tolerance
from ptp_core.engine.lock.results import headline_metrics
from ptp_core.engine.runner import names_a_hub
from ptp_core.engine.units import Job
from ptp_core.engine.verify.entries import Entry
from ptp_core.engine.verify.finding import Finding
from ptp_core.engine.verify.locked import BITWISE, DIFFERENT, STATISTICAL, Compared, compare_metrics
from ptp_core.engine.verify.repeatable import repeatable_artifacts, repeatable_metrics
from ptp_core.engine.workflow import Workflow
from ptp_core.errors import UserError
from ptp_core.files import pretty_json, write_atomically
from ptp_core.identity import store
from ptp_core.identity.receipts import OK, read_receipt
from ptp_core.progress import Progress


@dataclass(frozen=True)
class Repeated:
    """One result that was made again."""

    name: str
    place: str
    level: str
    differing: str = ""
    """Such as ``loss 2.5, now 2.6``."""
    finding: Finding | None = None

    def __str__(self) -> str:
        if self.level == BITWISE:
            return f"{self.name}: made again, equal bit for bit (bitwise)"
        numbers = f"{self.differing}, within the tolerance" if self.differing else "its numbers do not"
        return f"{self.name}: made again, its files differ, {numbers} (statistical)"

    def json(self) -> dict[str, Any]:
        """For programs."""
        return {"name": self.name, "place": self.place, "level": self.level, "differing": self.differing}


def repeat(workflow: Workflow, chosen: Sequence[Entry], tolerance: Tolerance) -> list[Repeated]:
    """Make results once more, and compare each with what the store has.

    They are made by the same command as ever in a temporary folder, whose store holds links to their parents; nothing
    is written to the store itself.
    """
    by_stage: dict[str, list[Entry]] = defaultdict(list)
    for entry in chosen:
        by_stage[entry.unit.stage].append(entry)
    found = []
    with Progress(len(chosen), "result", "rerun") as progress:
        for stage, members in by_stage.items():
            progress.advance(0, stage)
            with tempfile.TemporaryDirectory(prefix="ptp-rerun-") as scratch:
                found += _repeat_stage(workflow, members, Folders(Path(scratch), workflow.folders.study), tolerance)
            progress.advance(len(members), stage)
    return found


def choose(entries: Iterable[Entry], count: int, seed: int) -> list[Entry]:
    """``count`` random results of the cheaper half, by the seconds that they took, in the order of their places.

    None that asks a hub for something, nor what has diverged or was skipped.
    """
    able = [one for one in entries if one.receipt["status"] == OK and not names_a_hub(one.receipt["settings"])]
    if not able:
        return []
    limit = statistics.median(one.receipt.get("wall_seconds", 0.0) for one in able)
    cheap = sorted(
        (one for one in able if one.receipt.get("wall_seconds", 0.0) <= limit), key=lambda one: one.unit.place
    )
    return sorted(random.Random(seed).sample(cheap, min(count, len(cheap))), key=lambda one: one.unit.place)


def _repeat_stage(workflow: Workflow, members: list[Entry], scratch: Folders, tolerance: Tolerance) -> list[Repeated]:
    """One process makes all results of a stage: starting it costs more than most of them."""
    units = tuple(entry.unit for entry in members)
    stage = units[0].stage
    for unit in units:
        for parent in unit.parents.values():
            _link(workflow.folders.store / parent.whole.place, scratch.store / parent.whole.place)
    job = Job(stage, "repeated", units)
    file = scratch.job(stage, job.id)
    write_atomically(file, pretty_json(job_json(job, workflow.study.spec.execution)))
    command = [sys.executable, "-m", "ptp_core", "job", str(file), "--results", str(scratch.results)]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=dict(os.environ))
    return [_compared(entry, scratch.store, done, tolerance) for entry in members]


def _link(target: Path, link: Path) -> None:
    link.parent.mkdir(parents=True, exist_ok=True)
    if not link.is_symlink():
        link.symlink_to(target.resolve(), target_is_directory=True)


def _compared(entry: Entry, root: Path, done: subprocess.CompletedProcess[str], tolerance: Tolerance) -> Repeated:
    unit = entry.unit
    try:
        made = read_receipt(store.entry(root, unit.stage, unit.fingerprint))
    except UserError:
        said = (done.stdout.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        finding = Finding(entry.folder, f"{entry.name} could not be made again", got=said, place=unit.place)
        return Repeated(entry.name, unit.place, DIFFERENT, finding=finding)
    return compare(entry, made, tolerance)


def compare(entry: Entry, made: dict[str, Any], tolerance: Tolerance) -> Repeated:
    """A result against the receipt of what was made again."""
    place = entry.unit.place
    ours, theirs = (repeatable_artifacts(receipt["artifacts"]) for receipt in (entry.receipt, made))
    metrics = [repeatable_metrics(receipt["metrics"]) for receipt in (entry.receipt, made)]
    if ours == theirs and metrics[0] == metrics[1] and made["status"] == OK:
        return Repeated(entry.name, place, BITWISE)
    compared = compare_metrics(headline_metrics(metrics[0]), headline_metrics(metrics[1]), tolerance)
    differing = f"{compared.number} {compared.told!r}, now {compared.found!r}" if compared.number else ""
    # What has no numbers, such as a file of items, has nothing but its bits.
    same_kind = made["status"] == OK and ours.keys() == theirs.keys() and bool(headline_metrics(metrics[0]))
    if compared.level == STATISTICAL and same_kind:
        return Repeated(entry.name, place, STATISTICAL, differing)
    finding = _differs(
        entry, made, compared, sorted(name for name in {*ours, *theirs} if ours.get(name) != theirs.get(name))
    )
    return Repeated(entry.name, place, DIFFERENT, differing, finding)


def _differs(entry: Entry, made: dict[str, Any], compared: Compared, files: list[str]) -> Finding:
    what = f"{entry.name} came out differently when it was made again"
    if compared.level == DIFFERENT:
        what, expected, got = f"{what}: {compared.number}", repr(compared.told), repr(compared.found)
    else:
        expected, got = entry.receipt["status"], f"{made['status']}, with other bytes in {', '.join(files)}"
    fix = "if it was made on another kind of machine, see whether that explains it; else something was edited"
    return Finding(entry.folder, what, expected, got, fix, entry.unit.place)
