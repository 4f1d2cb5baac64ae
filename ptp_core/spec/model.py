"""Section ``model``: the size and shape of the language model that every variant trains."""

from __future__ import annotations

from typing import Any

from pydantic import model_validator

from ptp_core.errors import did_you_mean
from ptp_core.spec.fields import Section, identity

PRESETS: dict[str, dict[str, int]] = {
    "nano": {"width": 64, "layers": 2, "heads": 4, "ffn_width": 176, "context": 128},
    "micro": {"width": 128, "layers": 4, "heads": 4, "ffn_width": 352, "context": 256},
    "mini": {"width": 256, "layers": 4, "heads": 8, "ffn_width": 704, "context": 256},
}
"""Shapes that train in minutes on a CPU core; without embeddings about 0.1, 0.8 and 3 million parameters."""


class Model(Section):
    """A Llama of the given shape; ``preset: nano`` fills in what is not written."""

    width: int = identity("size of the residual stream", unit="features", gt=0, le=65536)
    layers: int = identity("number of transformer blocks", unit="blocks", gt=0, le=1000)
    heads: int = identity("attention heads; must divide width", unit="heads", gt=0, le=1024)
    kv_heads: int | None = identity(
        "heads of keys and values, each shared by several query heads (Ainslie et al. 2023); default: as many as heads",
        unit="heads", default=None, gt=0, le=1024,
    )  # fmt: skip
    ffn_width: int = identity("inner size of the gated feed-forward block", unit="features", gt=0, le=262144)
    context: int = identity("longest sequence the model sees", unit="tokens", gt=1, le=1_048_576)
    tied_embeddings: bool = identity("whether input and output embeddings are one matrix", default=True)

    @model_validator(mode="before")
    @classmethod
    def _fill_from_preset(cls, data: Any) -> Any:
        if not isinstance(data, dict) or "preset" not in data:
            return data
        given = {key: value for key, value in data.items() if key != "preset"}
        preset = PRESETS.get(data["preset"]) if isinstance(data["preset"], str) else None
        if preset is None:
            raise ValueError(f"no preset {data['preset']!r}; {did_you_mean(str(data['preset']), PRESETS)}")
        return preset | given

    @model_validator(mode="after")
    def _heads_divide_width(self) -> Model:
        if self.width % self.heads or (self.width // self.heads) % 2:
            raise ValueError(f"width {self.width} must be an even multiple of heads {self.heads}")
        if self.heads % self.kv_heads_or_all:
            raise ValueError(f"heads {self.heads} must be a multiple of kv_heads {self.kv_heads}")
        return self

    @property
    def kv_heads_or_all(self) -> int:
        """Heads of keys and values."""
        return self.kv_heads or self.heads
