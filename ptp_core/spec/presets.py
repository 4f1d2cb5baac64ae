"""Shapes of models by name: ``preset: nano`` in the section ``model``, or ``model: 43m`` in a recipe."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator

from ptp_core.errors import did_you_mean

PRESETS: dict[str, dict[str, int]] = {
    # Minutes on a CPU core; without embeddings about 0.1, 0.8 and 3 million parameters.
    "nano": {"width": 64, "layers": 2, "heads": 4, "ffn_width": 176, "context": 128},
    # The ladder of the embedded world: nano in other widths. With its vocabulary of 322 tokens 22, 37, 71, 253 and 440
    # thousand parameters.
    "nano-24": {"width": 24, "layers": 2, "heads": 4, "ffn_width": 64, "context": 128},
    "nano-32": {"width": 32, "layers": 2, "heads": 4, "ffn_width": 88, "context": 128},
    "nano-48": {"width": 48, "layers": 2, "heads": 4, "ffn_width": 128, "context": 128},
    "nano-96": {"width": 96, "layers": 2, "heads": 4, "ffn_width": 256, "context": 128},
    "nano-128": {"width": 128, "layers": 2, "heads": 4, "ffn_width": 352, "context": 128},
    "micro": {"width": 128, "layers": 4, "heads": 4, "ffn_width": 352, "context": 256},
    "mini": {"width": 256, "layers": 4, "heads": 8, "ffn_width": 704, "context": 256},
    # A ladder for Chen et al. 2024 (arXiv 2410.08527), which states sizes and no shapes: heads of 64 features, 128 from
    # 1.4b on, and feed-forward blocks of 8/3 of the width, as in Llama (Touvron et al. 2023).
    "43m": {"width": 512, "layers": 8, "heads": 8, "ffn_width": 1376, "context": 2048},
    "64m": {"width": 640, "layers": 9, "heads": 10, "ffn_width": 1728, "context": 2048},
    "89m": {"width": 768, "layers": 9, "heads": 12, "ffn_width": 2048, "context": 2048},
    "120m": {"width": 768, "layers": 13, "heads": 12, "ffn_width": 2048, "context": 2048},
    "200m": {"width": 1024, "layers": 13, "heads": 16, "ffn_width": 2752, "context": 2048},
    "300m": {"width": 1024, "layers": 21, "heads": 16, "ffn_width": 2752, "context": 2048},
    "450m": {"width": 1280, "layers": 21, "heads": 20, "ffn_width": 3456, "context": 2048},
    "650m": {"width": 1536, "layers": 21, "heads": 24, "ffn_width": 4096, "context": 2048},
    # TinyLlama (Zhang et al. 2024, arXiv 2401.02385): 1,100,048,384 parameters with its vocabulary of 32,000.
    "1b": {
        "width": 2048, "layers": 22, "heads": 32, "kv_heads": 4, "ffn_width": 5632, "context": 2048,
        "tied_embeddings": False,
    },
    "1.4b": {"width": 2048, "layers": 26, "heads": 16, "ffn_width": 5504, "context": 2048},
    "2b": {"width": 2304, "layers": 30, "heads": 18, "ffn_width": 6144, "context": 2048},
    "3b": {"width": 3072, "layers": 26, "heads": 24, "ffn_width": 8192, "context": 2048},
}  # fmt: skip
"""From 43m on a name says the parameters, embeddings of 32,000 tokens included."""


def shape_of(name: object) -> dict[str, int]:
    """The shape that a preset stands for; raises ValueError for a name that is none."""
    shape = PRESETS.get(name) if isinstance(name, str) else None
    if shape is None:
        raise ValueError(f"no preset {name!r}; {did_you_mean(str(name), PRESETS)}")
    return shape


def _known(name: str) -> str:
    shape_of(name)
    return name


Preset = Annotated[str, AfterValidator(_known)]
"""The name of a preset."""
