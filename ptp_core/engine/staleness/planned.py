"""What would run now: missing jobs by cause, each with its price; as data, for text and JSON."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from ptp_core.engine.resources import MODEL_STAGES
from ptp_core.engine.staleness.causes import Cause
from ptp_core.engine.staleness.rates import Amount, Rate, Rates
from ptp_core.engine.staleness.stale import Staleness, StaleUnit


@dataclass(frozen=True)
class Group:
    """All that one cause makes stale."""

    cause: Cause
    jobs: tuple[tuple[str, str], ...]
    """(stage, label), in the order of the graph."""
    amount: Amount
    alone: Amount
    """Of what no other cause makes stale as well: what is saved if this one is undone."""

    @property
    def by_stage(self) -> Counter[str]:
        """Stage → jobs."""
        return Counter(stage for stage, _ in self.jobs)


@dataclass(frozen=True)
class Planned:
    """Everything that would run."""

    jobs: int
    of: int
    """Jobs that the study has, summaries left aside."""
    begun: int
    """Results that a killed job has left half made."""
    groups: tuple[Group, ...]
    """The dearest first."""
    summaries: dict[str, tuple[Cause, ...]]
    amount: Amount
    rates: dict[str, Rate]
    assumed: tuple[str, ...]
    """Stages without receipts, whose hours rest on an assumed rate."""
    on_cpus: bool
    """Whether that is the rate of a core."""
    unpriced: int
    """Results that take a model to make, of which nobody can tell how long it takes."""

    @property
    def nothing(self) -> bool:
        """Whether everything is there."""
        return not self.jobs and not self.summaries


def planned(staleness: Staleness, utilisation: float, peak: float) -> Planned:
    """Group what is missing by its causes, with prices."""
    rates, units = Rates(staleness, utilisation, peak), staleness.units
    by_cause: dict[Cause, list[StaleUnit]] = defaultdict(list)
    for stale in units:
        for cause in stale.causes:
            by_cause[cause].append(stale)
    groups = [_group(cause, found, rates) for cause, found in by_cause.items()]
    groups.sort(key=lambda group: (-group.amount.hours, -group.amount.units, str(group.cause)))
    return Planned(
        jobs=len({stale.job.id for stale in units}),
        of=len(staleness.workflow.graph.jobs),
        begun=sum(stale.begun for stale in units),
        groups=tuple(groups),
        summaries=staleness.summaries,
        amount=rates.amount(units),
        rates=rates.rates,
        assumed=tuple(
            stage for stage in rates.assumed if any(rates.of(s.unit).flops for s in units if s.unit.stage == stage)
        ),
        on_cpus=rates.on_cpus,
        unpriced=sum(rates.of(s.unit).untimed for s in units if s.unit.stage in MODEL_STAGES),
    )


def _group(cause: Cause, units: list[StaleUnit], rates: Rates) -> Group:
    alone = [stale for stale in units if len(stale.causes) == 1]
    return Group(cause, _jobs(units), rates.amount(units), rates.amount(alone))


def _jobs(units: Iterable[StaleUnit]) -> tuple[tuple[str, str], ...]:
    return tuple(dict.fromkeys((stale.job.stage, stale.job.label) for stale in units))


def planned_json(found: Planned) -> dict[str, Any]:
    """All of it for programs."""
    return {
        "jobs": found.jobs,
        "of": found.of,
        "begun": found.begun,
        "price": amount_json(found.amount),
        "causes": [
            group.cause.as_json()
            | {
                "jobs": [f"{stage}/{label}" for stage, label in group.jobs],
                "by_stage": dict(group.by_stage),
                "price": amount_json(group.amount),
                "price_alone": amount_json(group.alone),
            }
            for group in found.groups
        ],
        "summaries": {stage: [cause.as_json() for cause in causes] for stage, causes in found.summaries.items()},
        "rates": {stage: asdict(rate) for stage, rate in found.rates.items()},
        "assumed": list(found.assumed),
    }


def amount_json(amount: Amount) -> dict[str, Any]:
    """A price for programs; ``hours`` are those of all kinds of device."""
    return asdict(amount) | {"hours": amount.hours, "hours_of": amount.unit}
