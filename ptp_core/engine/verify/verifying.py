"""Everything that can be wrong with a finished study, one look after the other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ptp_core.engine.adopted import read_adopted
from ptp_core.engine.lock.diff import tolerance_of
from ptp_core.engine.units import Unit
from ptp_core.engine.verify.contents import check_files, copies, files_of, owners_of
from ptp_core.engine.verify.entries import Entry, partial_findings, read_entry, units_of
from ptp_core.engine.verify.finding import Finding
from ptp_core.engine.verify.hashing import Digests, digests_of
from ptp_core.engine.verify.headlines import check_numbers
from ptp_core.engine.verify.job_receipts import disagreements, gone, read_job_receipts
from ptp_core.engine.verify.locked import check_lock
from ptp_core.engine.verify.summaries import check_outcomes, check_summaries, check_table, summary_files
from ptp_core.engine.workflow import Workflow
from ptp_core.identity import store
from ptp_core.identity.digests import DigestCache
from ptp_core.identity.lockfile import lock_path

CACHE = ".verified.json"
"""In the store: digests of files that have not changed since they were hashed."""


@dataclass
class Verified:
    """What was looked at, and what was found."""

    findings: list[Finding] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    """Results whose receipt is their own."""
    results: int = 0
    """Results in the store, sound or not."""
    not_made: int = 0
    """Results of the study that nobody has made yet."""
    files: int = 0
    bytes: int = 0
    derived: int = 0
    """Results whose numbers were derived again."""
    levels: Mapping[str, int] = field(default_factory=dict)
    """How the results compare with those of the lock, and how many do so; empty without one."""

    @property
    def sound(self) -> list[Entry]:
        """The results of which nothing was found."""
        wrong = {finding.place for finding in self.findings}
        return [entry for entry in self.entries if entry.unit.place not in wrong]


def verify(workflow: Workflow, lock: tuple[Path, Mapping[str, Any]], remembered: bool = True) -> Verified:
    """Look at all results of a study, its receipts and its own files; writes nothing but the cache of digests.

    ``lock``: where it lies, and its entries (empty without one). ``remembered``: whether files that have not changed
    since an earlier look, by size, times and inode, are taken for what they were.
    """
    found = Verified()
    units = units_of(workflow.graph)
    _look_at_receipts(workflow, units, found)
    cache = DigestCache(workflow.folders.store / CACHE)
    if not remembered:
        cache.known.clear()
    own = summary_files(workflow)
    digests = digests_of([*(path for entry in found.entries for path in files_of(entry)), *own], cache)
    cache.save()
    found.files = len(digests)
    found.bytes = sum(path.stat().st_size for path in digests if path.is_file())
    _look_at_files(found, digests)
    _look_at_numbers(found)
    _look_at_jobs(workflow, units, found)
    found.findings += check_summaries(workflow, digests)
    _look_at_tables(workflow, found)
    if lock[1]:
        found.levels, differing = check_lock(*lock, found.sound, tolerance_of(lock[1]))
        found.findings += differing
    return found


def _look_at_receipts(workflow: Workflow, units: Mapping[str, Unit], found: Verified) -> None:
    root = workflow.folders.store
    live = store.live_writers(root) if root.is_dir() else set()
    owners = {unit.fingerprint: unit for unit in units.values()}
    adopted = read_adopted(lock_path(workflow.study.path))
    for place, unit in units.items():
        found.findings += partial_findings(unit, root, live)
        if not (root / place).is_dir():
            found.not_made += 1
            continue
        found.results += 1
        entry = read_entry(unit, root, owners, adopted)
        if isinstance(entry, Entry):
            found.entries.append(entry)
        else:
            found.findings.append(entry)


def _look_at_files(found: Verified, digests: Digests) -> None:
    owners = owners_of(found.entries)
    for entry in found.entries:
        found.findings += check_files(entry, digests, owners)
    found.findings += copies(found.sound)


def _look_at_numbers(found: Verified) -> None:
    for entry in found.sound:
        wrong = check_numbers(entry)
        found.derived += wrong is not None
        # One edit of a result's items shows in all its numbers: the headline comes first, and one sentence is enough.
        found.findings += (wrong or [])[:1]


def _look_at_jobs(workflow: Workflow, units: Mapping[str, Unit], found: Verified) -> None:
    jobs, folders = workflow.graph.jobs, workflow.folders
    receipts, faults = read_job_receipts(jobs, folders)
    there = {place for place in units if (folders.store / place).is_dir()}
    found.findings += faults
    found.findings += gone(jobs, receipts, folders, there)
    found.findings += disagreements(jobs, receipts, folders, {entry.unit.place: entry for entry in found.sound})


def _look_at_tables(workflow: Workflow, found: Verified) -> None:
    # What is made of wrong results, or was edited, has been said already.
    told = {finding.path.name for finding in found.findings}
    if len(found.sound) == len(found.entries) == found.results and not found.not_made:
        found.findings += [one for one in check_table(workflow) if one.path.name not in told]
        if not told & {"measurements.parquet", "selection.json"}:
            found.findings += check_outcomes(workflow)
