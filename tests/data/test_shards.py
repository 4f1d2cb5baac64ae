"""Token shards: each document once, whole, and on one side only."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ptp_core.data import build_shards, build_tokenizer, shards
from ptp_core.data import tokenizer as tokenizers
from ptp_core.data.held_out import is_held_out
from ptp_core.errors import UserError
from ptp_core.work import Metrics
from tests import tiny as tiny_study
from tests.tiny import Tiny

BOS, EOS = tokenizers.BOS_ID, tokenizers.EOS_ID
SIDES = (shards.TRAIN, shards.HELD_OUT)


def make(tiny: Tiny, folder: Path, texts: list[str], **settings: object) -> Metrics:
    folder.mkdir(parents=True, exist_ok=True)
    path = tiny_study.write_lines(folder / "in.jsonl", [{"text": text} for text in texts])
    parents, inputs = {"tokenizer": tiny.tokenizer}, {"a": (path,)}
    return tiny_study.make(build_shards.run, folder, {"domain": "a", "held_out_share": 0.2} | settings, parents, inputs)


def documents_in(tiny: Tiny, folder: Path, side: str) -> list[str]:
    tokens = shards.open_tokens(folder, side).tolist()
    fast = tokenizers.load(tiny.tokenizer)
    starts = [i for i, token in enumerate(tokens) if token == BOS]
    pieces = [tokens[start:end] for start, end in zip(starts, [*starts[1:], len(tokens)], strict=True)]
    assert all(piece[-1] == EOS and piece.count(EOS) == 1 for piece in pieces)
    return [fast.decode(piece[1:-1]) for piece in pieces]


@pytest.fixture(scope="module")
def made(tiny: Tiny, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Metrics, list[str]]:
    texts = [*tiny_study.documents("animals", 500), "  ", "", "ends in spaces  ", "a\r\nb\u2028c", "<eos> and <bos>"]
    folder = tmp_path_factory.mktemp("shards")
    # Every fifth document is there twice, far from its first place.
    return folder, make(tiny, folder, texts + texts[:500:5]), texts


def test_both_sides_together_hold_every_document_once(tiny: Tiny, made: tuple[Path, Metrics, list[str]]) -> None:
    folder, _, texts = made
    train, held_out = (documents_in(tiny, folder, side) for side in SIDES)
    assert sorted(train + held_out) == sorted(text for text in texts if text.strip())


def test_no_document_is_on_both_sides(tiny: Tiny, made: tuple[Path, Metrics, list[str]]) -> None:
    train, held_out = (set(documents_in(tiny, made[0], side)) for side in SIDES)
    assert not train & held_out
    assert 70 <= len(held_out) <= 130


def test_documents_keep_their_order(tiny: Tiny, made: tuple[Path, Metrics, list[str]]) -> None:
    train = documents_in(tiny, made[0], shards.TRAIN)
    assert train == [text for text in made[2] if text in set(train)]


def test_repeats_are_dropped_and_counted(made: tuple[Path, Metrics, list[str]]) -> None:
    folder, metrics, _ = made
    assert metrics["train_duplicates"] + metrics["held_out_duplicates"] == 100
    assert metrics["train_documents"] + metrics["held_out_documents"] == 503
    for side, name in zip(("train", "held_out"), SIDES, strict=True):
        assert metrics[f"{side}_tokens"] == len(shards.open_tokens(folder, name))


def test_the_side_is_decided_by_the_text_alone(tiny: Tiny, tmp_path: Path) -> None:
    texts = tiny_study.documents("sums", 200)
    make(tiny, tmp_path / "one", texts)
    make(tiny, tmp_path / "two", [*tiny_study.documents("animals", 50), *reversed(texts)])
    one, two = (set(documents_in(tiny, tmp_path / name, shards.HELD_OUT)) for name in ("one", "two"))
    assert one == two & set(texts)


def test_a_larger_share_holds_out_the_same_documents_and_more() -> None:
    texts = tiny_study.documents("sums", 400)
    small, large = ({t for t in texts if is_held_out(t, share)} for share in (0.1, 0.3))
    assert small < large
    assert not any(is_held_out(text, 0.0) for text in texts)


def test_the_same_text_gives_the_same_bytes(tiny: Tiny, tmp_path: Path) -> None:
    texts = tiny_study.documents("sums", 100)
    for name in ("one", "two"):
        make(tiny, tmp_path / name, texts)
    for side in SIDES:
        assert (tmp_path / "one" / side).read_bytes() == (tmp_path / "two" / side).read_bytes()


@pytest.mark.parametrize(("vocabulary", "dtype"), [(512, np.uint16), (2**16, np.uint16), (2**16 + 1, np.uint32)])
def test_tokens_take_two_bytes_while_they_can(vocabulary: int, dtype: type) -> None:
    fast = build_tokenizer.word_level([f"w{i}" for i in range(vocabulary - 7)], sentinels=0)
    assert build_shards.token_type(fast) == dtype


def test_streams_are_mapped_and_read_only(tiny: Tiny, made: tuple[Path, Metrics, list[str]]) -> None:
    tokens = shards.open_tokens(made[0], shards.TRAIN)
    assert isinstance(tokens, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        tokens[0] = 1


def test_a_pickle_is_never_loaded(tmp_path: Path) -> None:
    np.save(tmp_path / shards.TRAIN, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(ValueError, match="Python objects"):
        shards.open_tokens(tmp_path, shards.TRAIN)


@pytest.mark.parametrize("texts", [[], [" "], ["a single document"]])
def test_a_side_without_documents_is_an_error(tiny: Tiny, tmp_path: Path, texts: list[str]) -> None:
    with pytest.raises(UserError, match=r"no (train|held_out) documents; give more text"):
        make(tiny, tmp_path, texts)


def test_offsets_say_where_each_document_begins_and_the_stream_ends(made: tuple[Path, Metrics, list[str]]) -> None:
    for side in SIDES:
        tokens, offsets = shards.open_tokens(made[0], side), shards.open_offsets(made[0], side)
        assert offsets.dtype == np.int64
        assert offsets[:-1].tolist() == np.flatnonzero(tokens == BOS).tolist()
        assert offsets[-1] == len(tokens)


def test_the_tag_is_the_domains_label_and_a_line_feed(tiny: Tiny, made: tuple[Path, Metrics, list[str]]) -> None:
    tag = shards.load_tag(made[0])
    assert tag.dtype == shards.open_tokens(made[0], shards.TRAIN).dtype
    assert tokenizers.load(tiny.tokenizer).decode(tag.tolist()) == "a\n"


def test_documents_that_differ_in_white_space_alone_are_one(tiny: Tiny, tmp_path: Path) -> None:
    texts = tiny_study.documents("sums", 300)
    metrics = make(tiny, tmp_path, [*texts, *(f" {text.replace(' ', '  ')}" for text in texts)])
    assert metrics["train_duplicates"] + metrics["held_out_duplicates"] == 300
    both = [documents_in(tiny, tmp_path, side) for side in SIDES]
    assert sorted(both[0] + both[1]) == sorted(texts)


def test_batches_of_any_size_give_the_same_shards(tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [*tiny_study.documents("animals", 200), *tiny_study.documents("animals", 50)]
    expected = make(tiny, tmp_path / "one", texts)
    for name, value in (("BATCH_DOCUMENTS", 7), ("BATCH_CHARACTERS", 300)):
        monkeypatch.setattr(build_shards, name, value)
        assert make(tiny, tmp_path / name, texts) == expected
        for side in SIDES:
            assert (tmp_path / name / side).read_bytes() == (tmp_path / "one" / side).read_bytes()


@pytest.mark.parametrize("limit", [500, 2000, 3001])
def test_no_more_tokens_are_kept_than_asked_for(
    tiny: Tiny, made: tuple[Path, Metrics, list[str]], tmp_path: Path, limit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build_shards, "BATCH_DOCUMENTS", 20)
    metrics = make(tiny, tmp_path, made[2], max_tokens=limit)
    assert limit - 40 < metrics["train_tokens"] + metrics["held_out_tokens"] <= limit
    for side in SIDES:
        tokens = shards.open_tokens(tmp_path, side)
        assert tokens.tolist() == shards.open_tokens(made[0], side)[: len(tokens)].tolist()


def test_only_so_many_documents_are_read(tiny: Tiny, tmp_path: Path) -> None:
    metrics = make(tiny, tmp_path, tiny_study.documents("sums", 100), max_documents=40)
    assert metrics["train_documents"] + metrics["held_out_documents"] == 40


def test_records_left_out_are_counted_and_named_when_nothing_is_left(tiny: Tiny, tmp_path: Path) -> None:
    records = [{"text": text, "n": i % 4} for i, text in enumerate(tiny_study.documents("sums", 100))]
    path = tiny_study.write_lines(tmp_path / "in.jsonl", records)

    def filtered(n: int) -> Metrics:
        settings = {"domain": "a", "held_out_share": 0.2, "only": {"n": n}}
        return tiny_study.make(
            build_shards.run, tmp_path / "out", settings, {"tokenizer": tiny.tokenizer}, {"a": (path,)}
        )

    assert filtered(1)["filtered_documents"] == 75
    with pytest.raises(UserError, match=r"no train documents \(100 were left out by `only`\)"):
        filtered(9)


def test_a_tokenizer_without_bos_ends_documents_only(tiny: Tiny, tmp_path: Path) -> None:
    fast = tokenizers.load(tiny.tokenizer)
    (tmp_path / "t").mkdir()
    build_tokenizer.save(fast, tmp_path / "t", {"eos_token": "<eos>"})
    texts = tiny_study.documents("sums", 50)
    path = tiny_study.write_lines(tmp_path / "in.jsonl", [{"text": text} for text in texts])
    settings = {"domain": "a", "held_out_share": 0.2}
    tiny_study.make(build_shards.run, tmp_path / "out", settings, {"tokenizer": tmp_path / "t"}, {"a": (path,)})
    tokens, offsets = (opened(tmp_path / "out", shards.TRAIN) for opened in (shards.open_tokens, shards.open_offsets))
    assert BOS not in tokens
    assert (np.flatnonzero(tokens == EOS) + 1).tolist() == offsets[1:].tolist()
    assert fast.decode(tokens[: offsets[1] - 1].tolist()) == next(t for t in texts if not is_held_out(t, 0.2))


def test_a_hub_data_set_gives_the_shards_that_its_files_give(tiny: Tiny, tmp_path: Path) -> None:
    (tmp_path / "hub").mkdir()
    path = tmp_path / "hub" / "train.parquet"
    pq.write_table(pa.table({"text": tiny_study.documents("sums", 200)}), path)
    shard, parents = {"domain": "a", "held_out_share": 0.2}, {"tokenizer": tiny.tokenizer}
    tiny_study.make(build_shards.run, tmp_path / "files", shard, parents, {"a": (path,)})
    # A spec takes ids only; a folder laid out like a data set stands in for one here.
    hub = {"hub": str(path.parent), "revision": "v1"}
    tiny_study.make(build_shards.run, tmp_path / "streamed", shard | hub, parents)
    for side in SIDES:
        assert (tmp_path / "streamed" / side).read_bytes() == (tmp_path / "files" / side).read_bytes()


def test_the_world_brings_its_own_sides(tmp_path: Path) -> None:
    settings = {"words": 2000, "train_items": 8, "test_items": 8}
    tiny_study.make(build_tokenizer.run, tmp_path / "t", {"world": settings})
    shard = {"domain": "facts", "world": settings}
    metrics = tiny_study.make(build_shards.run, tmp_path / "facts", shard, {"tokenizer": tmp_path / "t"})
    assert metrics["train_tokens"] > 1000
    assert metrics["held_out_tokens"] > 1000
