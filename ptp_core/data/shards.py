"""Stage ``shards``: the documents of one domain as two memory-mapped streams of tokens, train and held-out."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ptp_core.data import tokenizer as tokenizers
from ptp_core.data import world
from ptp_core.data.json_lines import read_json_lines, text_of
from ptp_core.errors import UserError
from ptp_core.spec.data import ShardSettings
from ptp_core.special import SpecialTokens
from ptp_core.work import Metrics, Work

Tokens = NDArray[np.unsignedinteger]
"""A stream of tokens: uint16 where the vocabulary allows it, else uint32."""
TRAIN, HELD_OUT = "train.npy", "held_out.npy"
_BATCH_DOCUMENTS = 2000
OURS = SpecialTokens(tokenizers.PAD_ID, tokenizers.BOS_ID, tokenizers.EOS_ID)


def run(work: Work) -> Metrics:
    """Tokenise one domain. Documents become ``<bos> … <eos>``, one after the other.

    Metrics: documents, tokens and duplicates dropped, of each side. Raises UserError if a side is empty.
    """
    settings = ShardSettings.model_validate(work.settings)
    fast, special = tokenizers.load(work.parents["tokenizer"]), tokenizers.special(work.parents["tokenizer"])
    metrics: Metrics = {}
    for side, name in (("train", TRAIN), ("held_out", HELD_OUT)):
        texts = _Unique(_documents(settings, work.inputs, side))
        tokens, documents = encode(fast, texts, special)
        if not documents:
            raise UserError(f"no {side} documents", subject=work.label, fix="give more text, or another held_out_share")
        np.save(work.folder / name, tokens, allow_pickle=False)
        metrics |= {f"{side}_documents": documents, f"{side}_tokens": len(tokens), f"{side}_duplicates": texts.dropped}
    return metrics


def encode(fast: Any, texts: Iterable[str], special: SpecialTokens = OURS) -> tuple[Tokens, int]:
    """(one stream of tokens, number of documents); uint16 where the vocabulary allows it."""
    dtype = np.uint16 if fast.get_vocab_size() <= 2**16 else np.uint32
    front = [] if special.bos is None else [special.bos]
    parts: list[Tokens] = []
    documents = 0
    for batch in _batches(texts):
        documents += len(batch)
        for encoding in fast.encode_batch_fast(batch, add_special_tokens=False):
            parts.append(np.array([*front, *encoding.ids, special.eos], dtype=dtype))
    return (np.concatenate(parts) if parts else np.zeros(0, dtype)), documents


def open_tokens(folder: Path, name: str) -> Tokens:
    """A stream of tokens, memory-mapped, read only."""
    tokens: Tokens = np.load(folder / name, mmap_mode="r", allow_pickle=False)
    return tokens


def is_held_out(text: str, share: float) -> bool:
    """Whether a document is held out: by the hash of its text, so that equal documents are on one side."""
    number = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
    return number < share * 2**64


class _Unique:
    """Passes on each text once and counts the repeats that it drops."""

    def __init__(self, texts: Iterable[str]) -> None:
        self.texts = texts
        self.dropped = 0

    def __iter__(self) -> Iterator[str]:
        seen: set[bytes] = set()
        for text in self.texts:
            key = hashlib.blake2b(text.encode(), digest_size=16).digest()
            if key in seen:
                self.dropped += 1
            else:
                seen.add(key)
                yield text


def _documents(settings: ShardSettings, inputs: dict[str, tuple[Path, ...]], side: str) -> Iterator[str]:
    if settings.world:
        # The world repeats itself on purpose (a fact is told in few ways), so its own split is taken as it is.
        yield from world.documents(settings.world, settings.domain, split="train" if side == "train" else "heldout")
        return
    for path in inputs[settings.domain]:
        for number, record in read_json_lines(path):
            text = text_of(record, settings.text_field, path, number)
            if text.strip() and is_held_out(text, settings.held_out_share) == (side == "held_out"):
                yield text


def _batches(texts: Iterable[str]) -> Iterator[list[str]]:
    batch: list[str] = []
    for text in texts:
        batch.append(text)
        if len(batch) == _BATCH_DOCUMENTS:
            yield batch
            batch = []
    if batch:
        yield batch
