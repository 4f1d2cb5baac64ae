"""Stage ``shards``: the documents of one domain as two streams of tokens, train and held-out, written as they come."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ptp_core.data import tokenizer as tokenizers
from ptp_core.data import world
from ptp_core.data.array_file import ArrayFile
from ptp_core.data.encode import Encoded, encode
from ptp_core.data.held_out import content_digest, digest_is_held_out
from ptp_core.data.seen import Seen
from ptp_core.data.shards import HELD_OUT, TAG, TRAIN, offsets_name
from ptp_core.data.sources import documents
from ptp_core.errors import UserError
from ptp_core.progress import Progress
from ptp_core.spec.data import ShardSettings
from ptp_core.special import SpecialTokens
from ptp_core.work import Metrics, Work

SIDES = {"train": TRAIN, "held_out": HELD_OUT}
BATCH_DOCUMENTS, BATCH_CHARACTERS = 2000, 4_000_000


class Batch(NamedTuple):
    """Texts of both sides in the order of the source."""

    texts: list[str]
    held_out: NDArray[np.bool_]


def run(work: Work) -> Metrics:
    """Tokenise one domain. Documents become ``<bos> … <eos>``, one after the other; each different one is kept once.

    Metrics: documents, tokens and duplicates dropped, of each side; documents that ``only`` left out, and blank ones.
    Raises UserError if a side is empty.
    """
    settings = ShardSettings.model_validate(work.settings)
    folder = work.parents["tokenizer"]
    special = tokenizers.special(folder)
    fast = tokenizers.load(folder)
    dropped: Counter[str] = Counter()
    batches = _unique(_world(settings) if settings.world else _source(settings, work, dropped), dropped)
    dtype = token_type(fast)
    tag = fast.encode(f"{settings.domain}\n", add_special_tokens=False).ids
    np.save(work.folder / TAG, np.array(tag, dtype=dtype), allow_pickle=False)
    with ExitStack() as open_files:
        streams = {side: _Stream(open_files, work.folder / name, dtype, special) for side, name in SIDES.items()}
        bar = open_files.enter_context(Progress(settings.max_tokens or 0, "tokens", f"tokenise {work.label}"))
        for batch, encoded in encode(fast, batches, lambda batch: batch.texts):
            kept = _within(settings.max_tokens, bar.done, encoded, special)
            for side, mask in (("train", ~batch.held_out), ("held_out", batch.held_out)):
                bar.advance(streams[side].append(encoded, mask & kept))
            if not kept.all():
                break
    return _metrics(streams, dropped, work.label)


def token_type(fast: Any) -> type[np.uint16] | type[np.uint32]:
    """Two bytes a token where the vocabulary allows it, else four."""
    return np.uint16 if max(fast.get_vocab().values()) < 2**16 else np.uint32


def _metrics(streams: dict[str, _Stream], dropped: Counter[str], label: str) -> Metrics:
    metrics: Metrics = {}
    for side, stream in streams.items():
        if not stream.documents:
            why = f" ({dropped['filtered']:,} were left out by `only`)" if dropped["filtered"] else ""
            fix = "give more text, or another held_out_share"
            raise UserError(f"no {side} documents{why}", subject=label, fix=fix)
        metrics |= {f"{side}_documents": stream.documents, f"{side}_tokens": stream.tokens.length}
        metrics[f"{side}_duplicates"] = dropped[side]
    return metrics | {"filtered_documents": dropped["filtered"], "blank_documents": dropped["blank"]}


def _within(limit: int | None, done: int, encoded: Encoded, special: SpecialTokens) -> NDArray[np.bool_]:
    """Which documents still fit into ``limit`` tokens: all up to the first that does not."""
    if limit is None:
        return np.ones(len(encoded.lengths), dtype=np.bool_)
    return np.cumsum(encoded.lengths + _marks(special)) <= limit - done


def _marks(special: SpecialTokens) -> int:
    """Tokens that a document gets beside its own: <eos>, and <bos> where the tokenizer has one."""
    return 1 + (special.bos is not None)


class _Stream:
    """One side's tokens and offsets on their way to disk."""

    def __init__(self, open_files: ExitStack, path: Path, dtype: type, special: SpecialTokens) -> None:
        self.special, self.documents = special, 0
        self.tokens = open_files.enter_context(ArrayFile(path, dtype))
        self.offsets = open_files.enter_context(ArrayFile(path.with_name(offsets_name(path.name)), np.int64))
        self.offsets.append(np.zeros(1, dtype=np.int64))

    def append(self, encoded: Encoded, wanted: NDArray[np.bool_]) -> int:
        """Write the wanted documents of a batch; returns their tokens."""
        lengths = encoded.lengths[wanted] + _marks(self.special)
        if not len(lengths):
            return 0
        ends = np.cumsum(lengths)
        whole = np.empty(ends[-1], dtype=self.tokens.dtype)
        inside = np.ones(len(whole), dtype=np.bool_)
        inside[ends - 1] = False
        whole[ends - 1] = self.special.eos
        if self.special.bos is not None:
            inside[ends - lengths] = False
            whole[ends - lengths] = self.special.bos
        whole[inside] = encoded.ids[np.repeat(wanted, encoded.lengths)]
        self.offsets.append(self.tokens.length + ends)
        self.tokens.append(whole)
        self.documents += len(lengths)
        return len(whole)


def _source(settings: ShardSettings, work: Work, dropped: Counter[str]) -> Iterator[tuple[str, bytes, bool]]:
    for document in documents(settings, work.inputs.get(settings.domain, ()), dropped):
        digest = content_digest(document.text)
        yield document.text, digest, digest_is_held_out(digest, settings.held_out_share)


def _world(settings: ShardSettings) -> Iterator[tuple[str, bytes, bool]]:
    # The world repeats itself on purpose (a fact is told in few ways), so its own split is taken as it is, and what is
    # told on both sides is kept on both.
    assert settings.world is not None
    for held_out, split in enumerate(("train", "heldout")):
        for text in world.documents(settings.world, settings.domain, split=split):
            yield text, content_digest(f"{split} {text}"), bool(held_out)


def _unique(found: Iterable[tuple[str, bytes, bool]], dropped: Counter[str]) -> Iterator[Batch]:
    """Batches in which no document is a repeat; repeats are counted by side."""
    seen = Seen()
    for texts, digests, sides in _batches(found):
        held_out = np.array(sides, dtype=np.bool_)
        keys = np.frombuffer(b"".join(digests), dtype=np.uint64).reshape(-1, 2)[:, 1]
        new = seen.add(keys)
        dropped["held_out"] += int((~new & held_out).sum())
        dropped["train"] += int((~new & ~held_out).sum())
        yield Batch([text for text, is_new in zip(texts, new, strict=True) if is_new], held_out[new])


def _batches(found: Iterable[tuple[str, bytes, bool]]) -> Iterator[tuple[list[str], list[bytes], list[bool]]]:
    texts: list[str] = []
    digests: list[bytes] = []
    sides: list[bool] = []
    characters = 0
    for text, digest, held_out in found:
        texts.append(text)
        digests.append(digest)
        sides.append(held_out)
        characters += len(text)
        if len(texts) == BATCH_DOCUMENTS or characters >= BATCH_CHARACTERS:
            yield texts, digests, sides
            texts, digests, sides, characters = [], [], [], 0
    if texts:
        yield texts, digests, sides
