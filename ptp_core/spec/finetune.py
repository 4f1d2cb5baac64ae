"""Section ``finetune``: supervised fine-tuning of every variant, once per task and seed."""

from __future__ import annotations

from typing import Literal

from pydantic import field_validator, model_validator

from ptp_core.spec.fields import Name, Precision, Section, Seed, identity
from ptp_core.spec.intermediate import Intermediate
from ptp_core.spec.quantities import Count

PromptFormat = Literal["qa", "default", "instruct", "input_output"]


class Lora(Section):
    """Low-rank adapters (Hu et al. 2022): W + alpha/rank · BA, with A and B trained and W left alone."""

    rank: Count = identity("rank of each adapter", unit="dimensions", default=8, le=65_536)
    alpha: float = identity("scale of the adapters before it is divided by the rank", default=16.0, gt=0)
    targets: tuple[str, ...] = identity(
        "names of the layers that are adapted; by default every linear layer except the head", default=()
    )


class Tuning(Section):
    """How one checkpoint is fine-tuned on one task; loss on the answer only."""

    steps: Count = identity("optimiser steps, where no epochs are given", unit="steps", default=80)
    epochs: Count | None = identity("passes over the training items, instead of steps", unit="epochs", default=None)
    items: Count | None = identity("use only so many training items, chosen by hash", unit="items", default=None)
    validation_share: float = identity(
        "share of these items, chosen by hash, that is not trained on and picks the best epoch", default=0.0, ge=0, lt=1
    )
    validate_every: Count | None = identity(
        "validate this often instead of at the end of each epoch", unit="steps", default=None
    )
    prompt_format: PromptFormat = identity("how an item is put to the model, in training and in testing", default="qa")
    lr: float = identity("peak learning rate", unit="1/step", default=1e-3, gt=0, lt=10)
    batch_items: Count = identity("items in a batch", unit="items", default=32)
    warmup_share: float = identity("share of the steps in which the rate rises linearly", default=0.1, ge=0, lt=1)
    schedule: Literal["linear", "cosine", "constant"] = identity("decay after the warm-up", default="linear")
    weight_decay: float = identity("AdamW weight decay, on matrices only", default=0.0, ge=0, le=10)
    clip: float = identity("largest gradient norm", default=1.0, gt=0)
    precision: Precision = identity("fp32, or bf16 products with fp32 weights and optimiser", default="fp32")
    method: Literal["full", "lora"] = identity(
        "train all weights, or adapters that are merged at the end", default="full"
    )
    lora: Lora = identity("the adapters of method lora", default=Lora())


class Finetune(Tuning):
    """Which tasks and seeds, beside the settings of each fine-tuning."""

    tasks: tuple[Name, ...] = identity("tasks to fine-tune on, one at a time", min_length=1)
    seeds: tuple[Seed, ...] = identity("seeds of the order of the items; one model each", default=(0, 1), min_length=1)
    test_on: Literal["own", "all"] | tuple[Name, ...] = identity(
        "tasks that each fine-tuned model is scored on: its own, all of them, or its own and these", default="own"
    )
    test_formats: tuple[PromptFormat, ...] = identity(
        "prompt formats to score it in; by default the one it was trained with", default=()
    )
    intermediate: Intermediate | None = identity(
        "fine-tune checkpoints on the way of some variants too; default: only the last one of each", default=None
    )

    @property
    def on_the_way(self) -> Finetune:
        """The section as it holds for checkpoints on the way: as for the last ones, with fewer tasks and seeds."""
        wanted = self.intermediate or Intermediate()
        return self.model_copy(update={"tasks": wanted.tasks or self.tasks, "seeds": wanted.seeds or self.seeds[:1]})

    @field_validator("tasks", "seeds", "test_on", "test_formats")
    @classmethod
    def _no_repeats(cls, values: tuple[object, ...] | str) -> tuple[object, ...] | str:
        listed = () if isinstance(values, str) else values
        for value in listed:
            if listed.count(value) > 1:
                raise ValueError(f"{value!r} is listed twice")
        return values

    @model_validator(mode="after")
    def _what_goes_together(self) -> Finetune:
        written = self.model_fields_set
        if self.epochs is not None and "steps" in written:
            raise ValueError("give `steps` or `epochs`, not both")
        if "lora" in written and self.method != "lora":
            raise ValueError("`lora` goes with `method: lora` only")
        if self.validate_every is not None and not self.validation_share:
            raise ValueError("`validate_every` needs a `validation_share`")
        return self


class FinetuneSettings(Section):
    """All that decides one fine-tuned model, beside its checkpoint and its task."""

    tuning: Tuning = identity("how it is fine-tuned")
    seed: int = identity("seed of the order of the items", ge=0, lt=2**32)
