"""Span corruption: nothing is lost, the numbers are right, and it reads as its description says."""

from __future__ import annotations

import itertools
from collections import Counter
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ptp_core.draws import Draws
from ptp_core.errors import UserError
from ptp_core.objectives.batch import HIDDEN, IGNORE, KEPT, Batch, Ints
from ptp_core.objectives.span_corruption import Plan, _composition, _spans, plan, span_corruption
from ptp_core.special import SpecialTokens

TOKENS = SpecialTokens(pad=0, bos=1, eos=2, first_sentinel=4, sentinels=200)
WORDS = 1000
"""Ids from here on are text."""

lengths = st.integers(12, 160)
rates = st.floats(0.05, 0.9)
span_lengths = st.floats(1, 70)
seeds = st.integers(0, 2**32 - 1)


class Read(NamedTuple):
    """A row taken apart again."""

    corrupted: list[int]
    sentinels: list[int]
    spans: list[list[int]]


def text(batch: int, length: int, seed: int) -> Ints:
    return np.random.default_rng(seed).integers(WORDS, 2 * WORDS, size=(batch, length + 1))


def draws(batch: int, seed: int) -> Draws:
    return Draws(seed, np.arange(batch))


def read(batch: Batch, i: int) -> Read:
    """Inputs up to the first target, and the targets split at the sentinels."""
    inputs, targets = batch.inputs[i].tolist(), batch.targets[i].tolist()
    asked = [t for t, target in enumerate(targets) if target != IGNORE]
    assert asked == list(range(asked[0], asked[-1] + 1)), "the targets are in one piece"
    answer = [targets[t] for t in asked]
    assert answer.pop() == TOKENS.eos
    # What was asked for is what the model reads next.
    assert inputs[asked[0] + 1 : asked[-1] + 1] == answer
    assert set(inputs[asked[-1] + 1 :]) <= {TOKENS.eos, TOKENS.pad}
    sentinels: list[int] = []
    spans: list[list[int]] = []
    for token in answer:
        if token < WORDS:
            sentinels.append(token)
            spans.append([])
        else:
            spans[-1].append(token)
    return Read(inputs[: asked[0] + 1], sentinels, spans)


def filled_in(row: Read) -> list[int]:
    spans = dict(zip(row.sentinels, row.spans, strict=True))
    return [token for place in row.corrupted for token in spans.get(place, [place])]


def slow(row: list[int], hidden: list[bool], starts: list[bool], length: int) -> tuple[list[int], list[int]]:
    """(inputs, targets) of one row, token by token."""
    corrupted, answer, sentinel = [], [], TOKENS.first_sentinel
    for token, gone, starting in zip(row, hidden, starts, strict=True):
        if starting:
            corrupted.append(sentinel)
            answer.append(sentinel)
            sentinel += 1
        (answer if gone else corrupted).append(token)
    whole = [*corrupted, *answer, TOKENS.eos]
    targets = [IGNORE] * (len(corrupted) - 1) + whole[len(corrupted) :]
    padding = length + 1 - len(whole)
    return (whole + [TOKENS.pad] * padding)[:-1], targets + [IGNORE] * padding


@given(lengths, rates, span_lengths, seeds)
def test_no_token_is_lost_and_none_is_made_up(length: int, rate: float, span_length: float, seed: int) -> None:
    rows = text(3, length, seed)
    batch = span_corruption(rows, draws(3, seed), rate, span_length, TOKENS)
    used = plan(length, rate, span_length).raw
    assert [filled_in(read(batch, i)) for i in range(3)] == rows[:, :used].tolist()


@given(lengths, rates, span_lengths, seeds)
def test_each_row_is_made_as_its_description_says(length: int, rate: float, span_length: float, seed: int) -> None:
    rows = text(3, length, seed)
    shape = plan(length, rate, span_length)
    found = span_corruption(rows, draws(3, seed), rate, span_length, TOKENS)
    hidden, starts, _ = _spans(shape, draws(3, seed))
    expected = [slow(rows[i, : shape.raw].tolist(), hidden[i].tolist(), starts[i].tolist(), length) for i in range(3)]
    assert found.inputs.tolist() == [inputs for inputs, _ in expected]
    assert found.targets.tolist() == [targets for _, targets in expected]
    assert not found.prefix.any()


@given(lengths, rates, span_lengths, seeds)
def test_spans_are_not_empty_sentinels_ascend_and_kept_text_comes_first(
    length: int, rate: float, span_length: float, seed: int
) -> None:
    shape = plan(length, rate, span_length)
    batch = span_corruption(text(3, length, seed), draws(3, seed), rate, span_length, TOKENS)
    for i in range(3):
        row = read(batch, i)
        assert row.sentinels == [TOKENS.first_sentinel + k for k in range(shape.spans)]
        assert [token for token in row.corrupted if token < WORDS] == row.sentinels
        assert all(row.spans)
        assert row.corrupted[0] >= WORDS
        assert all(max(pair) >= WORDS for pair in itertools.pairwise(row.corrupted)), "spans do not touch"


