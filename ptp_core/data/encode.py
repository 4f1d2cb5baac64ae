"""Texts to tokens on all cores of a job, while the next texts are read and the last tokens are written."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import chain
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

T = TypeVar("T")


class Encoded(NamedTuple):
    """The tokens of some documents, one after the other, without special tokens."""

    ids: NDArray[np.uint32]
    lengths: NDArray[np.int64]  # (documents,)


def encode(fast: Any, batches: Iterable[T], texts_of: Callable[[T], list[str]]) -> Iterator[tuple[T, Encoded]]:
    """Each batch with its tokens, in order. The tokenizer spreads a batch over its own threads (RAYON_NUM_THREADS)."""
    waiting: list[tuple[T, Future[Any]]] = []
    # The tokenizer lets go of Python's lock while it works, so one thread is enough for both to go on at once.
    with ThreadPoolExecutor(1) as pool:
        for batch in batches:
            waiting.append((batch, pool.submit(_encode, fast, texts_of(batch))))
            if len(waiting) > 1:
                done, future = waiting.pop(0)
                yield done, _joined(future.result())
        for done, future in waiting:
            yield done, _joined(future.result())


def _encode(fast: Any, texts: list[str]) -> Any:
    return fast.encode_batch_fast(texts, add_special_tokens=False)


def _joined(encodings: Any) -> Encoded:
    parts = [encoding.ids for encoding in encodings]
    lengths = np.fromiter(map(len, parts), dtype=np.int64, count=len(parts))
    ids = np.fromiter(chain.from_iterable(parts), dtype=np.uint32, count=int(lengths.sum()))
    return Encoded(ids, lengths)
