"""Section ``pretrain``: the variants, as one set of defaults and a grid, with single ones added or taken out."""

from __future__ import annotations

from typing import Any, Literal

from ptp_core.spec.fields import Name, Section, execution, identity
from ptp_core.spec.model import Model
from ptp_core.spec.objective import Objective
from ptp_core.spec.quantities import Count


class Recipe(Section):
    """How one variant is pre-trained: everything that may differ between variants of one study."""

    objective: Objective = identity(
        "clm, plm, sc, sc(rate,length), ul2, ul2r, or several joined by +, with weights if you like: 0.7*clm+0.3*sc",
        default="clm",
    )
    mixture: Name = execution("name of one of the study's mixtures; its weights are identity", default="uniform")
    tokens: Count = identity("training budget, counted in positions fed to the model", unit="tokens")
    lr: float = identity("peak learning rate", unit="1/step", default=3e-3, gt=0, lt=10)
    batch_tokens: Count = identity("global batch", unit="tokens", default=2048)
    sequence_length: Count = identity("length of a training sequence", unit="tokens", default=128, ge=8)
    warmup_share: float = identity("share of the steps in which the rate rises linearly", default=0.05, ge=0, lt=1)
    schedule: Literal["cosine", "linear", "constant"] = identity("decay after the warm-up", default="cosine")
    final_lr_share: float = identity("rate at the last step as a share of the peak", default=0.1, ge=0, le=1)
    weight_decay: float = identity("AdamW weight decay, on matrices only", default=0.1, ge=0, le=10)
    beta1: float = identity("AdamW decay of the first moment", default=0.9, ge=0, lt=1)
    beta2: float = identity("AdamW decay of the second moment", default=0.95, ge=0, lt=1)
    clip: float = identity("largest gradient norm", default=1.0, gt=0)
    seed: int | None = identity(
        "seed of weights, data order and corruption; default: the study's", default=None, ge=0, lt=2**32
    )


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


class PretrainSettings(Section):
    """All that decides the weights of one variant, beside its data."""

    recipe: Recipe = identity("how it is trained")
    model: Model = identity("what is trained")
    weights: dict[str, float] = identity("share of each domain; they add up to 1")
