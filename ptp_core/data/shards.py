"""Finished shards: the tokens of one domain, memory-mapped, and where its documents begin."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Tokens = NDArray[np.unsignedinteger]
"""A stream of tokens: uint16 where the vocabulary allows it, else uint32."""
TRAIN, HELD_OUT = "train.npy", "held_out.npy"
TAG = "tag.npy"
"""The tokens of the domain's label and a line feed, which a variant may put behind the <bos> of each document."""


def open_tokens(folder: Path, name: str) -> Tokens:
    """A stream of tokens, memory-mapped, read only."""
    tokens: Tokens = np.load(folder / name, mmap_mode="r", allow_pickle=False)
    return tokens


def open_offsets(folder: Path, name: str) -> NDArray[np.int64]:
    """Where the documents of a stream begin, shape (documents + 1,), memory-mapped; the last entry is the stream's end.

    ``name`` is that of the stream: TRAIN or HELD_OUT.
    """
    offsets: NDArray[np.int64] = np.load(folder / offsets_name(name), mmap_mode="r", allow_pickle=False)
    return offsets


def offsets_name(name: str) -> str:
    """The file of a stream's offsets: train.npy → train.offsets.npy."""
    return name.replace(".npy", ".offsets.npy")


def load_tag(folder: Path) -> Tokens:
    """The tokens of the domain's tag, in memory."""
    tokens: Tokens = np.load(folder / TAG, allow_pickle=False)
    return tokens
