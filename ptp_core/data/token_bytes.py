"""How many bytes of text each token of a tokenizer stands for: what bits per byte are counted in."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ptp_core.data import tokenizer as tokenizers
from ptp_core.data.tokenizer import CONFIG, FILE, token_text

SPACE = "▁"
"""What SentencePiece writes for a space (Kudo & Richardson 2018)."""
_BYTE = re.compile(r"<0x[0-9A-Fa-f]{2}>")
_NAMED = ("pad_token", "bos_token", "eos_token", "unk_token")


def token_bytes(folder: Path) -> NDArray[np.int64]:
    """Bytes of UTF-8 that each token stands for, shape (vocabulary,); 0 for special tokens.

    Summed over the tokens of a text, and less ``excess_bytes``, this is the text's length in bytes: exactly for
    byte-level BPE and for SentencePiece with byte fallback, unless the tokenizer normalises the text (case, NFC).
    Word-level tokenizers lose the white space between words, which is counted as one byte a word. Other kinds are
    counted by what each token decodes to alone.
    """
    fast = tokenizers.load(folder)
    parts = _read(folder)
    kind = _kind(parts)
    sizes = {i: _size(fast, kind, text, i) for text, i in fast.get_vocab(with_added_tokens=False).items()}
    special = {i for i in map(fast.token_to_id, _special_texts(folder)) if i is not None}
    for i, token in fast.get_added_tokens_decoder().items():
        sizes[i] = 0 if token.special else len(token.content.encode())
    found = np.zeros(max(sizes) + 1, dtype=np.int64)
    found[list(sizes)] = list(sizes.values())
    found[list(special)] = 0
    return found


def excess_bytes(folder: Path) -> int:
    """Bytes by which the tokens of a text outweigh it.

    1 where the tokenizer puts a space in front of it by itself (some do so only if the text does not begin with one),
    or where each word is counted with the white space behind it, although there is none behind the last.
    """
    parts = _read(folder)
    if _kind(parts) == "words":
        return 1
    front = any(
        part["type"] == "Prepend" or part.get("add_prefix_space") or part.get("prepend_scheme", "never") != "never"
        # A decoder says with the same words what it undoes.
        for part in _steps(parts["normalizer"], parts["pre_tokenizer"])
    )
    return int(front)


def _read(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / FILE).read_text(encoding="utf-8"))
    return found


def _special_texts(folder: Path) -> Iterator[str]:
    config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
    yield from (text for name in _NAMED if (text := token_text(config.get(name))) is not None)


def _steps(*parts: Any) -> Iterator[dict[str, Any]]:
    """The single steps of normalisers, pre-tokenizers and decoders, taken out of their sequences."""
    for part in parts:
        if part is not None:
            inner = part.get("pretokenizers") or part.get("normalizers") or part.get("decoders")
            yield from _steps(*inner) if part["type"] == "Sequence" else [part]


def _kind(parts: dict[str, Any]) -> str:
    steps = list(_steps(parts["normalizer"], parts["pre_tokenizer"], parts["decoder"]))
    types = {step["type"] for step in steps}
    if "ByteLevel" in types:
        return "bytes"
    if (
        "Metaspace" in types
        or parts["model"].get("byte_fallback")
        or any(step.get("content") == SPACE for step in steps)
    ):
        return "pieces"
    return "words" if parts["model"]["type"] == "WordLevel" else "other"


def _size(fast: Any, kind: str, text: str, number: int) -> int:
    if kind == "bytes":
        # Byte-level BPE writes each byte as one character.
        return len(text)
    if kind == "pieces":
        return 1 if _BYTE.fullmatch(text) else len(text.replace(SPACE, " ").encode())
    return len(text.encode()) + 1 if kind == "words" else len(fast.decode([number]).encode())
