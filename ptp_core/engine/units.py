"""What a study is made of: results (units), parts of them, and the jobs that make them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel

from ptp_core.engine.stages import STAGES
from ptp_core.identity.canonical import digest
from ptp_core.identity.fingerprint import ID_LENGTH, content
from ptp_core.spec.checkpoints import Checkpoint
from ptp_core.spec.pretrain import Variant
from ptp_core.spec.quantities import format_count

DigestOf = Callable[[Path], str]
UNRESOLVED = ""
"""The digest of a file that is not here; only a lock is written without it."""
S = TypeVar("S", bound=BaseModel)


@dataclass(frozen=True)
class Unit:
    """One result of the store: its fingerprint, and what is needed to make it."""

    stage: str
    label: str
    settings: BaseModel
    parents: Mapping[str, Unit | Part] = field(default_factory=dict)
    inputs: Mapping[str, tuple[tuple[Path, str], ...]] = field(default_factory=dict)
    """Role → (file, sha256)."""

    @cached_property
    def identity(self) -> dict[str, Any]:
        """Everything that decides the result."""
        stage = STAGES[self.stage]
        return content(
            self.stage,
            self.settings,
            {role: parent.fingerprint for role, parent in self.parents.items()},
            # Digests in the order of the files' names, which decides the order of the text; the names do not count.
            {role: digest([value for _, value in files]) for role, files in self.inputs.items()},
            stage.code,
            stage.versions,
        )

    @cached_property
    def fingerprint(self) -> str:
        """sha256 (64 hex digits) of the identity."""
        return digest(self.identity)

    @property
    def id(self) -> str:
        return self.fingerprint[:ID_LENGTH]

    @property
    def place(self) -> str:
        """Its folder in the store."""
        return f"{self.stage}/{self.id}"

    @property
    def whole(self) -> Unit:
        """Itself: what a job makes."""
        return self


@dataclass(frozen=True)
class Part:
    """A folder inside a result, such as a checkpoint on the way."""

    whole: Unit
    path: str

    @property
    def fingerprint(self) -> str:
        return digest([self.whole.fingerprint, self.path])

    @property
    def place(self) -> str:
        """Its folder in the store."""
        return f"{self.whole.place}/{self.path}"


@dataclass(frozen=True)
class Job:
    """What one process does: one unit, or several that share a loaded model."""

    stage: str
    label: str
    units: tuple[Unit, ...]

    @cached_property
    def id(self) -> str:
        if len(self.units) == 1:
            return self.units[0].id
        return digest([unit.fingerprint for unit in self.units])[:ID_LENGTH]


@dataclass(frozen=True)
class Point:
    """A checkpoint on the way, or the branch that decays from it, and what is measured there."""

    tokens: int
    checkpoint: Unit | Part
    indicators: Mapping[str, Unit]
    outcomes: tuple[Outcome, ...] = ()
    """After fine-tuning, where it is asked for."""


@dataclass(frozen=True)
class Outcome:
    """One evaluation of one fine-tuned model."""

    task: str
    """What it was fine-tuned on."""
    seed: int
    test: str
    """The task that it is scored on."""
    prompt_format: str | None
    """None where the harness words the task itself."""
    unit: Unit

    @property
    def tuned(self) -> Unit:
        """The fine-tuned model."""
        return self.unit.parents["checkpoint"].whole


@dataclass(frozen=True)
class VariantUnits:
    """All results of one variant, be it pre-trained here or a checkpoint that exists."""

    variant: Variant | Checkpoint
    checkpoint: Unit
    indicators: Mapping[str, Unit]
    outcomes: tuple[Outcome, ...]
    points: tuple[Point, ...] = ()
    """Checkpoints before the last, in the order of training."""

    def jobs(self) -> list[Job]:
        """The jobs that make all of it, in an order that works."""
        name = self.variant.name
        jobs = [Job(self.checkpoint.stage, name, (self.checkpoint,))]
        # Every checkpoint of one training is measured by one process: starting it costs more than measuring a small
        # model, and what it has done already stays in the store.
        together = list(self.indicators.values())
        # Fine-tuned apart from the last one, whose jobs are the same with and without them.
        on_the_way: list[Outcome] = []
        for point in self.points:
            if isinstance(point.checkpoint, Unit):
                label = f"{name} at {format_count(point.tokens)} tokens"
                jobs.append(Job(point.checkpoint.stage, label, (point.checkpoint,)))
                jobs += _jobs(label, point.indicators.values(), point.outcomes)
            else:
                together += point.indicators.values()
                on_the_way += point.outcomes
        return [*jobs, *_jobs(name, together, self.outcomes), *_jobs(f"{name} on the way", (), on_the_way)]


def _jobs(label: str, indicators: Iterable[Unit], outcomes: Iterable[Outcome]) -> list[Job]:
    """The jobs that measure, fine-tune and score; none for what is not asked for."""
    outcomes = tuple(outcomes)
    # Two seeds or tests of one fine-tuned model share it, so each is made once.
    tunings = {outcome.tuned.fingerprint: outcome.tuned for outcome in outcomes}
    units = {
        "indicators": tuple(indicators),
        "finetune": tuple(tunings.values()),
        "evaluate": tuple(outcome.unit for outcome in outcomes),
    }
    return [Job(stage, label, asked) for stage, asked in units.items() if asked]


@dataclass(frozen=True)
class Graph:
    """All jobs of a study, parents before children, and the results of each variant."""

    jobs: tuple[Job, ...]
    variants: tuple[VariantUnits, ...]
    job_of_unit: Mapping[str, Job]

    def parents(self, job: Job) -> list[Job]:
        """The jobs whose receipts a job waits for, each once."""
        found = {
            self.job_of_unit[parent.whole.fingerprint].id: self.job_of_unit[parent.whole.fingerprint]
            for unit in job.units
            for parent in unit.parents.values()
        }
        return list(found.values())


def without(settings: S, *names: str) -> S:
    """Settings with the given fields at their defaults: what a result does not depend on is not its identity."""
    return settings.model_copy(update={name: type(settings).model_fields[name].default for name in names})


def settings_json(settings: BaseModel) -> dict[str, Any]:
    """All values of a unit's settings, defaults spelled out: what the job reads."""
    return settings.model_dump(mode="json")
