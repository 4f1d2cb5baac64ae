"""Streams: whole ones are their tokens, views are what a slow reading of the documents gives."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ptp_core.data.streams import Stream, open_stream
from ptp_core.errors import UserError

BOS, TAG = 1, [901, 902, 903]
Document = list[int]


def shard(lengths: list[int], dtype: Any = np.uint16) -> tuple[np.ndarray, np.ndarray, list[Document]]:
    """(tokens, offsets, documents); document i is bos and then 10 i, 10 i + 1, …"""
    documents = [[BOS, *range(10 * i + 10, 10 * i + 9 + length)][:length] for i, length in enumerate(lengths)]
    offsets = np.cumsum([0, *lengths])
    return np.array([token for document in documents for token in document], dtype=dtype), offsets, documents


def slow(documents: list[Document], quantile: tuple[float, float], tag: list[int], after: int) -> list[int]:
    """What a view shows, document by document."""
    lengths = [len(document) for document in documents]
    low, high = np.percentile(lengths, quantile)
    shown = []
    for document in documents:
        if len(document) >= low and (len(document) < high or quantile[1] == 100) and document:
            shown += [*document[:after], *tag, *document[after:]]
    return shown


def everything(stream: Stream) -> list[int]:
    found: list[int] = stream.take(np.array([0]), len(stream))[0].tolist()
    return found


quantiles = st.tuples(st.integers(0, 90), st.integers(1, 100)).map(sorted).map(tuple).filter(lambda q: q[0] < q[1])


@given(st.lists(st.integers(0, 9), min_size=1, max_size=30).filter(any), quantiles, st.integers(0, 3),
       st.booleans(), st.data())  # fmt: skip
def test_a_view_shows_what_a_slow_reading_of_the_documents_gives(
    lengths: list[int], quantile: Any, tag_length: int, begins_with_bos: bool, data: st.DataObject
) -> None:
    tokens, offsets, documents = shard(lengths)
    tag, bos = TAG[:tag_length], BOS if begins_with_bos else 17
    expected = slow(documents, quantile, tag, after=int(begins_with_bos))
    if not expected:
        with pytest.raises(UserError, match="no document has a length between"):
            Stream(tokens, offsets, quantile, np.array(tag), bos)
        return
    stream = Stream(tokens, offsets, quantile, np.array(tag, dtype=np.uint16), bos)
    assert len(stream) == len(expected)
    assert everything(stream) == expected
    length = data.draw(st.integers(1, len(expected)))
    begins = data.draw(st.lists(st.integers(0, len(expected) - length), max_size=8))
    pieces = stream.take(np.array(begins, dtype=np.int64), length)
    assert pieces.shape == (len(begins), length)
    assert pieces.dtype == np.int64
    assert pieces.tolist() == [expected[begin : begin + length] for begin in begins]


@given(st.lists(st.integers(0, 50), min_size=1, max_size=50), st.integers(1, 8), st.booleans())
def test_a_stream_without_a_view_is_its_tokens(listed: list[int], length: int, wide: bool) -> None:
    tokens = np.array(listed, dtype=np.uint32 if wide else np.uint16)
    stream = Stream(tokens)
    assert len(stream) == len(listed)
    begins = np.arange(max(len(listed) - length + 1, 0))
    if len(begins):
        assert stream.take(begins, length).tolist() == [listed[b : b + length] for b in begins]


@given(st.lists(st.integers(1, 9), min_size=1, max_size=30), st.integers(1, 99))
def test_two_ranges_that_meet_share_the_documents_between_them(lengths: list[int], middle: int) -> None:
    tokens, offsets, documents = shard(lengths)
    parts = []
    for quantile in ((0, middle), (middle, 100)):
        if slow(documents, quantile, [], 0):
            parts += everything(Stream(tokens, offsets, quantile))
    assert sorted(parts) == sorted(tokens.tolist())


def test_documents_of_equal_length_stay_together() -> None:
    tokens, offsets, documents = shard([5, 2, 5, 5, 9])
    assert everything(Stream(tokens, offsets, (50, 100))) == [token for i in (0, 2, 3, 4) for token in documents[i]]
    assert everything(Stream(tokens, offsets, (0, 50))) == documents[1]


def test_a_tag_stands_after_the_bos_of_each_document() -> None:
    tokens, offsets, _ = shard([3, 2])
    tagged = Stream(tokens, offsets, tag=np.array(TAG), bos=BOS)
    assert everything(tagged) == [BOS, *TAG, 10, 11, BOS, *TAG, 20]
    without = Stream(tokens, offsets, tag=np.array(TAG), bos=None)
    assert everything(without) == [*TAG, BOS, 10, 11, *TAG, BOS, 20]


@pytest.mark.parametrize("begin", [-1, 4])
def test_nothing_is_read_beyond_the_ends(begin: int) -> None:
    tokens, offsets, _ = shard([3, 3])
    for stream in (Stream(tokens), Stream(tokens, offsets, (0, 100))):
        with pytest.raises(IndexError, match="pieces of 3 tokens at"):
            stream.take(np.array([begin]), 3)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    tokens, offsets, _ = shard([3, 2, 6])
    np.save(tmp_path / "train.npy", tokens)
    np.save(tmp_path / "train.offsets.npy", offsets)
    np.save(tmp_path / "tag.npy", np.array(TAG, dtype=np.uint16))
    return tmp_path


def test_a_shard_folder_is_opened_with_and_without_a_view(folder: Path) -> None:
    assert everything(open_stream(folder, "train")) == np.load(folder / "train.npy").tolist()
    view = open_stream(folder, "train", (75, 100), tagged=True, bos=BOS)
    assert everything(view) == [BOS, *TAG, 30, 31, 32, 33, 34]


def test_a_shard_is_mapped_and_not_read_into_memory(folder: Path) -> None:
    stream = open_stream(folder, "train")
    assert isinstance(stream._tokens.base, np.memmap)


@pytest.mark.parametrize(
    ("missing", "what", "options"),
    [
        ("train.npy", "tokens", {}),
        ("train.offsets.npy", "document offsets", {"length_quantile": (25, 75)}),
        ("train.offsets.npy", "document offsets", {"tagged": True}),
        ("tag.npy", "tag", {"tagged": True}),
    ],
)
def test_a_file_that_the_view_needs_and_is_missing_is_named(
    folder: Path, missing: str, what: str, options: dict[str, Any]
) -> None:
    (folder / missing).unlink()
    with pytest.raises(UserError, match=rf"{missing}: this shard has no {what}; remove its folder"):
        open_stream(folder, "train", **options)


def test_what_no_view_needs_may_be_missing(folder: Path) -> None:
    (folder / "train.offsets.npy").unlink()
    (folder / "tag.npy").unlink()
    assert len(open_stream(folder, "train")) == 11


def test_a_view_of_tokens_without_offsets_is_refused() -> None:
    with pytest.raises(ValueError, match="needs the offsets"):
        Stream(np.arange(9), tag=np.array(TAG))
