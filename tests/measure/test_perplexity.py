"""Perplexities: those of Hugging Face, those of a slow reference, and errors that mean what they say."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ptp_core.data import tokenizer as tokenizers
from ptp_core.data.shards import HELD_OUT, open_tokens
from ptp_core.draws import Draws, key
from ptp_core.errors import UserError
from ptp_core.measure import rows
from ptp_core.measure.perplexity import CORRUPTION_SEED, Perplexity, _perplexity, perplexities
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


def test_the_special_tokens_below_are_those_of_the_tokenizer(tiny: Tiny) -> None:
    assert tokenizers.special(tiny.tokenizer) == SPECIAL


@pytest.fixture(scope="module")
def model(checkpoint: Path) -> Any:
    return load_model(checkpoint)


@pytest.fixture(scope="module")
def streams(tiny: Tiny) -> dict[str, Any]:
    return {role.removeprefix("shards/"): open_tokens(folder, HELD_OUT) for role, folder in tiny.shards.items()}


def measured(model: Any, streams: dict[str, Any], objective: str, limit: int = LIMIT) -> dict[str, Perplexity]:
    return perplexities(model, streams, objective, LENGTH, limit, SPECIAL)


def test_ppl_clm_is_that_of_hugging_face_on_the_same_windows(model: Any, streams: dict[str, Any]) -> None:
    found = measured(model, streams, "clm")
    losses = {}
    for domain, stream in streams.items():
        rows = torch.from_numpy(windows(stream, LENGTH, LIMIT, domain))
        with torch.no_grad():
            losses[domain] = [float(model(input_ids=row[None], labels=row[None]).loss) for row in rows]
        assert found[domain].value == pytest.approx(math.exp(np.mean(losses[domain])), rel=1e-5)
        assert found[domain].tokens == len(rows) * LENGTH <= LIMIT
    everything = [loss for mine in losses.values() for loss in mine]
    assert found["overall"].value == pytest.approx(math.exp(np.mean(everything)), rel=1e-5)


def test_ppl_sc_is_that_of_a_slow_reference_and_counts_text_only(model: Any, streams: dict[str, Any]) -> None:
    found = measured(model, streams, "sc", limit=300)
    markup = {IGNORE, SPECIAL.eos, *range(SPECIAL.first_sentinel, SPECIAL.first_sentinel + SENTINELS)}
    for domain in streams:
        rows = windows(streams[domain], LENGTH, 300, domain)
        batch = make_batch("sc", rows, Draws(key(CORRUPTION_SEED, domain), np.arange(len(rows))), SPECIAL)
        losses = []
        for inputs, targets in zip(batch.inputs, batch.targets, strict=True):
            with torch.no_grad():
                logits = model(input_ids=torch.from_numpy(inputs)[None]).logits[0]
            for t, target in enumerate(targets):
                if target not in markup:
                    losses.append(-float(torch.log_softmax(logits[t], dim=0)[target]))
        assert found[domain].tokens == len(losses)
        assert found[domain].value == pytest.approx(math.exp(np.mean(losses)), rel=1e-5)


def test_every_checkpoint_is_asked_the_same(model: Any, streams: dict[str, Any]) -> None:
    assert measured(model, streams, "sc") == measured(model, streams, "sc")


def test_how_many_windows_go_through_at_once_changes_nothing(
    model: Any, streams: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    together = measured(model, streams, "sc")
    monkeypatch.setattr(rows, "ROWS", 3)
    apart = measured(model, streams, "sc")
    for domain, value in together.items():
        assert apart[domain] == pytest.approx(value, rel=1e-6)


def test_a_limit_reads_the_beginning_of_each_stream(model: Any, streams: dict[str, Any]) -> None:
    short = {domain: stream[: 3 * LENGTH + 1] for domain, stream in streams.items()}
    cut, whole = measured(model, streams, "clm", limit=3 * LENGTH), measured(model, short, "clm", limit=10**6)
    assert cut == whole
    assert cut["overall"].tokens == 2 * 3 * LENGTH


def test_a_stream_shorter_than_a_window_is_refused(model: Any, streams: dict[str, Any]) -> None:
    with pytest.raises(UserError, match='domain "sums" has too little held-out text'):
        measured(model, streams | {"sums": streams["sums"][:LENGTH]}, "clm")


def test_the_standard_error_is_the_spread_over_samples_of_windows() -> None:
    rng = np.random.default_rng(0)

    def sample() -> Perplexity:
        counts = rng.integers(5, 40, size=60)
        # Windows differ in how hard they are, so that their tokens are no independent draws.
        hardness = rng.normal(2.0, 0.3, size=60)
        return _perplexity(counts * hardness, counts)

    drawn = [sample() for _ in range(2000)]
    values = np.array([p.value for p in drawn])
    assert np.mean([p.stderr for p in drawn]) == pytest.approx(values.std(), rel=0.06)
    inside = [abs(p.value - math.exp(2.0)) < 1.96 * p.stderr for p in drawn]
    assert np.mean(inside) == pytest.approx(0.95, abs=0.02)


def test_a_hopeless_model_has_a_large_perplexity_rather_than_infinity() -> None:
    assert math.isfinite(_perplexity(np.array([1e6, 2e6]), np.array([10, 10])).value)
