"""Section ``pretrain``: the variants, as one set of defaults and a grid, with single ones added or taken out."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator

from ptp_core.spec.fields import Name, Precision, Section, execution, identity
from ptp_core.spec.model import Model
from ptp_core.spec.objective import Objective
from ptp_core.spec.presets import Preset
from ptp_core.spec.quantities import WHOLE, Count, Quantile

Schedule = Literal["cosine", "linear", "wsd", "constant"]


def _ascending(counts: tuple[int, ...]) -> tuple[int, ...]:
    if list(counts) != sorted(set(counts)):
        raise ValueError("list token counts in ascending order, each once")
    return counts


TokenCounts = Annotated[tuple[Count, ...], AfterValidator(_ascending)]


class Recipe(Section):
    """How one variant is pre-trained: everything that may differ between variants of one study."""

    objective: Objective = identity(
        "clm, plm, sc, sc(rate,length), ul2, ul2r, or several joined by +, with weights if you like: 0.7*clm+0.3*sc",
        default="clm",
    )
    mixture: Name = execution("name of one of the study's mixtures; its weights are identity", default="uniform")
    model: Preset | None = execution(
        "name of a preset, where variants differ in size; its shape is identity; default: the section `model`",
        default=None,
    )
    length_quantile: Quantile | None = identity(
        "only documents whose length in tokens lies between these quantiles of their source; default: the source's",
        unit="percent", default=None,
    )  # fmt: skip
    tags: bool | None = identity("the source's name in front of each document; default: the source's", default=None)
    tokens: Count = identity("training budget, counted in positions fed to the model", unit="tokens")
    lr: float = identity("peak learning rate", unit="1/step", default=3e-3, gt=0, lt=10)
    batch_tokens: Count = identity("global batch", unit="tokens", default=2048)
    sequence_length: Count = identity("length of a training sequence", unit="tokens", default=128, ge=8)
    warmup_share: float = identity("share of the steps in which the rate rises linearly", default=0.05, ge=0, lt=1)
    schedule: Schedule = identity(
        "decay after the warm-up; wsd: constant, then linear (Hu et al. 2024)", default="cosine"
    )
    decay_share: float = identity("share of the steps in which wsd falls", default=0.2, gt=0, le=1)
    final_lr_share: float = identity("rate at the end as a share of the peak", default=0.1, ge=0, le=1)
    weight_decay: float = identity("AdamW weight decay, on matrices only", default=0.1, ge=0, le=10)
    beta1: float = identity("AdamW decay of the first moment", default=0.9, ge=0, lt=1)
    beta2: float = identity("AdamW decay of the second moment", default=0.95, ge=0, lt=1)
    clip: float = identity("largest gradient norm", default=1.0, gt=0)
    z_loss: float = identity(
        "weight of the squared log of the softmax normaliser, which keeps logits small (Chowdhery et al. 2023)",
        default=0.0, ge=0, le=1,
    )  # fmt: skip
    precision: Precision = identity("fp32, or bf16 products with fp32 weights and optimiser", default="fp32")
    checkpoints: TokenCounts = identity("also keep the model after so many tokens", unit="tokens", default=())
    anneal: bool = identity("let a short branch of every such checkpoint decay to rate 0", default=False)
    anneal_share: float = identity("length of such a branch as a share of the steps before it", default=0.1, gt=0, le=1)
    loss_bound: float | None = identity(
        "a loss above it is a sign of divergence; default: 1.5 times that of guessing among the vocabulary",
        unit="nats", default=None, gt=0,
    )  # fmt: skip
    patience: int = identity(
        "so many steps in a row without a finite loss below the bound, and the run has diverged", unit="steps",
        default=20, ge=1,
    )  # fmt: skip
    seed: int | None = identity(
        "seed of weights, data order and corruption; default: the study's", default=None, ge=0, lt=2**32
    )

    @property
    def steps(self) -> int:
        """Optimiser steps of the whole run."""
        return self.tokens // self.batch_tokens

    def step_of(self, tokens: int) -> int:
        """The first step after which the model has seen at least so many tokens."""
        return -(-tokens // self.batch_tokens)

    def branch_steps(self, step: int) -> int:
        """Steps of the branch that decays from the checkpoint of a step."""
        return max(1, round(step * self.anneal_share))


class Variant(Section):
    """One expanded variant: a recipe under a name that people can read."""

    name: Name = execution("how people call it; renaming re-trains nothing")
    recipe: Recipe = identity("how it is pre-trained")


class Pretrain(Section):
    """Variants = every combination of ``grid`` over ``defaults``, without ``exclude``, and ``include``."""

    defaults: dict[str, Any] = identity("values shared by all variants, stated once", default={})
    grid: dict[str, list[Any]] = identity("lists of values; every combination is a variant", default={})
    include: list[dict[str, Any]] = identity("single variants over the defaults", default=[])
    exclude: list[dict[str, Any]] = identity("combinations to leave out of the grid", default=[])


class View(Section):
    """What a variant sees of a source."""

    length_quantile: Quantile = identity("documents of lengths between these quantiles", unit="percent", default=WHOLE)
    tag: bool = identity("the source's name in front of each document", default=False)


class PretrainSettings(Section):
    """All that decides the weights of one variant, beside its data."""

    recipe: Recipe = identity("how it is trained")
    model: Model = identity("what is trained")
    weights: dict[str, float] = identity("share of each domain; they add up to 1")
    views: dict[str, View] = identity("what is seen of a domain, where that is not all of it", default={})


class AnnealSettings(Section):
    """A branch that decays from a checkpoint of a run; the run itself is its parent."""

    run: PretrainSettings = identity("how the run is trained")
    tokens: int = identity("the checkpoint it starts from", unit="tokens")
