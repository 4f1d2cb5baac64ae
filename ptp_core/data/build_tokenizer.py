"""Stage ``tokenizer``: word-level for the embedded world, byte-level BPE for sources, or one that exists already."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer as FastTokenizer
from tokenizers import decoders, models, pre_tokenizers, trainers

from ptp_core.data import world
from ptp_core.data.bos import begin_with
from ptp_core.data.held_out import is_held_out
from ptp_core.data.pretrained_tokenizer import take_over
from ptp_core.data.sources import documents
from ptp_core.data.tokenizer import BOS, CONFIG, EOS, EXISTING, FILE, PAD, UNKNOWN, special_tokens
from ptp_core.spec.data import Source, TokenizerSettings
from ptp_core.work import Metrics, Work


def run(work: Work) -> Metrics:
    """Build the tokenizer of a study's data and save it as Hugging Face files. Metric: vocabulary size in tokens."""
    settings = TokenizerSettings.model_validate(work.settings)
    wanted = settings.tokenizer
    if settings.world:
        fast, config = word_level(world.vocabulary(settings.world), wanted.sentinels), own_config()
    elif EXISTING in work.inputs or wanted.pretrained:
        fast, config = take_over(wanted, work.inputs.get(EXISTING))
    else:
        fast, config = byte_level(_samples(settings, work), wanted.vocabulary, wanted.sentinels), own_config()
    save(fast, work.folder, config)
    return {"vocabulary": fast.get_vocab_size()}


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


def own_config() -> dict[str, Any]:
    """What ``tokenizer_config.json`` says of a tokenizer that we built."""
    return {"pad_token": PAD, "bos_token": BOS, "eos_token": EOS, "unk_token": UNKNOWN}


def save(tokenizer: FastTokenizer, folder: Path, config: dict[str, Any]) -> None:
    """Write ``tokenizer.json`` and the small configuration that ``AutoTokenizer.from_pretrained`` reads."""
    begin_with(tokenizer, config.get("bos_token"))
    tokenizer.save(str(folder / FILE))
    config = config | {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "clean_up_tokenization_spaces": False,
        # What a text says about <eos> is text: see load.
        "split_special_tokens": True,
    }
    (folder / CONFIG).write_text(json.dumps(config, indent=1, sort_keys=True) + "\n")


def _samples(settings: TokenizerSettings, work: Work) -> Iterator[str]:
    limit = settings.tokenizer.sample_characters
    for source in settings.sources:
        yield from _sample(source, work.inputs.get(source.name, ()), limit, settings.held_out_share)


def _sample(source: Source, files: Iterable[Path], limit: int, held_out_share: float) -> Iterator[str]:
    taken = 0
    for document in documents(source, files, Counter()):
        # Merges learned from held-out documents would make their perplexities look better than they are.
        if is_held_out(document.text, held_out_share):
            continue
        # A book-long document is cut, so that the sample holds its share of every source.
        yield document.text[: limit - taken]
        taken += len(document.text)
        if taken >= limit:
            return
