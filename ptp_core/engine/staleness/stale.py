"""Which results of a study are not in the store, and the root causes of each."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from ptp_core.engine.jobfiles import names_in
from ptp_core.engine.lock.reading import read_study_lock
from ptp_core.engine.outcomes import failures
from ptp_core.engine.staleness.before import Before, Record
from ptp_core.engine.staleness.causes import Cause, value_of
from ptp_core.engine.staleness.contexts import Context, contexts
from ptp_core.engine.staleness.differences import Manifests, own_differences
from ptp_core.engine.staleness.places import Places
from ptp_core.engine.staleness.summaries import summary_causes
from ptp_core.engine.units import Job, Unit
from ptp_core.engine.workflow import Workflow
from ptp_core.identity.lockfile import lock_path
from ptp_core.identity.receipts import RECEIPT

Causes = frozenset[Cause]
NOTHING_YET = Cause("new", "nothing of this study has been made yet")
GONE = Cause("gone", "made once, and gone from the store")
LISTED = 3


@dataclass(frozen=True)
class StaleUnit:
    """A result that has to be made."""

    unit: Unit
    job: Job
    causes: Causes
    before: Record | None
    begun: bool
    """A killed job has left a partial result, from which a training goes on."""


class Staleness:
    """Why what is missing is missing. Reads job files and receipts; writes nothing."""

    def __init__(self, workflow: Workflow) -> None:
        """Raises UserError if the study's lock cannot be read."""
        self.workflow, self.folders = workflow, workflow.folders
        self.lock = read_study_lock(lock_path(workflow.study.path))
        graph = workflow.graph
        self.contexts = contexts(graph)
        self.places = Places(workflow.study, self.contexts)
        self.manifests = Manifests(self.folders.store)
        stages = {job.stage for job in graph.jobs}
        self._listed = {stage: names_in(self.folders.store / stage) for stage in stages}
        self._receipts = {stage: names_in(self.folders.receipt(stage, "").parent) for stage in stages}
        # In the order of the graph; a unit that two jobs name is made by the first.
        self.missing = {
            unit.fingerprint: (unit, job)
            for job in reversed(graph.jobs) for unit in reversed(job.units) if not self.is_made(unit)
        }  # fmt: skip
        self.missing = dict(reversed(self.missing.items()))
        self.before = Before(
            self.folders,
            [unit for unit, _ in self.missing.values()],
            (unit for job in graph.jobs for unit in job.units),
            {job.id for job in graph.jobs},
        )
        self._changes: dict[tuple[str, str], Causes] = {}
        self._causes: dict[str, Causes] = {}

    def is_made(self, unit: Unit) -> bool:
        """Whether its result is in the store."""
        return unit.id in self._listed[unit.stage] and (self.folders.store / unit.place / RECEIPT).is_file()

    @cached_property
    def units(self) -> tuple[StaleUnit, ...]:
        """All results that have to be made, parents before children."""
        found = [(unit, job, self.causes(unit)) for unit, job in self.missing.values()]
        new = all(cause.kind == "new" for _, _, causes in found for cause in causes)
        if new and len(self.missing) == len(self.workflow.graph.job_of_unit):
            found = [(unit, job, frozenset((NOTHING_YET,))) for unit, job, _ in found]
        return tuple(
            StaleUnit(unit, job, causes, self.before.of(unit), f"{unit.id}.partial" in self._listed[unit.stage])
            for unit, job, causes in found
        )

    @cached_property
    def summaries(self) -> dict[str, tuple[Cause, ...]]:
        """Stage → why its files are out of date, of the table and what is made of it; fresh ones are not there."""
        return summary_causes(self.workflow, bool(self.missing), self.manifests)

    def causes(self, unit: Unit) -> Causes:
        """The root causes of a missing unit: what it inherits from parents is told as the parents' own causes."""
        if unit.fingerprint not in self._causes:
            self._causes[unit.fingerprint] = self._why(unit)
        return self._causes[unit.fingerprint]

    def _why(self, unit: Unit) -> Causes:
        job = self.missing[unit.fingerprint][1]
        if job.id in self.before.last or f"{job.id}.json" in self._receipts[job.stage]:
            failed = self._failed(self.folders.receipt(job.stage, job.id), unit)
            return frozenset((failed or GONE,))
        before = self.before.of(unit)
        if before is not None:
            return self.changes(unit, before)
        return self._locked(unit) or self._new(unit)

    def changes(self, unit: Unit, before: Record) -> Causes:
        """What differs between a unit and what it was, parents' own changes included."""
        key = (unit.fingerprint, before.fingerprint)
        if key not in self._changes:
            own = set(own_differences(unit, before, self.places, self.manifests))
            for role, parent in unit.parents.items():
                if before.identity["parents"].get(role) not in (None, parent.fingerprint):
                    own |= self._of_parent(parent.whole, before.parents.get(role, ""))
            self._changes[key] = frozenset(own or self._unlike(unit, before))
        return self._changes[key]

    def _of_parent(self, parent: Unit, place: str) -> Causes:
        old = self.before.at(place) if place.count("/") else None
        if old is not None and old.fingerprint != parent.fingerprint:
            return self.changes(parent, old)
        if parent.fingerprint in self.missing:
            return self.causes(parent)
        return frozenset((Cause("parent", f"another {parent.stage} {parent.label}"),))

    def _unlike(self, unit: Unit, before: Record) -> Iterator[Cause]:
        """Parents in other roles, where nothing else says why; or a result that was made by another job."""
        old, new = set(before.identity["parents"]), set(unit.parents)
        for role in sorted(old ^ new):
            yield Cause("parent", f"{'is now' if role in new else 'is no longer'} made from {role}")
        if old == new:
            yield GONE

    def _failed(self, receipt: Path, unit: Unit) -> Cause | None:
        try:
            found = json.loads(receipt.read_bytes())
        except (OSError, ValueError):
            return None
        reasons = {name: reason for name, reason, _ in failures([found])}
        name = unit.label.rsplit(" ", 1)[-1]
        return Cause("failed", f"{name} failed and is tried again", note=reasons[name]) if name in reasons else None

    def _locked(self, unit: Unit) -> Causes | None:
        """What the committed lock says of a unit of which no job file is left."""
        was = self.lock.get(f"unit/{unit.stage}/{unit.label}")
        if was is None:
            return None
        if was != unit.fingerprint:
            old, new = (value_of(text[:12]) for text in (was, unit.fingerprint))
            return frozenset((Cause("lock", f"differs from the lock: {unit.stage} {unit.label}", old, new),))
        return frozenset((GONE,)) if f"result/{unit.stage}/{unit.label}" in self.lock else None

    def _new(self, unit: Unit) -> Causes:
        """Never made: as new as the newest thing that it is made from."""
        parents = [parent.whole for parent in unit.parents.values()]
        inherited = {
            cause
            for parent in parents if parent.fingerprint in self.missing
            for cause in self.causes(parent) if cause.kind == "new"
        }  # fmt: skip
        return frozenset(inherited or (self._newcomer(unit),))

    def _newcomer(self, unit: Unit) -> Cause:
        context, where = self.contexts.get(unit.fingerprint, Context()), self.workflow.study.where
        if unit.stage in ("pretrain", "import"):
            return Cause(
                "new", "variants not made yet", where=where("checkpoints" if unit.stage == "import" else "pretrain")
            )
        if context.indicator:
            return Cause(
                "new", f"indicator {context.indicator}, not made yet", where=where("indicators", context.indicator)
            )
        if context.task and self.before.knows("finetune", f" {context.task} seed "):
            return Cause("new", f"fine-tuning with seed {context.seed}, not made yet", where=where("finetune", "seeds"))
        if context.task:
            return Cause("new", f"fine-tuning on {context.task}, not made yet", where=where("finetune", "tasks"))
        return Cause(
            "new", f"{unit.stage} {unit.label}, not made yet", where=where("tasks" if unit.stage == "task" else "data")
        )


def names_of(labels: list[str]) -> str:
    """Some labels, and how many more there are."""
    more = f" and {len(labels) - LISTED:,} more" if len(labels) > LISTED else ""
    return ", ".join(labels[:LISTED]) + more
