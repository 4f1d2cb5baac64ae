"""The special tokens of a tokenizer, as the ids that objectives, training and measuring need."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

MODES = ("r", "s", "x")
"""Denoiser families of UL2 (Tay et al. 2023): regular, sequential, extreme."""


class SpecialTokens(NamedTuple):
    """Ids. Sentinels are ``first_sentinel … first_sentinel + sentinels - 1``; a tokenizer may have none."""

    pad: int
    bos: int | None
    eos: int
    first_sentinel: int = 0
    sentinels: int = 0
    modes: Mapping[str, int] = {}
    """Mode (one of MODES) → id of the token that announces it; empty if the tokenizer reserves none."""
