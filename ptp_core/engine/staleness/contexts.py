"""What a unit is for: which variant, indicator, task and seed it belongs to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from ptp_core.engine.units import Graph, Outcome, Unit, VariantUnits
from ptp_core.spec.checkpoints import Checkpoint
from ptp_core.spec.pretrain import Variant


@dataclass(frozen=True)
class Context:
    """Where in the study a unit stands; nothing of it for data that all variants share."""

    variant: Variant | Checkpoint | None = None
    number: int = 0
    """Among the variants of its kind, from 0."""
    tokens: int | None = None
    """Of the checkpoint on the way that it belongs to."""
    indicator: str | None = None
    task: str | None = None
    """What was fine-tuned on."""
    seed: int | None = None
    test: str | None = None
    """What the fine-tuned model is scored on."""

    @property
    def trained(self) -> Variant | None:
        """The variant, where it is trained here."""
        return self.variant if isinstance(self.variant, Variant) else None


def contexts(graph: Graph) -> dict[str, Context]:
    """Fingerprint → context, of all that belongs to a variant."""
    found: dict[str, Context] = {}
    numbers = {Variant: 0, Checkpoint: 0}
    for v in graph.variants:
        number = numbers[type(v.variant)]
        numbers[type(v.variant)] += 1
        for unit, context in _of_variant(v, Context(v.variant, number)):
            found.setdefault(unit.fingerprint, context)
    return found


def _of_variant(v: VariantUnits, bare: Context) -> Iterator[tuple[Unit, Context]]:
    yield v.checkpoint.whole, bare
    if isinstance(v.variant, Checkpoint):
        yield v.checkpoint.parents["tokenizer"].whole, bare
    yield from ((unit, replace(bare, indicator=name)) for name, unit in v.indicators.items())
    yield from _of_outcomes(v.outcomes, bare)
    for point in v.points:
        here = replace(bare, tokens=point.tokens)
        if isinstance(point.checkpoint, Unit):
            yield point.checkpoint, here
        yield from ((unit, replace(here, indicator=name)) for name, unit in point.indicators.items())
        yield from _of_outcomes(point.outcomes, here)


def _of_outcomes(outcomes: tuple[Outcome, ...], bare: Context) -> Iterator[tuple[Unit, Context]]:
    for outcome in outcomes:
        tuned = replace(bare, task=outcome.task, seed=outcome.seed)
        yield outcome.tuned, tuned
        yield outcome.unit, replace(tuned, test=outcome.test)
