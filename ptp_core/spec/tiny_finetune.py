"""Settings of the indicators ``tuned_<task>``: the loss after fine-tuning on a handful of examples."""

from __future__ import annotations

from ptp_core.spec.fields import Section, identity
from ptp_core.spec.finetune import Tuning
from ptp_core.spec.quantities import Count

EPOCHS = 3


class TinyFinetuneSettings(Section):
    """All that decides the loss after a tiny fine-tuning, beside the checkpoint and the task."""

    tuning: Tuning = identity(
        "the study's own fine-tuning; its steps, epochs, items and validation do not apply", default=Tuning()
    )
    examples: Count = identity(
        "training items that the model is tuned on at most, chosen by hash among half of the questions",
        unit="items",
        default=64,
    )
    max_items: Count = identity(
        "other training items that the loss is taken over at most, chosen by hash", unit="items", default=256
    )
    steps: Count | None = identity(
        "optimiser steps; default: as many as three passes over the examples take", unit="steps", default=None
    )
    seed: int = identity("seed of the order of the examples", default=0, ge=0, lt=2**32)

    @property
    def tiny(self) -> Tuning:
        """How the examples are trained on: all of them, without validation, for so many steps."""
        how = {"epochs": EPOCHS} if self.steps is None else {"steps": self.steps, "epochs": None}
        return self.tuning.model_copy(update={"items": None, "validation_share": 0.0, "validate_every": None} | how)
