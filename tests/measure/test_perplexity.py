"""Perplexities: those of a slow reference for every objective, and errors that mean what they say."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ptp_core.data import tokenizer as tokenizers
from ptp_core.data.shards import HELD_OUT, open_tokens
from ptp_core.draws import Draws, key
from ptp_core.errors import UserError
from ptp_core.measure import held_out_text, rows
from ptp_core.measure.measured import Quantity
from ptp_core.measure.perplexity import CORRUPTION_SEED, exponential, perplexities, ratio
from ptp_core.objectives.batch import IGNORE
from ptp_core.objectives.mix import make_batch
from ptp_core.special import MODES, SpecialTokens
from ptp_core.training.loss import windows
from ptp_core.training.model import load_model
from tests.tiny import LENGTH, SENTINELS, Tiny

LIMIT = 1000
SPECIAL = SpecialTokens(
    pad=0,
    bos=1,
    eos=2,
    first_sentinel=4,
    sentinels=SENTINELS,
    modes={m: 4 + SENTINELS + i for i, m in enumerate(MODES)},
)
MARKUP = {IGNORE, SPECIAL.bos, SPECIAL.eos, *range(SPECIAL.first_sentinel, SPECIAL.first_sentinel + SENTINELS)}


def test_the_special_tokens_below_are_those_of_the_tokenizer(tiny: Tiny) -> None:
    assert tokenizers.special(tiny.tokenizer) == SPECIAL


@pytest.fixture(scope="module")
def model(checkpoint: Path) -> Any:
    # In double precision, so that a difference from a reference is no rounding.
    return load_model(checkpoint).double()


@pytest.fixture(scope="module")
def streams(tiny: Tiny) -> dict[str, Any]:
    return {role.removeprefix("shards/"): open_tokens(folder, HELD_OUT) for role, folder in tiny.shards.items()}


@pytest.fixture(scope="module")
def measured(model: Any, tiny: Tiny, streams: dict[str, Any]) -> Any:
    def measure(objective: str, limit: int = LIMIT, length: int = LENGTH, **options: Any) -> Mapping[str, Quantity]:
        given = {"streams": streams} | options
        found = perplexities(model, tokenizer=tiny.tokenizer, objective=objective, length=length, limit=limit, **given)
        assert found.headline == "ppl"
        return found.quantities

    return measure


@torch.no_grad()
def slow_losses(model: Any, inputs: list[int], targets: list[int]) -> list[tuple[int, float]]:
    """(token, nats) of the text that is asked for, one row at a time."""
    logits = model(input_ids=torch.tensor([inputs])).logits[0]
    return [
        (target, -float(torch.log_softmax(logits[t], dim=0)[target]))
        for t, target in enumerate(targets)
        if target not in MARKUP
    ]


def expect(found: Mapping[str, Quantity], suffix: str, losses: list[tuple[int, float]], fast: Any) -> None:
    """The quantities of (token, nats) pairs, by Python's sums."""
    nats = math.fsum(loss for _, loss in losses)
    size = sum(len(fast.id_to_token(token)) for token, _ in losses)
    assert found[f"ppl{suffix}"].n_items == found[f"bits_per_byte{suffix}"].n_items == len(losses)
    assert found[f"ppl{suffix}"].value == pytest.approx(math.exp(nats / len(losses)), rel=1e-6)
    assert found[f"bits_per_byte{suffix}"].value == pytest.approx(nats / size / math.log(2), rel=1e-6)


def documents(stream: Any) -> list[list[int]]:
    """The text of each document of a stream."""
    found: list[list[int]] = []
    for token in stream.tolist():
        if token == SPECIAL.bos:
            found.append([])
        elif token != SPECIAL.eos:
            found[-1].append(token)
    return found


