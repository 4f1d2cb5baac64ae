"""Section ``finetune.intermediate``: which checkpoints on the way are fine-tuned too."""

from __future__ import annotations

from typing import Any

from pydantic import field_validator

from ptp_core.spec.fields import Name, Section, Seed, identity
from ptp_core.spec.quantities import Count


class Intermediate(Section):
    """Checkpoints before a variant's last that are fine-tuned and scored exactly as the last one is."""

    variants: tuple[str, ...] = identity("variants to do so for; * and ? are wild", default=("*",), min_length=1)
    checkpoints: tuple[Count, ...] = identity(
        "which of the `checkpoints` of these variants; default: all of them", unit="tokens", default=()
    )
    tasks: tuple[Name, ...] = identity("which of the tasks fine-tuned on; default: all of them", default=())
    seeds: tuple[Seed, ...] = identity("which of the seeds; default: the first one", default=())

    @field_validator("variants", "checkpoints", "tasks", "seeds")
    @classmethod
    def _no_repeats(cls, values: tuple[Any, ...]) -> tuple[Any, ...]:
        if len(set(values)) < len(values):
            raise ValueError("something is listed twice")
        return values
