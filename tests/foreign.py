"""A model made by transformers and tokenizers alone, as teams bring it: a small random GPT-NeoX."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

END = "<|endoftext|>"
CONTEXT = 96
SPARE = 24
"""Rows of the embedding beyond the tokenizer's vocabulary, as models have that were padded to a round size."""


def tokenizer(texts: Iterable[str], vocabulary: int = 320) -> Any:
    """A byte-level BPE whose only special token ends a text."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    fast = Tokenizer(models.BPE())
    fast.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    fast.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary, special_tokens=[END], show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )  # fmt: skip
    fast.train_from_iterator(texts, trainer)
    return fast


def save(folder: Path, texts: Iterable[str], seed: int = 0, dtype: str = "float32") -> Path:
    """Write model and tokenizer as ``save_pretrained`` does."""
    import torch
    from transformers import GPTNeoXConfig, GPTNeoXForCausalLM, PreTrainedTokenizerFast

    fast = tokenizer(texts)
    config = GPTNeoXConfig(
        vocab_size=fast.get_vocab_size() + SPARE, hidden_size=32, num_hidden_layers=2, num_attention_heads=2,
        intermediate_size=64, max_position_embeddings=CONTEXT, bos_token_id=0, eos_token_id=0,
    )  # fmt: skip
    torch.manual_seed(seed)
    GPTNeoXForCausalLM(config).to(getattr(torch, dtype)).save_pretrained(folder)
    PreTrainedTokenizerFast(tokenizer_object=fast, bos_token=END, eos_token=END, unk_token=END).save_pretrained(folder)
    return folder


def files(folder: Path) -> dict[str, tuple[Path, ...]]:
    """Role → files, as the engine hands them to the two stages that import."""
    model = tuple(folder / name for name in ("config.json", "generation_config.json", "model.safetensors"))
    return {"model": model, "tokenizer": (folder / "tokenizer.json", folder / "tokenizer_config.json")}
