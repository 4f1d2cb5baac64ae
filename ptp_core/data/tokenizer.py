"""Stage ``tokenizer``: a word-level one for the embedded world, a byte-level BPE for text files."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer as FastTokenizer
from tokenizers import decoders, models, pre_tokenizers, trainers

from ptp_core.data import world
from ptp_core.data.json_lines import read_json_lines, text_of
from ptp_core.errors import UserError, Where
from ptp_core.spec.data import Source, TokenizerSettings
from ptp_core.special import MODES, SpecialTokens
from ptp_core.work import Metrics, Work

PAD, BOS, EOS, UNKNOWN = "<pad>", "<bos>", "<eos>", "<unk>"
PAD_ID, BOS_ID, EOS_ID, UNKNOWN_ID = range(4)
FIRST_SENTINEL_ID = 4
"""Special tokens come first, in this order: pad, bos, eos, unk, sentinels, modes."""

FILE, CONFIG = "tokenizer.json", "tokenizer_config.json"


def special_tokens(sentinels: int) -> list[str]:
    """All special tokens in the order of their ids; sentinel i is ``<extra_id_i>`` (Raffel et al. 2020).

    The last three announce a denoiser of UL2 (Tay et al. 2023).
    """
    return [PAD, BOS, EOS, UNKNOWN, *map(sentinel, range(sentinels)), *map(mode_token, MODES)]


def sentinel(i: int) -> str:
    """The text of a sentinel."""
    return f"<extra_id_{i}>"


def mode_token(mode: str) -> str:
    """The text of a mode token."""
    return f"<mode_{mode}>"


def run(work: Work) -> Metrics:
    """Build the tokenizer of a study's data and save it as Hugging Face files. Metric: vocabulary size in tokens."""
    data = TokenizerSettings.model_validate(work.settings)
    if data.world:
        tokenizer = word_level(world.vocabulary(data.world), data.tokenizer.sentinels)
    else:
        limit = data.tokenizer.sample_characters
        texts = (text for source in data.sources for text in _sample(source, work.inputs[source.name], limit))
        tokenizer = byte_level(texts, data.tokenizer.vocabulary, data.tokenizer.sentinels)
    save(tokenizer, work.folder)
    return {"vocabulary": tokenizer.get_vocab_size()}


def word_level(words: Iterable[str], sentinels: int) -> FastTokenizer:
    """One token a word; words are what white space separates."""
    vocabulary = {word: i for i, word in enumerate([*special_tokens(sentinels), *words])}
    tokenizer = FastTokenizer(models.WordLevel(vocabulary, unk_token=UNKNOWN))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.add_special_tokens(special_tokens(sentinels))
    return tokenizer


def byte_level(texts: Iterable[str], vocabulary: int, sentinels: int) -> FastTokenizer:
    """A byte-level BPE of the given size (special tokens included), trained on ``texts``; it loses no character."""
    tokenizer = FastTokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=special_tokens(sentinels),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def save(tokenizer: FastTokenizer, folder: Path) -> None:
    """Write ``tokenizer.json`` and the small configuration that ``AutoTokenizer.from_pretrained`` reads."""
    tokenizer.save(str(folder / FILE))
    config = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "pad_token": PAD,
        "bos_token": BOS,
        "eos_token": EOS,
        "unk_token": UNKNOWN,
        "clean_up_tokenization_spaces": False,
        # What a text says about <eos> is text: see load.
        "split_special_tokens": True,
    }
    (folder / CONFIG).write_text(json.dumps(config, indent=1, sort_keys=True) + "\n")


def load(folder: Path) -> FastTokenizer:
    """The tokenizer saved in a folder. Text that spells out a special token, such as ``<eos>``, stays text."""
    fast = FastTokenizer.from_file(str(folder / FILE))
    fast.encode_special_tokens = True
    return fast


def special(folder: Path) -> SpecialTokens:
    """The special tokens of a saved tokenizer, by their texts in ``tokenizer_config.json``.

    A tokenizer without pad token is padded with eos, which no loss and no attention mask ever looks at.
    Raises UserError if it has no eos token.
    """
    fast = load(folder)
    config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
    pad, bos, eos = (_token_id(fast, config.get(f"{name}_token")) for name in ("pad", "bos", "eos"))
    if eos is None:
        raise UserError("this tokenizer has no eos token", where=Where(folder / CONFIG), fix="name it as eos_token")
    sentinels = next(i for i in itertools.count() if fast.token_to_id(sentinel(i)) is None)
    modes = {mode: found for mode in MODES if (found := fast.token_to_id(mode_token(mode))) is not None}
    return SpecialTokens(
        pad=eos if pad is None else pad,
        bos=bos,
        eos=eos,
        first_sentinel=fast.token_to_id(sentinel(0)) or 0,
        sentinels=sentinels,
        modes=modes,
    )


def _token_id(fast: FastTokenizer, token: Any) -> int | None:
    # transformers writes a token as text or, with its options, as an object.
    text = token.get("content") if isinstance(token, dict) else token
    found: int | None = fast.token_to_id(text) if isinstance(text, str) else None
    return found


def _sample(source: Source, files: Iterable[Path], limit: int) -> Iterator[str]:
    taken = 0
    for path in files:
        for number, record in read_json_lines(path):
            text = text_of(record, source.text_field, path, number)
            # A book-long document is cut, so that the sample holds its share of every source.
            yield text[: limit - taken]
            taken += len(text)
            if taken >= limit:
                return
