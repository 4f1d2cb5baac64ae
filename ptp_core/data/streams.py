"""A domain's tokens as one stream, whole or seen through a choice of documents and a tag in front of each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ptp_core.errors import UserError

Ints = NDArray[np.int64]


class Stream:
    """Tokens that can be read anywhere, without a copy of them in memory.

    A stream without a view is its tokens, so that a memory map stays on disk. A view lists the chosen documents: 24
    bytes of memory each. What it shows is the documents one after the other, each with its tag.
    """

    def __init__(
        self,
        tokens: NDArray[Any],
        offsets: NDArray[Any] | None = None,
        length_quantile: tuple[float, float] | None = None,
        tag: NDArray[Any] | None = None,
        bos: int | None = None,
    ) -> None:
        """``offsets``: where each document starts, and the end as last entry; needed for a view only.

        ``length_quantile``: from and to, in percent, of the documents' lengths in tokens; documents of equal length
        stay together, the lower bound is inside, the upper one is not unless it is 100. ``tag``: tokens to put in front
        of each document, after its ``bos`` if documents begin with one. Raises ValueError for a view without offsets,
        UserError if the view shows nothing.
        """
        # A memory map is slow to index through its own class.
        self._tokens = np.asarray(tokens)
        self._view: _View | None = None
        if length_quantile is not None or tag is not None:
            if offsets is None:
                raise ValueError("a view needs the offsets of the documents")
            bounds = np.asarray(offsets, dtype=np.int64)
            starts, lengths = _chosen(bounds[:-1], np.diff(bounds), length_quantile or (0, 100))
            after_bos = bos is not None and bool(self._tokens[starts[0]] == bos)
            self._view = _View(self._tokens, starts, lengths, tag, int(after_bos))

    def __len__(self) -> int:
        return len(self._tokens) if self._view is None else len(self._view)

    def take(self, begins: Ints, length: int) -> Ints:
        """Pieces of ``length`` tokens, one from each place of ``begins`` (n,): shape (n, length).

        Each place lies in ``0 … len(self) - length``; IndexError otherwise.
        """
        if len(begins) and not 0 <= begins.min() <= begins.max() <= len(self) - length:
            raise IndexError(f"pieces of {length} tokens at {begins.min()} … {begins.max()} of {len(self)}")
        if self._view is not None:
            return self._view.take(begins, length)
        pieces = np.lib.stride_tricks.sliding_window_view(self._tokens, length)
        found: Ints = pieces[begins].astype(np.int64)
        return found


class _View:
    """Where each token of the chosen and tagged documents comes from."""

    def __init__(self, tokens: NDArray[Any], starts: Ints, lengths: Ints, tag: NDArray[Any] | None, after: int) -> None:
        self.tokens, self.after = tokens, after
        self.tag = np.zeros(0, dtype=np.int64) if tag is None else tag.astype(np.int64)
        self.ends = np.cumsum(lengths + len(self.tag))
        self.begins = self.ends - lengths - len(self.tag)
        self.starts = starts

    def __len__(self) -> int:
        return int(self.ends[-1])

    def take(self, begins: Ints, length: int) -> Ints:
        place_NL = begins[:, None] + np.arange(length)
        document_NL = self._documents(begins, length)
        within_NL = place_NL - self.begins[document_NL]
        # What follows the tag stands a tag's length further on than in the shard.
        into_tag_NL = within_NL - self.after
        source_NL = self.starts[document_NL] + within_NL - np.clip(into_tag_NL, 0, len(self.tag))
        # A document of nothing but its bos may be the shard's last one, and its tag ends where there is no token.
        found: Ints = self.tokens[np.minimum(source_NL, len(self.tokens) - 1)].astype(np.int64)
        in_tag_NL = (into_tag_NL >= 0) & (into_tag_NL < len(self.tag))
        found[in_tag_NL] = self.tag[into_tag_NL[in_tag_NL]]
        return found

    def _documents(self, begins: Ints, length: int) -> Ints:
        """The document that each token lies in, shape (n, length).

        Only the ends of a piece are searched for: in between, a document begins where another one has ended.
        """
        first, last = (np.searchsorted(self.ends, begins + ahead, side="right") for ahead in (0, length - 1))
        begun = last - first
        row = np.repeat(np.arange(len(begins)), begun)
        nth = np.arange(begun.sum()) - np.repeat(np.cumsum(begun) - begun, begun)
        steps = np.zeros((len(begins), length), dtype=np.int64)
        steps[row, self.ends[first[row] + nth] - begins[row]] = 1
        return first[:, None] + np.cumsum(steps, axis=1)


def _chosen(starts: Ints, lengths: Ints, quantile: tuple[float, float]) -> tuple[Ints, Ints]:
    """(starts, lengths) of the documents whose length lies in a range of quantiles; empty ones have nothing to show."""
    low, high = np.percentile(lengths, quantile) if len(lengths) else (0, 0)
    mine = (lengths >= low) & (lengths > 0)
    if quantile[1] < 100:
        mine &= lengths < high
    if not mine.any():
        raise UserError(
            f"no document has a length between the quantiles {quantile[0]:g} % and {quantile[1]:g} %",
            expected=f"{low:g} ≤ length < {high:g} tokens", fix="widen the range",
        )  # fmt: skip
    return starts[mine], lengths[mine]


def open_stream(
    folder: Path,
    side: str,
    length_quantile: tuple[float, float] | None = None,
    tagged: bool = False,
    bos: int | None = None,
) -> Stream:
    """One side of a shard folder (``train`` or ``held_out``), memory-mapped: ``<side>.npy``, and for a view
    ``<side>.offsets.npy`` and ``tag.npy``. Raises UserError if a file that the view needs is missing."""

    def read(name: str, what: str) -> NDArray[Any]:
        path = folder / name
        if not path.exists():
            raise UserError(f"this shard has no {what}", subject=str(path), fix="remove its folder to tokenise again")
        found: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
        return found

    return Stream(
        read(f"{side}.npy", "tokens"),
        read(f"{side}.offsets.npy", "document offsets") if length_quantile or tagged else None,
        length_quantile,
        read("tag.npy", "tag") if tagged else None,
        bos,
    )
