"""Section ``finetune``: supervised fine-tuning of every variant, once per task and seed."""

from __future__ import annotations

from pydantic import field_validator

from ptp_core.spec.fields import Name, Section, Seed, identity
from ptp_core.spec.quantities import Count


class Tuning(Section):
    """How one checkpoint is fine-tuned on one task; all weights are trained, loss on the answer only."""

    steps: Count = identity("optimiser steps", unit="steps", default=80)
    lr: float = identity("peak learning rate", unit="1/step", default=1e-3, gt=0, lt=10)
    batch_items: Count = identity("items in a batch", unit="items", default=32)
    warmup_share: float = identity("share of the steps in which the rate rises linearly", default=0.1, ge=0, lt=1)
    weight_decay: float = identity("AdamW weight decay, on matrices only", default=0.0, ge=0, le=10)
    clip: float = identity("largest gradient norm", default=1.0, gt=0)


class Finetune(Tuning):
    """Which tasks and seeds, beside the settings of each fine-tuning."""

    tasks: tuple[Name, ...] = identity("tasks to fine-tune on, one at a time", min_length=1)
    seeds: tuple[Seed, ...] = identity("seeds of the order of the items; one model each", default=(0, 1), min_length=1)

    @field_validator("tasks", "seeds")
    @classmethod
    def _no_repeats(cls, values: tuple[object, ...]) -> tuple[object, ...]:
        for value in values:
            if values.count(value) > 1:
                raise ValueError(f"{value!r} is listed twice")
        return values


class FinetuneSettings(Section):
    """All that decides one fine-tuned model, beside its checkpoint and its task."""

    tuning: Tuning = identity("how it is fine-tuned")
    seed: int = identity("seed of the order of the items", ge=0, lt=2**32)
