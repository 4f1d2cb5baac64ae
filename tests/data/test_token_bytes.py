"""Bytes of tokens: over a text they add up to the text, whatever the tokenizer."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from ptp_core.data import build_tokenizer, import_tokenizer, world
from ptp_core.data import tokenizer as tokenizers
from ptp_core.data.shards import HELD_OUT, open_offsets, open_tokens
from ptp_core.data.token_bytes import excess_bytes, token_bytes
from ptp_core.spec.world import World
from tests import foreign
from tests import tiny as tiny_study
from tests.tiny import Tiny

WORLD = {"words": 3000, "train_items": 8, "test_items": 8}
ODD = "naïve café\r\n 混ぜる\t👩‍👩‍👧‍👦  <eos> <|endoftext|>  <0x0A> \x00"


def counted(folder: Path, text: str) -> int:
    """Bytes of a text by its tokens."""
    ids = tokenizers.load(folder).encode(text, add_special_tokens=False).ids
    return int(token_bytes(folder)[ids].sum()) - excess_bytes(folder)


def save(folder: Path, fast: Any, **named: str) -> Path:
    folder.mkdir(parents=True)
    build_tokenizer.save(fast, folder, named)
    return folder


def own(tiny: Tiny, _folder: Path) -> Path:
    return tiny.tokenizer


def gpt_neox(_tiny: Tiny, folder: Path) -> Path:
    """As imported: an end of text that is no other token, and one that people added and that is text."""
    made = foreign.save(folder / "made", [ODD])
    fast = tokenizers.load(made)
    fast.add_tokens(["café"])
    fast.save(str(made / "tokenizer.json"))
    tiny_study.make(
        import_tokenizer.run, folder / "imported", {}, inputs={"tokenizer": foreign.files(made)["tokenizer"]}
    )
    return folder / "imported"


def llama(_tiny: Tiny, folder: Path) -> Path:
    """SentencePiece with byte fallback, in the form of Llama 2: a space is put in front of every text."""
    from tokenizers import normalizers

    fast = byte_fallback()
    fast.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    return save(folder / "llama", fast, bos_token="<s>", eos_token="</s>", unk_token="<unk>")


def metaspace(_tiny: Tiny, folder: Path) -> Path:
    """The same in the form of later converters, which put no space in front of one."""
    from tokenizers import pre_tokenizers

    fast = byte_fallback()
    fast.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always", split=False)
    return save(folder / "metaspace", fast, bos_token="<s>", eos_token="</s>", unk_token="<unk>")


def byte_fallback() -> Any:
    from tokenizers import Tokenizer, decoders, models

    pieces = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256)), "▁", "c", "a", "f", "é", "▁c", "▁ca"]
    fast = Tokenizer(models.BPE(
        {piece: i for i, piece in enumerate(pieces)}, [("▁", "c"), ("▁c", "a")], unk_token="<unk>", byte_fallback=True,
        fuse_unk=True,
    ))  # fmt: skip
    fast.decoder = decoders.Sequence([
        decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0),
    ])  # fmt: skip
    fast.add_special_tokens(["<unk>", "<s>", "</s>"])
    return fast


@pytest.fixture(scope="module", params=[own, gpt_neox, llama, metaspace])
def folder(request: pytest.FixtureRequest, tiny: Tiny, tmp_path_factory: pytest.TempPathFactory) -> Path:
    make: Callable[[Tiny, Path], Path] = request.param
    return make(tiny, tmp_path_factory.mktemp("tokenizer"))


@given(st.text())
@example(ODD)
@example("café " * 3)
def test_the_tokens_of_a_text_have_its_bytes(folder: Path, text: str) -> None:
    # In front of nothing there is no space, nor in front of one; and ▁ itself is a space to SentencePiece.
    assume(not excess_bytes(folder) or (text[:1] not in ("", " ") and "▁" not in text))
    assert counted(folder, text) == len(text.encode())


def test_special_tokens_are_no_text(folder: Path) -> None:
    special, sizes = tokenizers.special(folder), token_bytes(folder)
    assert sizes[special.eos] == sizes[special.pad] == 0
    assert special.bos is None or sizes[special.bos] == 0
    assert not sizes[special.first_sentinel : special.first_sentinel + special.sentinels].any()
    assert len(sizes) == tokenizers.load(folder).get_vocab_size()
    assert sizes.dtype == np.int64


def test_a_held_out_stream_has_the_bytes_of_its_documents(tiny: Tiny) -> None:
    fast, sizes = tokenizers.load(tiny.tokenizer), token_bytes(tiny.tokenizer)
    tokens = open_tokens(tiny.folder / "animals", HELD_OUT)
    bounds = open_offsets(tiny.folder / "animals", HELD_OUT)
    texts = [fast.decode(tokens[a + 1 : b - 1].tolist()) for a, b in itertools.pairwise(bounds)]
    assert set(texts) <= set(tiny_study.documents("animals", 600))
    assert sizes[tokens].sum() == sum(len(text.encode()) for text in texts)


def test_the_worlds_words_come_with_the_space_behind_them(tmp_path: Path) -> None:
    tiny_study.make(build_tokenizer.run, tmp_path / "t", {"world": WORLD})
    for domain in world.DOMAINS:
        for text in world.documents(World(**WORLD), domain, split="heldout"):
            assert counted(tmp_path / "t", text) == len(text.encode())


def test_a_kind_that_we_do_not_know_is_counted_by_what_its_tokens_decode_to(tmp_path: Path) -> None:
    from tokenizers import Tokenizer, models, pre_tokenizers

    fast = Tokenizer(models.Unigram([("<unk>", 0.0), ("é", -1.0), ("ab", -1.0)], unk_id=0))
    fast.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    fast.add_special_tokens(["<unk>"])
    folder = save(tmp_path / "t", fast, eos_token="<unk>")
    assert json.loads((folder / "tokenizer.json").read_text())["decoder"] is None
    assert token_bytes(folder).tolist() == [0, 2, 2]
