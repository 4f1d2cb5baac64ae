"""Section ``model``: the size and shape of the language model that variants train."""

from __future__ import annotations

from functools import cache
from typing import Any

from pydantic import model_validator

from ptp_core.spec.fields import Section, identity
from ptp_core.spec.presets import shape_of


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
        return shape_of(data["preset"]) | given

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


@cache
def model_of_preset(name: str) -> Model:
    """The model that a recipe means by the name of a preset."""
    return Model.model_validate({"preset": name})
