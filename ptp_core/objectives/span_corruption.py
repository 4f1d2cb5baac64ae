"""Span corruption on a decoder: the corrupted text, then sentinels with what each of them hides."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ptp_core.draws import Draws
from ptp_core.errors import UserError
from ptp_core.objectives.batch import HIDDEN, IGNORE, KEPT, Batch, Ints
from ptp_core.special import SpecialTokens


class Plan(NamedTuple):
    """How many tokens of a row are used, hidden, and in how many spans."""

    raw: int
    hidden: int
    spans: int

    @property
    def corrupted(self) -> int:
        """Length of the corrupted text: what is left, and a sentinel a span."""
        return self.raw - self.hidden + self.spans

    @property
    def length(self) -> int:
        """Length of corrupted text, sentinels with their spans, and the final eos."""
        return self.corrupted + self.targets

    @property
    def targets(self) -> int:
        """How many tokens are asked for: sentinels with their spans, and the final eos."""
        return self.hidden + self.spans + 1


@cache
def plan(length: int, rate: float, span_length: float) -> Plan:
    """The longest text whose corrupted form and targets fit into ``length + 1`` tokens.

    Raises UserError if not even two tokens of text do.
    """
    for raw in range(length, 1, -1):
        hidden = min(max(round(raw * rate), 1), raw - 1)
        spans = min(max(round(hidden / span_length), 1), raw - hidden)
        found = Plan(raw, hidden, spans)
        if found.length <= length + 1:
            return found
    raise UserError(f"span corruption does not fit into {length} tokens", fix="lengthen sequence_length")


def planned(length: int, rate: float, span_length: float, special: SpecialTokens) -> Plan:
    """The plan of a row. Raises UserError if it needs more sentinels than the tokenizer has, or does not fit."""
    shape = plan(length, rate, span_length)
    if shape.spans > special.sentinels:
        raise UserError(
            f"sc({rate:g},{span_length:g}) on {length} tokens has too few sentinels",
            expected=f"at least {shape.spans}", got=special.sentinels,
            fix="raise data.tokenizer.sentinels; a tokenizer made elsewhere needs as many tokens "
            "<extra_id_0>, <extra_id_1>, …",
        )  # fmt: skip
    return shape


def span_corruption(rows: Ints, draws: Draws, rate: float, span_length: float, special: SpecialTokens) -> Batch:
    """SC(r, μ): a share ``rate`` of the tokens in spans of mean length ``span_length`` is hidden behind sentinels.

    One row reads ``kept₀ <0> kept₁ <1> … | <0> span₀ <1> span₁ … <eos>``; the loss is on the part after the bar.
    Attention is causal throughout. Span lengths are random compositions (Raffel et al. 2020, section 3.1.4).
    ``rows``: shape (batch, length + 1); of each row the first ``plan(...).raw`` tokens are used.
    Raises UserError if there are fewer sentinels than spans, or if the rows are too short for a span.
    """
    batch, length = len(rows), rows.shape[1] - 1
    shape = planned(length, rate, span_length, special)
    text_BN = rows[:, : shape.raw]
    hidden_BN, starts_BN, span_BN = _spans(shape, draws)
    sentinel_BN = special.first_sentinel + span_BN
    corrupted = np.where(starts_BN, sentinel_BN, text_BN)[~hidden_BN | starts_BN].reshape(batch, shape.corrupted)
    # Each token gets a slot before it, filled where a span starts, so that one selection writes "sentinel, span".
    slots = np.stack([sentinel_BN, text_BN], axis=2).reshape(batch, -1)
    chosen = np.stack([starts_BN, hidden_BN], axis=2).reshape(batch, -1)
    answers = slots[chosen].reshape(batch, shape.hidden + shape.spans)
    whole = np.full((batch, length + 1), special.pad, dtype=np.int64)
    whole[:, : shape.length] = np.concatenate([corrupted, answers, np.full((batch, 1), special.eos)], axis=1)
    targets = whole[:, 1:].copy()
    targets[:, : shape.corrupted - 1] = IGNORE
    targets[:, shape.length - 1 :] = IGNORE
    return Batch(whole[:, :-1], targets, np.zeros(batch, dtype=np.int64))


def _spans(shape: Plan, draws: Draws) -> tuple[NDArray[np.bool_], NDArray[np.bool_], Ints]:
    """(hidden?, first of its span?, number of the span), each of shape (batch, raw); kept text comes first."""
    batch = len(draws.rows)
    kept = _composition(draws, KEPT, shape.raw - shape.hidden, shape.spans)
    gone = _composition(draws, HIDDEN, shape.hidden, shape.spans)
    ends = np.cumsum(np.stack([kept, gone], axis=2).reshape(batch, -1), axis=1)
    steps = np.zeros((batch, shape.raw + 1), dtype=np.int64)
    np.put_along_axis(steps, ends, 1, axis=1)
    segment = np.cumsum(steps[:, :-1], axis=1)
    hidden = segment % 2 == 1
    return hidden, hidden & (steps[:, :-1] == 1), segment // 2


def _composition(draws: Draws, purpose: int, total: int, parts: int) -> Ints:
    """Uniformly random ways to write ``total`` as an ordered sum of ``parts`` positive numbers: (batch, parts).

    The cuts are the places of the ``parts - 1`` smallest of ``total - 1`` numbers, so that every set of cuts is
    equally likely; to find the smallest takes no sorting of all.
    """
    cuts = np.zeros((len(draws.rows), 0), dtype=np.int64)
    if parts > 1:
        lots = draws.uniform(purpose, total - 1)
        cuts = np.sort(np.argpartition(lots, parts - 2, axis=1)[:, : parts - 1], axis=1) + 1
    return np.diff(cuts, axis=1, prepend=0, append=total)