@given(lengths, rates, span_lengths)
def test_a_plan_has_the_asked_for_rate_and_mean_length_and_fits(length: int, rate: float, span_length: float) -> None:
    shape = plan(length, rate, span_length)
    assert shape.length <= length + 1
    assert 1 <= shape.spans <= shape.hidden < shape.raw
    assert abs(shape.hidden - shape.raw * rate) <= 0.5 or shape.hidden in (1, shape.raw - 1)
    free = min(max(shape.hidden / span_length, 1), shape.raw - shape.hidden)
    assert abs(shape.spans - free) <= 0.5


@given(lengths, rates, span_lengths)
def test_a_plan_uses_as_much_text_as_fits(length: int, rate: float, span_length: float) -> None:
    shape = plan(length, rate, span_length)
    # One more token of text may bring a hidden token and a span with it, but never room for four more tokens.
    assert length + 1 - shape.length <= 3


@pytest.mark.parametrize(("rate", "span_length"), [(0.15, 3), (0.15, 8), (0.5, 3), (0.5, 8), (0.15, 64), (0.5, 64)])
def test_the_six_settings_of_ul2_hold_at_the_length_of_real_text(rate: float, span_length: float) -> None:
    shape = plan(2048, rate, span_length)
    assert shape.hidden / shape.raw == pytest.approx(rate, rel=0.01)
    assert shape.hidden / shape.spans == pytest.approx(span_length, rel=0.07)


def test_a_row_worked_by_hand() -> None:
    # Five tokens fit: two are hidden, one by one, so a sentinel, its span and <eos> take five places more.
    a, b, c, d, e = range(WORDS, WORDS + 5)
    first, second = TOKENS.first_sentinel, TOKENS.first_sentinel + 1
    assert plan(9, 0.3, 1) == Plan(raw=5, hidden=2, spans=2)
    rows = np.arange(WORDS, WORDS + 10)[None]
    found = [span_corruption(rows, draws(1, seed), 0.3, 1, TOKENS) for seed in range(40)]
    seen = {(tuple(batch.inputs[0].tolist()), tuple(batch.targets[0].tolist())) for batch in found}
    silent = (IGNORE,) * 4
    assert seen == {
        ((a, first, c, d, second, first, b, second, e), (*silent, first, b, second, e, TOKENS.eos)),
        ((a, b, first, d, second, first, c, second, e), (*silent, first, c, second, e, TOKENS.eos)),
    }


def test_a_single_span_is_the_end_of_the_row() -> None:
    # As in Raffel et al. 2020, hidden text ends every row; with one span there is nothing left to draw.
    assert plan(24, 0.15, 64).spans == 1
    rows = text(1, 24, 0)
    found = {tuple(span_corruption(rows, draws(1, s), 0.15, 64, TOKENS).inputs[0]) for s in range(5)}
    assert len(found) == 1


def test_every_way_to_cut_is_equally_likely() -> None:
    drawn = _composition(draws(6000, 1), KEPT, 5, 3)
    counts = Counter(map(tuple, drawn.tolist()))
    assert set(counts) == {c for c in itertools.product(range(1, 6), repeat=3) if sum(c) == 5}
    assert all(abs(count - 1000) < 4 * np.sqrt(1000) for count in counts.values())


@given(st.integers(1, 60), st.data())
def test_a_composition_has_so_many_positive_parts_of_that_sum(total: int, data: st.DataObject) -> None:
    parts = data.draw(st.integers(1, total))
    drawn = _composition(draws(5, data.draw(seeds)), HIDDEN, total, parts)
    assert drawn.shape == (5, parts)
    assert (drawn > 0).all()
    assert (drawn.sum(axis=1) == total).all()


def test_where_text_is_kept_says_nothing_of_where_it_is_hidden() -> None:
    kept, gone = (_composition(draws(20_000, 3), purpose, 40, 10)[:, 0] for purpose in (KEPT, HIDDEN))
    assert abs(np.corrcoef(kept, gone)[0, 1]) < 4 / np.sqrt(20_000)


def test_the_same_seed_gives_the_same_rows_and_another_one_others() -> None:
    rows = text(4, 64, 0)
    one, two, other = (span_corruption(rows, draws(4, s), 0.15, 3, TOKENS) for s in (1, 1, 2))
    assert all(np.array_equal(x, y) for x, y in zip(one, two, strict=True))
    assert not np.array_equal(one.inputs, other.inputs)


def test_too_few_sentinels_are_refused_with_the_number_that_is_needed() -> None:
    rows, spans = text(1, 64, 0), plan(64, 0.5, 1).spans
    enough = TOKENS._replace(sentinels=spans)
    span_corruption(rows, draws(1, 0), 0.5, 1, enough)
    with pytest.raises(UserError, match=rf"too few sentinels; expected at least {spans}, got {spans - 1}"):
        span_corruption(rows, draws(1, 0), 0.5, 1, enough._replace(sentinels=spans - 1))


def test_rows_that_hold_no_span_are_refused() -> None:
    with pytest.raises(UserError, match="does not fit into 3 tokens"):
        plan(3, 0.5, 1)
