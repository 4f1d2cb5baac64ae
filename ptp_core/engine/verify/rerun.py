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
from ptp_core.engine.runner import names_a_hub
from ptp_core.engine.units import Job
from ptp_core.engine.verify.entries import Entry
from ptp_core.engine.verify.finding import Finding
from ptp_core.engine.verify.locked import BITWISE, DIFFERENT, STATISTICAL, compare_metrics
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
    largest: float = 0.0
    finding: Finding | None = None

    def __str__(self) -> str:
        if self.level == BITWISE:
            return f"{self.name}: made again, equal bit for bit (bitwise)"
        return f"{self.name}: made again, its files differ, its numbers by {self.largest:.2g} at most (statistical)"

    def json(self) -> dict[str, Any]:
        """For programs."""
        return {"name": self.name, "place": self.place, "level": self.level, "largest_difference": self.largest}


def repeat(workflow: Workflow, entries: Sequence[Entry], count: int, seed: int, tolerance: float) -> list[Repeated]:
    """Make ``count`` random results once more, out of the cheaper half, and compare each with what the store has.

    They are made by the same command as ever in a temporary folder, whose store holds links to their parents; nothing
    is written to the store itself. Results that ask a hub for something, and those of trainings that diverged, are not
    chosen.
    """
    chosen = choose(entries, count, seed)
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
    """``count`` of the cheaper half of the results, by the seconds that they took, in the order of their places."""
    able = [one for one in entries if one.receipt["status"] == OK and not names_a_hub(one.receipt["settings"])]
    if not able:
        return []
    limit = statistics.median(one.receipt.get("wall_seconds", 0.0) for one in able)
    cheap = sorted(
        (one for one in able if one.receipt.get("wall_seconds", 0.0) <= limit), key=lambda one: one.unit.place
    )
    return sorted(random.Random(seed).sample(cheap, min(count, len(cheap))), key=lambda one: one.unit.place)


def _repeat_stage(workflow: Workflow, members: list[Entry], scratch: Folders, tolerance: float) -> list[Repeated]:
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


def _compared(entry: Entry, root: Path, done: subprocess.CompletedProcess[str], tolerance: float) -> Repeated:
    unit = entry.unit
    try:
        made = read_receipt(store.entry(root, unit.stage, unit.fingerprint))
    except UserError:
        said = (done.stdout.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        finding = Finding(entry.folder, f"{entry.name} could not be made again", got=said, place=unit.place)
        return Repeated(entry.name, unit.place, DIFFERENT, finding=finding)
    ours, theirs = (repeatable_artifacts(receipt["artifacts"]) for receipt in (entry.receipt, made))
    metrics = [repeatable_metrics(receipt["metrics"]) for receipt in (entry.receipt, made)]
    if ours == theirs and metrics[0] == metrics[1] and made["status"] == OK:
        return Repeated(entry.name, unit.place, BITWISE)
    compared = compare_metrics(entry.receipt["metrics"], made["metrics"], tolerance)
    if compared.level == STATISTICAL and made["status"] == OK and ours.keys() == theirs.keys() and metrics[0]:
        return Repeated(entry.name, unit.place, STATISTICAL, compared.largest)
    return Repeated(entry.name, unit.place, DIFFERENT, compared.largest, _differs(entry, made, compared, ours, theirs))


def _differs(
    entry: Entry, made: dict[str, Any], compared: Any, ours: dict[str, str], theirs: dict[str, str]
) -> Finding:
    what = f"{entry.name} came out differently when it was made again"
    if compared.level == DIFFERENT:
        what, expected, got = f"{what}: {compared.number}", repr(compared.told), repr(compared.found)
    else:
        files = [name for name in sorted({*ours, *theirs}) if ours.get(name) != theirs.get(name)]
        expected, got = entry.receipt["status"], f"{made['status']}, with other bytes in {', '.join(files)}"
    fix = "if it was made on another kind of machine, see whether that explains it; else something was edited"
    return Finding(entry.folder, what, expected, got, fix, entry.unit.place)