def rolling(model: Any, tokens: list[int], length: int) -> list[tuple[int, float]]:
    """One forward pass a token: a token sees its window, and the last window of a text is a full one."""
    whole, losses = [SPECIAL.bos, *tokens], []
    for t, token in enumerate(tokens):
        end = min((t // length + 1) * length, len(tokens))
        begin = max(end - length, 0)
        losses += slow_losses(model, whole[begin : t + 1], [IGNORE] * (t - begin) + [token])
    return losses


def test_ppl_clm_is_that_of_one_token_after_the_other(
    model: Any, measured: Any, streams: dict[str, Any], tiny: Tiny
) -> None:
    fast = tokenizers.load(tiny.tokenizer)
    short = {domain: stream[: np.flatnonzero(stream == SPECIAL.eos)[5] + 1] for domain, stream in streams.items()}
    found = measured("clm", limit=10**6, length=8, streams=short)
    everything, words = [], 0
    for domain, stream in short.items():
        texts = documents(stream)
        assert len(texts) == 6
        assert max(map(len, texts)) > 8
        losses = [pair for tokens in texts for pair in rolling(model, tokens, 8)]
        assert [token for token, _ in losses] == [token for tokens in texts for token in tokens]
        expect(found, f"@{domain}", losses, fast)
        everything += losses
        words += sum(len(re.split(r"\s+", fast.decode(tokens))) for tokens in texts)
    expect(found, "", everything, fast)
    per_word = math.fsum(loss for _, loss in everything) / words
    assert found["word_ppl"].value == pytest.approx(math.exp(per_word), rel=1e-6)
    assert not any(quantity.higher_is_better for quantity in found.values())


def test_joined_documents_see_the_one_before(model: Any, measured: Any, streams: dict[str, Any], tiny: Tiny) -> None:
    short = {"sums": streams["sums"][: np.flatnonzero(streams["sums"] == SPECIAL.eos)[5] + 1]}
    found = measured("clm", limit=10**6, length=8, streams=short, documents="joined")
    # All that lies between the first bos and the last eos, of which only text is asked for.
    losses = rolling(model, short["sums"][1:-1].tolist(), 8)
    expect(found, "", losses, tokenizers.load(tiny.tokenizer))
    apart = measured("clm", limit=10**6, length=8, streams=short)
    assert apart["ppl"].n_items == found["ppl"].n_items
    assert apart["ppl"].value != pytest.approx(found["ppl"].value, rel=1e-3)
    words = [per.value for per in (apart["word_ppl"], found["word_ppl"])]
    tokens = [per.value for per in (apart["ppl"], found["ppl"])]
    assert math.log(words[0]) / math.log(words[1]) == pytest.approx(math.log(tokens[0]) / math.log(tokens[1]))


def test_a_document_by_itself_has_the_same_perplexity_joined_or_not(measured: Any, streams: dict[str, Any]) -> None:
    one = {"sums": streams["sums"][: np.flatnonzero(streams["sums"] == SPECIAL.eos)[0] + 1]}
    apart, joined = (measured("clm", length=8, streams=one, documents=how) for how in ("separate", "joined"))
    assert apart["ppl"].value == pytest.approx(joined["ppl"].value, rel=1e-12)
    assert apart["bits_per_byte"].value == pytest.approx(joined["bits_per_byte"].value, rel=1e-12)
    assert apart["word_ppl"].value == pytest.approx(joined["word_ppl"].value, rel=1e-12)
    # Its windows are what there is to estimate an error from.
    assert apart["ppl"].stderr == pytest.approx(joined["ppl"].stderr) != 0


@pytest.mark.parametrize("objective", ["sc", "sc(0.5,8)", "sc(0.3,1)", "[x]sc(0.15,8)", "plm"])
def test_a_perplexity_of_hidden_text_is_that_of_a_slow_reference(
    model: Any, measured: Any, streams: dict[str, Any], tiny: Tiny, objective: str
) -> None:
    found, fast = measured(objective, limit=300), tokenizers.load(tiny.tokenizer)
    everything = []
    for domain in streams:
        rows = windows(streams[domain], LENGTH, 300, domain)
        batch = make_batch(objective, rows, Draws(key(CORRUPTION_SEED, domain), np.arange(len(rows))), SPECIAL)
        losses = []
        for i, (inputs, targets) in enumerate(zip(batch.inputs, batch.targets, strict=True)):
            if objective == "plm":
                losses += prefix_losses(model, inputs, targets, int(batch.prefix[i]))
            else:
                losses += slow_losses(model, inputs.tolist(), targets.tolist())
        expect(found, f"@{domain}", losses, fast)
        everything += losses
    expect(found, "", everything, fast)
    assert "word_ppl" not in found


@torch.no_grad()
def prefix_losses(model: Any, inputs: Any, targets: Any, prefix: int) -> list[tuple[int, float]]:
    seen = np.tril(np.ones((len(inputs), len(inputs)), dtype=bool))
    seen[:prefix, :prefix] = True
    logits = model(input_ids=torch.from_numpy(inputs)[None], attention_mask=torch.from_numpy(seen)[None, None]).logits[
        0
    ]
    return [
        (int(target), -float(torch.log_softmax(logits[t], dim=0)[target]))
        for t, target in enumerate(targets)
        if target not in MARKUP
    ]


def test_hidden_spans_are_those_of_the_definition(model: Any, measured: Any, streams: dict[str, Any]) -> None:
    """PPL-SC by hand: each span after its sentinel, one pass of the model for each token of it."""
    rows = windows(streams["sums"], LENGTH, 100, "sums")
    batch = make_batch("sc", rows, Draws(key(CORRUPTION_SEED, "sums"), np.arange(len(rows))), SPECIAL)
    losses = []
    for row, inputs, targets in zip(rows.tolist(), batch.inputs.tolist(), batch.targets.tolist(), strict=True):
        whole = [*inputs, targets[-1]]
        bar = next(t for t, target in enumerate(targets) if target != IGNORE) + 1
        spans: dict[int, list[int]] = {}
        for token in whole[bar : whole.index(SPECIAL.pad) if SPECIAL.pad in whole else None]:
            if SPECIAL.first_sentinel <= token < SPECIAL.first_sentinel + SENTINELS:
                spans[token] = []
            else:
                spans[list(spans)[-1]].append(token)
        # The last span is followed by the end of the row.
        spans[list(spans)[-1]].pop()
        restored = [t for token in whole[:bar] for t in spans.get(token, [token])]
        assert restored == row[: len(restored)]
        given = whole[:bar]
        for mark, hidden in spans.items():
            given.append(mark)
            for token in hidden:
                losses += slow_losses(model, given, [IGNORE] * (len(given) - 1) + [token])
                given.append(token)
    found = measured("sc", limit=100, streams={"sums": streams["sums"]})
    assert found["ppl"].n_items == len(losses)
    assert found["ppl"].value == pytest.approx(math.exp(math.fsum(loss for _, loss in losses) / len(losses)), rel=1e-6)


def test_every_checkpoint_is_asked_the_same(measured: Any) -> None:
    assert measured("sc") == measured("sc")


@pytest.mark.parametrize("objective", ["clm", "sc"])
def test_how_many_rows_go_through_at_once_changes_nothing(
    measured: Any, monkeypatch: pytest.MonkeyPatch, objective: str
) -> None:
    together = measured(objective)
    monkeypatch.setattr(rows, "ROWS", 3)
    apart = measured(objective)
    for name, quantity in together.items():
        assert vars(apart[name]) == pytest.approx(vars(quantity), rel=1e-9)


def test_a_limit_reads_the_beginning_of_each_stream(measured: Any, streams: dict[str, Any]) -> None:
    assert measured("clm", limit=100)["ppl"].n_items == 2 * 100
    short = {domain: stream[: 3 * LENGTH + 1] for domain, stream in streams.items()}
    assert measured("sc", limit=3 * LENGTH) == measured("sc", limit=10**6, streams=short)


@given(
    st.lists(st.lists(st.integers(30, 99), max_size=40), min_size=1, max_size=8).filter(any),
    st.integers(1, 12),
    st.integers(1, 100),
    st.sampled_from(["separate", "joined"]),
    st.booleans(),
)
def test_every_token_of_the_text_is_asked_for_once(
    texts: list[list[int]], length: int, limit: int, borders: Any, with_bos: bool
) -> None:
    special = SPECIAL if with_bos else SPECIAL._replace(bos=None)
    front = [1] if with_bos else []
    stream = np.array([token for text in texts for token in [*front, *text, 2]], dtype=np.uint16)
    scale = held_out_text.Scale(_Words(), special, np.full(512, 3), 1)
    rows = held_out_text.rows_of(stream, scale, length, limit, borders)
    batch = rows.batch(np.arange(len(rows.begin))) if len(rows.begin) else None
    asked = [] if batch is None else batch.targets[batch.targets != IGNORE].tolist()
    assert asked == [token for text in texts for token in text][:limit]
    assert batch is None or batch.inputs.shape[1] == rows.lengths.max() <= length
    assert rows.tokens.sum() == len(asked)
    begun = sum(1 for i in range(len(texts)) if texts[i] and sum(map(len, texts[:i])) < len(asked))
    assert rows.sizes.sum() == 3 * len(asked) - begun
    assert rows.words.sum() == pytest.approx(2 * begun)


class _Words:
    def decode_batch(self, ids: list[list[int]], skip_special_tokens: bool) -> list[str]:
        return ["" if skip_special_tokens else "two words" for _ in ids]


@given(st.text(st.sampled_from("a. \n\t\x1f\xa0\u2028")))
def test_words_are_counted_as_the_harness_does(text: str) -> None:
    assert held_out_text.words_in(text) == len(re.split(r"\s+", text))


def test_a_domain_without_text_is_refused(measured: Any, streams: dict[str, Any]) -> None:
    with pytest.raises(UserError, match='domain "sums" has too little held-out text'):
        measured("sc", streams=streams | {"sums": streams["sums"][:LENGTH]})
    with pytest.raises(UserError, match='domain "sums" has no held-out text to be asked for'):
        measured("clm", streams=streams | {"sums": np.array([1, 2], dtype=np.uint16)})


def test_each_document_is_an_item(model: Any, tiny: Tiny, streams: dict[str, Any]) -> None:
    found = perplexities(model, streams, tiny.tokenizer, "clm", LENGTH, 200)
    assert len({item.id for item in found.items}) == len(found.items)
    for domain in streams:
        mine = [item for item in found.items if item.id.startswith(f"{domain}/")]
        total = -math.fsum(item.logprob or 0.0 for item in mine)
        assert math.exp(total / 200) == pytest.approx(found.quantities[f"ppl@{domain}"].value)
    # The second document of the domain, which its score and log-probability tell the length of.
    item = next(item for item in found.items if item.id == "animals/1")
    assert len(documents(streams["animals"])[1]) == pytest.approx(-(item.logprob or 0.0) / math.log(item.score))


def test_the_standard_error_is_the_spread_over_samples_of_texts() -> None:
    rng = np.random.default_rng(0)

    def sample() -> Quantity:
        counts = rng.integers(5, 40, size=60)
        # Texts differ in how hard they are, so that their tokens are no independent draws.
        hardness = rng.normal(2.0, 0.3, size=60)
        return exponential(*ratio(counts * hardness, counts), int(counts.sum()))

    drawn = [sample() for _ in range(2000)]
    values = np.array([p.value for p in drawn])
    errors = [p.stderr for p in drawn if p.stderr is not None]
    assert np.mean(errors) == pytest.approx(values.std(), rel=0.06)
    inside = [abs(value - math.exp(2.0)) < 1.96 * stderr for value, stderr in zip(values, errors, strict=True)]
    assert np.mean(inside) == pytest.approx(0.95, abs=0.02)


def test_a_hopeless_model_has_a_large_perplexity_rather_than_infinity() -> None:
    assert math.isfinite(exponential(*ratio(np.array([1e6, 2e6]), np.array([10, 10])), 20).value)
