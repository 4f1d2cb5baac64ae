"""Language models: a new Llama, and any causal model of Hugging Face in its directory on disk."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from ptp_core.data.tokenizer import BOS_ID, EOS_ID, PAD_ID

if TYPE_CHECKING:
    from transformers import PreTrainedModel

    from ptp_core.spec.model import Model


def new_model(settings: Model, vocabulary: int, seed: int) -> PreTrainedModel:
    """A Llama with random weights that depend on ``seed`` alone; ``vocabulary`` in tokens."""
    # Imported here: transformers costs seconds, and a job that finds its work done never needs it.
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        vocab_size=vocabulary,
        hidden_size=settings.width,
        intermediate_size=settings.ffn_width,
        num_hidden_layers=settings.layers,
        num_attention_heads=settings.heads,
        num_key_value_heads=settings.heads,
        max_position_embeddings=settings.context,
        tie_word_embeddings=settings.tied_embeddings,
        pad_token_id=PAD_ID,
        bos_token_id=BOS_ID,
        eos_token_id=EOS_ID,
    )
    torch.manual_seed(seed)
    return LlamaForCausalLM(config)


def load_model(folder: Path) -> PreTrainedModel:
    """The causal language model saved in a folder, in fp32, ready to be measured; never from a hub, never a pickle."""
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(
        folder, dtype=torch.float32, local_files_only=True, use_safetensors=True
    )
    return model.eval()


def save_model(model: PreTrainedModel, tokenizer_folder: Path, folder: Path) -> None:
    """Weights as safetensors, configuration and tokenizer: a directory that any Hugging Face tool loads."""
    model.save_pretrained(folder)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copyfile(tokenizer_folder / name, folder / name)


def parameter_count(model: torch.nn.Module) -> int:
    """Number of trained weights, shared ones counted once."""
    return sum(parameter.numel() for parameter in model.parameters())
