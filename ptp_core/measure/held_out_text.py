"""Held-out text as rows that a model is asked to predict, every token of it once."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ptp_core.data import tokenizer as tokenizers
from ptp_core.data.shards import Tokens
from ptp_core.data.token_bytes import excess_bytes, token_bytes
from ptp_core.objectives.batch import IGNORE, Ints
from ptp_core.special import SpecialTokens

Borders = Literal["separate", "joined"]


class Scale(NamedTuple):
    """What tokens are measured with."""

    fast: Any
    special: SpecialTokens
    sizes: Ints
    """Bytes of each token, shape (vocabulary,)."""
    excess: int
    """Bytes that the tokens of a document hold beyond its text."""


class Text(NamedTuple):
    """Tokens in a row; the arrays have one entry a token."""

    tokens: Ints
    counts: NDArray[np.bool_]
    """False for markup (bos, eos), which is read but not asked for."""
    sizes: Ints
    """Bytes."""
    words: NDArray[np.float64]
    """Each token's share of the words of its document."""


class Row(NamedTuple):
    """What goes through the model at once, and how much text is asked for."""

    inputs: Ints
    targets: Ints
    tokens: int
    sizes: int
    words: float
    text: int
    """Number of the text that it is a part of."""


def scale_of(tokenizer: Path) -> Scale:
    """The scale of a finished tokenizer."""
    sizes, excess = token_bytes(tokenizer), excess_bytes(tokenizer)
    return Scale(tokenizers.load(tokenizer), tokenizers.special(tokenizer), sizes, excess)


def rows_of(stream: Tokens, scale: Scale, length: int, limit: int, borders: Borders) -> list[Row]:
    """Rows of at most ``length`` inputs, over the first ``limit`` tokens of text in a stream.

    ``separate``: every document for itself, as lm-evaluation-harness scores them; ``joined``: one after the other as
    in pre-training, where the beginning of a row sees the end of another document. The first token follows bos, or
    eos where there is no bos; windows do not overlap, and the last one of a text reaches back for a full context, but
    asks only for what was not asked for yet (lm-evaluation-harness, ``get_rolling_token_windows``).
    """
    whole = _beginning(stream, scale, limit)
    prefix = scale.special.eos if scale.special.bos is None else scale.special.bos
    texts = [whole] if borders == "joined" else _documents(whole, scale.special)
    return [row for number, text in enumerate(texts) for row in _windows(text, prefix, length, number)]


def _windows(text: Text, prefix: int, length: int, number: int) -> list[Row]:
    given = np.concatenate([[prefix], text.tokens])
    asked = np.where(text.counts, text.tokens, IGNORE)
    rows, first = [], 0
    while first < len(asked):
        end = min(first + length, len(asked))
        begin, new = max(end - length, 0), slice(first, end)
        targets = asked[begin:end].copy()
        targets[: first - begin] = IGNORE
        amounts = int(text.counts[new].sum()), int(text.sizes[new].sum()), float(text.words[new].sum())
        rows.append(Row(given[begin:end], targets, *amounts, number))
        first = end
    return rows


def _beginning(stream: Tokens, scale: Scale, limit: int) -> Text:
    """The stream up to its ``limit``-th or last token of text, without a bos at its very beginning."""
    special = scale.special
    # A document is at least one token between bos and eos.
    tokens = np.asarray(stream[: 3 * limit + 1]).astype(np.int64)
    if special.bos is not None and len(tokens) and tokens[0] == special.bos:
        tokens = tokens[1:]
    counts = ~is_markup(tokens, special)
    end = int(np.flatnonzero(counts)[:limit].max(initial=-1)) + 1
    tokens, counts = tokens[:end], counts[:end]
    sizes, words = np.where(counts, scale.sizes[tokens], 0), np.zeros(len(tokens))
    for document in _spans(tokens, counts, special):
        sizes[document[0]] -= scale.excess
        text = scale.fast.decode(tokens[document].tolist(), skip_special_tokens=False)
        # As lm-evaluation-harness counts words (api/task.py).
        words[document] = len(re.split(r"\s+", text)) / len(document)
    return Text(tokens, counts, sizes, words)


def _documents(whole: Text, special: SpecialTokens) -> list[Text]:
    tokens, counts, sizes, words = whole
    return [Text(tokens[at], counts[at], sizes[at], words[at]) for at in _spans(tokens, counts, special)]


def _spans(tokens: Ints, counts: NDArray[np.bool_], special: SpecialTokens) -> list[Ints]:
    """Places of the text of each document, each ended by eos; documents without text are left out."""
    ends = np.flatnonzero(tokens == special.eos)
    places = (part[counts[part]] for part in np.split(np.arange(len(tokens)), ends))
    return [part for part in places if len(part)]


def is_markup(tokens: Ints, special: SpecialTokens) -> NDArray[np.bool_]:
    """Where tokens are bos, eos or sentinels, of the same shape: no text."""
    first, last = special.first_sentinel, special.first_sentinel + special.sentinels
    found: NDArray[np.bool_] = ((tokens >= first) & (tokens < last)) | (tokens == special.eos)
    return found if special.bos is None else found | (tokens == special.bos)
