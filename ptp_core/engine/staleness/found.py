"""Which job or result a user means by a label, a stage and a label, or an id."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ptp_core.engine.units import Job, Unit
from ptp_core.engine.workflow import Workflow
from ptp_core.errors import UserError, did_you_mean

SHORTEST_ID = 4
LISTED = 20


@dataclass(frozen=True)
class Found:
    """A job, one result of a job, or a summary (neither)."""

    stage: str
    label: str
    id: str
    job: Job | None = None
    unit: Unit | None = None
    """The result, where one is meant; None for a job of several, and for a summary."""

    @property
    def name(self) -> str:
        return f"{self.stage}/{self.label}"


def find(workflow: Workflow, spec: Path, query: str) -> Found:
    """What is meant; jobs before single results, names before ids. Raises UserError if it is nothing or several."""
    jobs = [*_jobs(workflow), *_summaries(workflow)]
    for known in (jobs, list(_units(workflow))):
        for matches in ([k for k in known if k.name == query], [k for k in known if k.label == query]):
            if matches:
                return _only(matches, spec, query)
    wanted = query.rpartition("/")[2]
    if len(wanted) >= SHORTEST_ID:
        for known in (jobs, list(_units(workflow))):
            matches = [k for k in known if k.id.startswith(wanted) and query in (wanted, f"{k.stage}/{wanted}")]
            if matches:
                return _only(matches, spec, query)
    names = [name for k in jobs for name in (k.label, k.name)]
    raise UserError("this study has no such job", subject=str(spec), got=query, fix=did_you_mean(query, names))


def _only(matches: list[Found], spec: Path, query: str) -> Found:
    if len({(match.stage, match.id) for match in matches}) == 1:
        return matches[0]
    # Two results may share a name as well: their ids tell them apart.
    one_name = len({match.name for match in matches}) < len(matches)
    names = [f"{m.stage}/{m.id}" if one_name else m.name for m in matches]
    more = f", … and {len(names) - LISTED:,} more" if len(names) > LISTED else ""
    what = f"{len(matches):,} jobs go by this name"
    raise UserError(what, subject=str(spec), got=query, fix="write one of " + ", ".join(names[:LISTED]) + more)


def _jobs(workflow: Workflow) -> Iterator[Found]:
    for job in workflow.graph.jobs:
        yield Found(job.stage, job.label, job.id, job, job.units[0] if len(job.units) == 1 else None)


def _units(workflow: Workflow) -> Iterable[Found]:
    for job in workflow.graph.jobs:
        yield from (Found(unit.stage, unit.label, unit.id, job, unit) for unit in job.units)


def _summaries(workflow: Workflow) -> Iterator[Found]:
    for stage, job in workflow.summaries.items():
        yield Found(stage, stage, job["id"])
