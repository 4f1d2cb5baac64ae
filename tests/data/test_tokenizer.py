"""Tokenizers: ids that never move, text that survives, files that any Hugging Face tool reads alike."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ptp_core.data import build_tokenizer, world
from ptp_core.data import tokenizer as tokenizers
from ptp_core.data.held_out import is_held_out
from ptp_core.data.tokenizer import BOS_ID
from ptp_core.errors import UserError
from ptp_core.spec.world import World
from tests import tiny as tiny_study
from tests.tiny import Tiny

SPECIAL = [
    "<pad>",
    "<bos>",
    "<eos>",
    "<unk>",
    "<extra_id_0>",
    "<extra_id_1>",
    "<extra_id_2>",
    "<mode_r>",
    "<mode_s>",
    "<mode_x>",
]
ODD_TEXTS = [
    "",
    " ",
    "  two  spaces\t\ttabs",
    "line\r\nline\rline\n\n",
    "naïve café, Ünïcödé",
    "👩‍👩‍👧‍👦 🏳️‍🌈 é",
    "混ぜる 한국어 עברית العربية",
    "a\u2028b\u2029c\x00d\ufeffe",
    "<eos> is a word here, and so is <extra_id_0><pad>",
]


@pytest.fixture(scope="module")
def words() -> Any:
    return build_tokenizer.word_level(["one", "two", "three"], sentinels=3)


@pytest.fixture(scope="module")
def byte_level(tiny: Tiny) -> Any:
    return tokenizers.load(tiny.tokenizer)


def test_special_tokens_have_the_same_ids_in_every_tokenizer(words: Any) -> None:
    trained = build_tokenizer.byte_level(["some text"], vocabulary=512, sentinels=3)
    for fast in (words, trained):
        assert [fast.token_to_id(token) for token in SPECIAL] == list(range(len(SPECIAL)))
    assert tokenizers.special_tokens(3) == SPECIAL
    assert SPECIAL.index("<extra_id_0>") == tokenizers.FIRST_SENTINEL_ID


@settings(max_examples=200)
@given(st.text())
@example("".join(ODD_TEXTS))
def test_byte_level_text_comes_back_as_it_was(byte_level: Any, text: str) -> None:
    ids = byte_level.encode(text, add_special_tokens=False).ids
    assert byte_level.decode(ids) == text
    assert all(token >= tokenizers.FIRST_SENTINEL_ID + tiny_study.SENTINELS + 3 for token in ids)


def test_byte_level_merges_and_has_the_asked_for_size(byte_level: Any) -> None:
    assert byte_level.get_vocab_size() == 512
    assert len(byte_level.encode("The cat lives in the barn.").ids) <= 10


def test_a_word_level_tokenizer_knows_its_words_and_no_other(words: Any) -> None:
    first = len(SPECIAL)
    assert words.encode("two one\nthree four").ids == [first + 1, first, first + 2, tokenizers.UNKNOWN_ID]


def test_the_worlds_tokenizer_knows_every_word_of_the_world(tmp_path: Path) -> None:
    settings = {"world": {"words": 2000, "train_items": 8, "test_items": 8}}
    metrics = tiny_study.make(build_tokenizer.run, tmp_path / "t", settings)
    fast = tokenizers.load(tmp_path / "t")
    assert metrics["vocabulary"] == fast.get_vocab_size()
    tiny_world = World(**settings["world"])
    texts = [text for domain in world.DOMAINS for text in world.documents(tiny_world, domain)]
    texts += [world.prompt(item) for family in world.FAMILIES for item in world.items(tiny_world, family, "test")]
    assert not any(tokenizers.UNKNOWN_ID in encoding.ids for encoding in fast.encode_batch(texts))


def test_the_same_text_gives_the_same_files(tiny: Tiny, tmp_path: Path) -> None:
    inputs = {domain: (path,) for domain, path in tiny.texts.items()}
    data = {
        "sources": [{"name": domain, "path": "not read"} for domain in inputs],
        "tokenizer": {"vocabulary": 512, "sentinels": tiny_study.SENTINELS},
    }
    tiny_study.make(build_tokenizer.run, tmp_path / "again", data, inputs=inputs)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        assert (tmp_path / "again" / name).read_bytes() == (tiny.tokenizer / name).read_bytes()


def test_only_the_asked_for_sample_is_read(tiny: Tiny, tmp_path: Path) -> None:
    path = tiny_study.write_lines(tmp_path / "a.jsonl", [{"text": "abcd" * 10}, {"text": "never read " * 10}])
    data = {
        "sources": [{"name": "a", "path": "not read"}],
        "tokenizer": {"vocabulary": 512, "sentinels": 2, "sample_characters": 40},
    }
    tiny_study.make(build_tokenizer.run, tmp_path / "t", data, inputs={"a": (path,)})
    assert not any("never" in token for token in tokenizers.load(tmp_path / "t").get_vocab())


def test_held_out_documents_are_not_trained_on(tmp_path: Path) -> None:
    texts = [f" {a}{b}" * 5 for a in ("quartz", "bright", "vowel") for b in "cdfghjklmnp"]
    path = tiny_study.write_lines(tmp_path / "a.jsonl", [{"text": text} for text in texts])
    data = {"sources": [{"name": "a", "path": "not read"}], "held_out_share": 0.4}
    tiny_study.make(build_tokenizer.run, tmp_path / "t", data, inputs={"a": (path,)})
    fast = tokenizers.load(tmp_path / "t")
    for text in texts:
        whole = len(fast.encode(text, add_special_tokens=False).ids) == 5
        assert whole == (not is_held_out(text, 0.4))


def test_a_document_without_text_is_named(tmp_path: Path) -> None:
    path = tiny_study.write_lines(tmp_path / "a.jsonl", [{"text": "good"}, {"txt": "bad"}])
    data = {"sources": [{"name": "a", "path": "not read"}]}
    with pytest.raises(UserError, match=r'a.jsonl:2: no text under "text"'):
        tiny_study.make(build_tokenizer.run, tmp_path / "t", data, inputs={"a": (path,)})


@pytest.fixture(scope="module")
def auto(tiny: Tiny) -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(tiny.tokenizer, local_files_only=True)


class TestHuggingFace:
    @pytest.mark.parametrize("text", [*ODD_TEXTS, "The cat number 7 is red."])
    def test_reads_the_folder_and_gives_the_same_ids_behind_bos(self, auto: Any, byte_level: Any, text: str) -> None:
        ids = byte_level.encode(text, add_special_tokens=False).ids
        assert auto(text).input_ids == [BOS_ID, *ids]
        assert auto.decode(ids) == text

    def test_knows_the_special_tokens(self, auto: Any) -> None:
        assert (auto.pad_token_id, auto.bos_token_id, auto.eos_token_id, auto.unk_token_id) == (0, 1, 2, 3)
