"""Finished tokenizers: the names of their special tokens, and reading them from a folder."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer as FastTokenizer

from ptp_core.errors import UserError, Where
from ptp_core.special import MODES, SpecialTokens

PAD, BOS, EOS, UNKNOWN = "<pad>", "<bos>", "<eos>", "<unk>"
PAD_ID, BOS_ID, EOS_ID, UNKNOWN_ID = range(4)
FIRST_SENTINEL_ID = 4
"""Special tokens of our own tokenizers come first, in this order: pad, bos, eos, unk, sentinels, modes."""

FILE, CONFIG = "tokenizer.json", "tokenizer_config.json"
EXISTING = "tokenizer"
"""Role of these two files among the inputs of a study that brings its own tokenizer."""


def special_tokens(sentinels: int) -> list[str]:
    """All special tokens in the order of their ids; sentinel i is ``<extra_id_i>`` (Raffel et al. 2020).

    The last three announce a denoiser of UL2 (Tay et al. 2023).
    """
    return [PAD, BOS, EOS, UNKNOWN, *map(sentinel, range(sentinels)), *map(mode_token, MODES)]


def sentinel(i: int) -> str:
    """The text of a sentinel."""
    return f"<extra_id_{i}>"


def mode_token(mode: str) -> str:
    """The text of a mode token."""
    return f"<mode_{mode}>"


def load(folder: Path) -> FastTokenizer:
    """The tokenizer saved in a folder. Text that spells out a special token, such as ``<eos>``, stays text."""
    fast = FastTokenizer.from_file(str(folder / FILE))
    fast.encode_special_tokens = True
    return fast


def special(folder: Path) -> SpecialTokens:
    """The special tokens of a saved tokenizer, by their texts in ``tokenizer_config.json``.

    A tokenizer without pad token is padded with eos, which no loss and no attention mask ever looks at.
    Raises UserError if it has no eos token.
    """
    fast = load(folder)
    config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
    pad, bos, eos = (_token_id(fast, token_text(config.get(f"{name}_token"))) for name in ("pad", "bos", "eos"))
    if eos is None:
        raise UserError("this tokenizer has no eos token", where=Where(folder / CONFIG), fix="name it as eos_token")
    sentinels = next(i for i in itertools.count() if fast.token_to_id(sentinel(i)) is None)
    modes = {mode: found for mode in MODES if (found := fast.token_to_id(mode_token(mode))) is not None}
    return SpecialTokens(
        pad=eos if pad is None else pad,
        bos=bos,
        eos=eos,
        first_sentinel=fast.token_to_id(sentinel(0)) or 0,
        sentinels=sentinels,
        modes=modes,
    )


def token_text(token: Any) -> str | None:
    """The text of a token in ``tokenizer_config.json``: transformers writes it bare or, with options, as an object."""
    text = token.get("content") if isinstance(token, dict) else token
    return text if isinstance(text, str) else None


def _token_id(fast: FastTokenizer, text: str | None) -> int | None:
    found: int | None = fast.token_to_id(text) if text is not None else None
    return found
