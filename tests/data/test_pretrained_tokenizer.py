"""Tokenizers that others made: read from a folder or the hub's cache, and fitted with what our objectives need."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tokenizers import Tokenizer as FastTokenizer
from tokenizers import decoders, models, pre_tokenizers, processors, trainers

from ptp_core.data import build_tokenizer
from ptp_core.data import tokenizer as tokenizers
from ptp_core.data.tokenizer import CONFIG, EXISTING, FILE
from ptp_core.errors import UserError
from tests import tiny as tiny_study

END = "<|endoftext|>"
COMMIT = "0123456789abcdef0123456789abcdef01234567"
TEXT = "The cat <|endoftext|> lives in <extra_id_0> the barn, naïvely.\n" * 20


def make_foreign(folder: Path, special: tuple[str, ...] = (END,), **config: Any) -> Path:
    """In the manner of GPT-NeoX: no pad, an eos that also begins texts; cuts texts at five tokens."""
    folder.mkdir(parents=True)
    fast = FastTokenizer(models.BPE())
    fast.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    fast.decoder = decoders.ByteLevel()
    texts = [f"w{i} v{i} " * 3 for i in range(400)] + tiny_study.documents("animals", 200)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=600, special_tokens=[*special], initial_alphabet=alphabet, show_progress=False
    )
    fast.train_from_iterator(texts, trainer)
    assert fast.get_vocab_size() == 600
    fast.enable_truncation(5)
    fast.post_processor = processors.TemplateProcessing(single=f"{END} $A", special_tokens=[(END, 0)])
    fast.save(str(folder / FILE))
    settings = {"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": END} | config
    (folder / CONFIG).write_text(json.dumps(settings))
    return folder


def take(folder: Path, out: Path, **settings: Any) -> Path:
    wanted = {"path": "not read", "vocabulary": 600, "sentinels": 40} | settings
    inputs = {EXISTING: (folder / FILE, folder / CONFIG)}
    tiny_study.make(build_tokenizer.run, out, {"tokenizer": wanted}, inputs=inputs)
    return out


@pytest.fixture(scope="module")
def foreign(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_foreign(tmp_path_factory.mktemp("foreign") / "neox")


@pytest.fixture(scope="module")
def taken(foreign: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return take(foreign, tmp_path_factory.mktemp("taken"))


def test_sentinels_and_modes_come_after_its_own_tokens(taken: Path) -> None:
    special = tokenizers.special(taken)
    assert (special.first_sentinel, special.sentinels) == (600, 40)
    assert special.modes == {"r": 640, "s": 641, "x": 642}
    assert tokenizers.load(taken).get_vocab_size() == 643


def test_its_eos_also_pads_where_it_has_no_pad_and_there_is_no_bos(taken: Path) -> None:
    special = tokenizers.special(taken)
    assert (special.pad, special.bos, special.eos) == (0, None, 0)


def test_text_is_tokenised_as_before_without_cutting_or_tokens_of_its_own(foreign: Path, taken: Path) -> None:
    before = FastTokenizer.from_file(str(foreign / FILE))
    before.no_truncation()
    before.encode_special_tokens = True
    after = tokenizers.load(taken)
    assert after.encode(TEXT).ids == before.encode(TEXT, add_special_tokens=False).ids
    assert after.decode(after.encode(TEXT).ids) == TEXT


def test_hugging_face_reads_the_folder_and_gives_the_same_ids(taken: Path) -> None:
    from transformers import AutoTokenizer

    auto = AutoTokenizer.from_pretrained(taken, local_files_only=True)
    assert auto(TEXT).input_ids == tokenizers.load(taken).encode(TEXT).ids
    assert (auto.pad_token, auto.eos_token) == (END, END)


def test_sentinels_that_it_has_are_kept(tmp_path: Path) -> None:
    own = (END, "<bos>", *(f"<extra_id_{i}>" for i in range(4)))
    folder = make_foreign(tmp_path / "own", own, bos_token={"content": "<bos>"})
    special = tokenizers.special(take(folder, tmp_path / "out", sentinels=4))
    assert (special.bos, special.first_sentinel, special.sentinels) == (1, 2, 4)
    with pytest.raises(UserError, match="the sentinels <extra_id_i> of this tokenizer do not follow one another"):
        take(folder, tmp_path / "more", sentinels=5)


def test_sentinels_in_falling_order_are_refused(tmp_path: Path) -> None:
    folder = make_foreign(tmp_path / "t5", (END, "<extra_id_1>", "<extra_id_0>"))
    with pytest.raises(UserError, match="do not follow one another"):
        take(folder, tmp_path / "out", sentinels=2)


def test_another_size_than_the_spec_says_is_refused_with_the_right_one(foreign: Path, tmp_path: Path) -> None:
    message = "of another size; expected 50277 tokens, got 600; set data.tokenizer.vocabulary to 600"
    with pytest.raises(UserError, match=message):
        take(foreign, tmp_path, vocabulary=50_277)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (FILE, "{}", r"tokenizer\.json: this is not a tokenizer; got "),
        (CONFIG, "{", r"tokenizer_config\.json: this is not a tokenizer's configuration"),
        (CONFIG, "[]", r"tokenizer_config\.json: this is not a tokenizer's configuration; got \[\]"),
        (CONFIG, "{}", "this tokenizer has no eos token; name in tokenizer_config.json"),
        (CONFIG, '{"eos_token": "</s>"}', "this tokenizer has no eos token; got '</s>'"),
    ],
)
def test_a_broken_folder_is_named(tmp_path: Path, name: str, content: str, message: str) -> None:
    folder = make_foreign(tmp_path / "broken")
    (folder / name).write_text(content)
    with pytest.raises(UserError, match=message):
        take(folder, tmp_path / "out")


class TestFromTheHub:
    @pytest.fixture
    def _cache(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """The hub's cache as a download leaves it, and no way to the hub itself."""
        from huggingface_hub import constants

        cache = tmp_path / "hub"
        folder = make_foreign(cache / "models--owner--neox" / "snapshots" / COMMIT)
        (folder / "config.json").write_text('{"model_type": "gpt_neox"}')
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(cache))
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)

    @pytest.mark.usefixtures("_cache")
    def test_the_pinned_revision_is_taken(self, tmp_path: Path) -> None:
        wanted = {"pretrained": "owner/neox", "revision": COMMIT, "vocabulary": 600, "sentinels": 8}
        metrics = tiny_study.make(build_tokenizer.run, tmp_path / "out", {"tokenizer": wanted})
        assert metrics == {"vocabulary": 611}
        assert tokenizers.special(tmp_path / "out").eos == 0

    @pytest.mark.usefixtures("_cache")
    @pytest.mark.parametrize(("name", "revision"), [("owner/neox", "f" * 40), ("owner/other", COMMIT)])
    def test_what_is_not_there_is_named_with_what_to_do(self, tmp_path: Path, name: str, revision: str) -> None:
        wanted = {"pretrained": name, "revision": revision, "vocabulary": 600}
        message = f"^{name}@{revision}: this tokenizer cannot be loaded; got .*; check id and revision, unset HF_HUB"
        with pytest.raises(UserError, match=message):
            tiny_study.make(build_tokenizer.run, tmp_path / "out", {"tokenizer": wanted})
