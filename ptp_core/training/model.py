"""Language models: a new Llama, and any causal model of Hugging Face in its directory on disk."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from ptp_core.data.tokenizer import BOS_ID, EOS_ID, PAD_ID
from ptp_core.files import as_readable_as_usual

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
        num_key_value_heads=settings.kv_heads_or_all,
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


def save_model(
    model: PreTrainedModel, tokenizer_folder: Path, folder: Path, weights: dict[str, torch.Tensor] | None = None
) -> None:
    """Weights as safetensors, configuration and tokenizer: a directory that any Hugging Face tool loads.

    ``weights``: those to save, by name, where the model itself holds only parts of them.
    """
    model.save_pretrained(folder, state_dict=weights)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copyfile(tokenizer_folder / name, folder / name)
    for path in folder.glob("*.safetensors"):
        # Written by way of a private temporary file; a store is shared.
        as_readable_as_usual(path)


def save_tensors(tensors: dict[str, torch.Tensor], path: Path, notes: dict[str, str]) -> None:
    """Tensors and a few words about them as one safetensors file."""
    from safetensors.torch import save_file

    save_file(tensors, path, metadata=notes)
    as_readable_as_usual(path)


def load_tensors(path: Path) -> tuple[dict[str, torch.Tensor], dict[str, str]]:
    """What ``save_tensors`` wrote."""
    from safetensors import safe_open

    with safe_open(path, framework="pt") as stream:
        return {name: stream.get_tensor(name) for name in stream.keys()}, dict(stream.metadata())  # noqa: SIM118


def parameter_count(model: torch.nn.Module) -> int:
    """Number of trained weights, shared ones counted once."""
    return sum(parameter.numel() for parameter in model.parameters())
