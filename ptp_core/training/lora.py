"""Low-rank adapters around a model, and their merging back into plain weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ptp_core.errors import UserError
from ptp_core.spec.finetune import Lora

if TYPE_CHECKING:
    from transformers import PreTrainedModel


def with_adapters(model: PreTrainedModel, settings: Lora) -> Any:
    """The model with adapters of the given rank, which alone are trained (Hu et al. 2022).

    They begin as zero, so the model computes what it did. Raises UserError for targets that the model does not have.
    """
    from peft import LoraConfig, get_peft_model

    config = LoraConfig(
        r=settings.rank,
        lora_alpha=settings.alpha,
        target_modules=list(settings.targets) or "all-linear",
        task_type="CAUSAL_LM",
    )
    shared = (model.get_input_embeddings(), model.get_output_embeddings())
    try:
        adapted = get_peft_model(model, config)
    except ValueError as error:
        lines = str(error).splitlines() or [""]
        raise UserError("the adapters do not fit this model", got=lines[0], fix="correct lora.targets") from None
    adapters = [m.get_base_layer() for m in adapted.modules() if hasattr(m, "get_base_layer")]
    if model.config.tie_word_embeddings and any(layer is one for layer in adapters for one in shared):
        # Merged into the one matrix, the adapter of one use would change the other use as well.
        raise UserError(
            "input and output embeddings of this model are one matrix, which cannot be adapted for one of them",
            subject="lora.targets", fix="leave embeddings and head out of the targets",
        )  # fmt: skip
    return adapted


def merged(adapted: Any) -> PreTrainedModel:
    """The plain model whose weights are W + alpha/rank · BA."""
    model: PreTrainedModel = adapted.merge_and_unload()
    return model
