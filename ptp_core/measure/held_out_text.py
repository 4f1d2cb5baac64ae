"""Held-out text as rows that a model is asked to predict, every token of it once."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ptp_core.data import tokenizer as tokenizers
from ptp_core.data.shards import Tokens
from ptp_core.data.token_bytes import excess_bytes, token_bytes
from ptp_core.objectives.batch import IGNORE, Batch, Ints
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


class Rows(NamedTuple):
    """What goes through the model: row i reads ``given[begin:end]`` and is asked for ``asked[first:end]``."""

    given: Ints
    """The token before each token of ``asked``."""
    asked: Ints
    """Tokens of the text; IGNORE for markup, which is read but not asked for."""
    begin: Ints  # (rows,)
    first: Ints
    end: Ints
    text: Ints
    """Number of the document that a row is a part of; 0 for all if they are joined."""
    tokens: Ints
    """How much text a row is asked for: tokens, bytes, words."""
    sizes: Ints
    words: NDArray[np.float64]

    @property
    def lengths(self) -> Ints:
        """Inputs of each row."""
        return self.end - self.begin

    def batch(self, chosen: Ints) -> Batch:
        """Some rows, padded behind: what comes later is seen by no token, so it may be anything."""
        begin, first, end = (places[chosen, None] for places in (self.begin, self.first, self.end))
        places = begin + np.arange((end - begin).max())
        inside = np.minimum(places, len(self.asked) - 1)
        targets = np.where((places >= first) & (places < end), self.asked[inside], IGNORE)
        return Batch(self.given[inside], targets, np.zeros(len(chosen), dtype=np.int64))


@lru_cache(maxsize=4)
def scale_of(tokenizer: Path) -> Scale:
    """The scale of a finished tokenizer."""
    sizes, excess = token_bytes(tokenizer), excess_bytes(tokenizer)
    return Scale(tokenizers.load(tokenizer), tokenizers.special(tokenizer), sizes, excess)


def rows_of(stream: Tokens, scale: Scale, length: int, limit: int, borders: Borders) -> Rows:
    """Rows of at most ``length`` inputs, over the first ``limit`` tokens of text in a stream ``[bos] tokens eos …``.

    ``separate``: every document for itself, as lm-evaluation-harness scores them; ``joined``: one after the other as
    in pre-training, where the beginning of a row sees the end of another document. The first token follows bos, or
    eos where there is no bos; windows do not overlap, and the last one of a text reaches back for a full context, but
    asks only for what was not asked for yet (lm-evaluation-harness, ``get_rolling_token_windows``).
    """
    tokens, counts = _beginning(stream, scale.special, limit)
    prefix = scale.special.eos if scale.special.bos is None else scale.special.bos
    starts, stops = _documents(counts)
    sizes, words = np.where(counts, scale.sizes[tokens], 0), np.zeros(len(tokens))
    sizes[starts] -= scale.excess
    ids = [tokens[start:stop].tolist() for start, stop in zip(starts, stops, strict=True)]
    texts = scale.fast.decode_batch(ids, skip_special_tokens=False)
    # Each token has its share of the words of its document.
    words[counts] = np.repeat([words_in(text) for text in texts] / (stops - starts), stops - starts)
    if borders == "joined" and len(starts):
        starts, stops = starts[:1], stops[-1:]
    begin, first, end, text = _windows(starts, stops, length)
    amounts = (np.concatenate([[0], np.cumsum(each)]) for each in (counts, sizes, words))
    # A document follows its own bos or, where there is none, the eos of the one before it.
    given = np.concatenate([[prefix], tokens[:-1]])[: len(tokens)]
    asked = np.where(counts, tokens, IGNORE)
    return Rows(given, asked, begin, first, end, text, *(total[end] - total[first] for total in amounts))


def words_in(text: str) -> int:
    """Parts of a text between white space, as lm-evaluation-harness counts them: ``len(re.split(r"\\s+", text))``."""
    return max(len(text.split()) + text[:1].isspace() + text[-1:].isspace(), 1)


def _windows(starts: Ints, stops: Ints, length: int) -> tuple[Ints, Ints, Ints, Ints]:
    """(begin, first, end, number of the text) of all windows of the texts at ``starts … stops``."""
    counts = -(-(stops - starts) // length)
    text = np.repeat(np.arange(len(starts)), counts)
    nth = np.arange(len(text)) - np.repeat(np.cumsum(counts) - counts, counts)
    first = starts[text] + nth * length
    end = np.minimum(first + length, stops[text])
    return np.maximum(end - length, starts[text]), first, end, text


def _beginning(stream: Tokens, special: SpecialTokens, limit: int) -> tuple[Ints, NDArray[np.bool_]]:
    """(tokens, which of them are text) up to the ``limit``-th or last token of text, without the very first bos."""
    # Markup takes little, unless documents are empty.
    size = 2 * limit
    while (text := ~is_markup(np.asarray(stream[:size]), special)).sum() < limit and size < len(stream):
        size *= 2
    end = int(np.flatnonzero(text)[:limit].max(initial=-1)) + 1
    tokens, counts = np.asarray(stream[:end]).astype(np.int64), text[:end]
    after_bos = int(end > 0 and tokens[0] == special.bos)
    return tokens[after_bos:], counts[after_bos:]


def _documents(counts: NDArray[np.bool_]) -> tuple[Ints, Ints]:
    """Where runs of text start and stop: documents, between which there is markup."""
    edges = np.diff(counts.astype(np.int8), prepend=0, append=0)
    return np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)


def is_markup(tokens: NDArray[Any], special: SpecialTokens) -> NDArray[np.bool_]:
    """Where tokens are bos, eos or sentinels, of the same shape: no text."""
    first, last = special.first_sentinel, special.first_sentinel + special.sentinels
    found: NDArray[np.bool_] = ((tokens >= first) & (tokens < last)) | (tokens == special.eos)
    return found if special.bos is None else found | (tokens == special.bos)
