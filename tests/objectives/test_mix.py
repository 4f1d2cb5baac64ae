"""Mixed objectives, and what every objective must keep: no position sees what it is asked for."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ptp_core.errors import UserError
from ptp_core.objectives.batch import IGNORE, Batch, Ints
from ptp_core.objectives.causal import clm
from ptp_core.objectives.mix import make_batch
from ptp_core.spec.model import Model
from ptp_core.special import SpecialTokens
from ptp_core.training.loss import prefix_mask, to_tensors
from ptp_core.training.model import new_model

TOKENS = SpecialTokens(pad=0, bos=1, eos=2, first_sentinel=4, sentinels=16)
VOCABULARY, WORDS = 100, 20
LENGTH = 40
OBJECTIVES = ["clm", "plm", "sc", "sc(0.5,8)", "sc(0.15,64)", "sc+clm", "sc(0.5,3)+plm+clm"]


def text(rows: int, seed: int = 0) -> Ints:
    return np.random.default_rng(seed).integers(WORDS, VOCABULARY, size=(rows, LENGTH + 1))


def batch_of(objective: str, rows: int = 12, seed: int = 0) -> Batch:
    return make_batch(objective, text(rows), np.random.default_rng(seed), TOKENS)


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_the_same_generator_gives_the_same_batch(objective: str) -> None:
    one, two = (batch_of(objective, seed=1) for _ in range(2))
    assert all(np.array_equal(x, y) for x, y in zip(one, two, strict=True))


@pytest.mark.parametrize("objective", ["plm", "sc", "sc(0.5,8)", "sc+clm"])
def test_another_generator_gives_another_batch(objective: str) -> None:
    assert not np.array_equal(batch_of(objective, seed=1).targets, batch_of(objective, seed=2).targets)


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_every_row_has_a_target_and_no_target_is_padding(objective: str) -> None:
    batch = batch_of(objective)
    assert (batch.targets != IGNORE).any(axis=1).all()
    assert not (batch.targets == TOKENS.pad).any()
    assert batch.inputs.shape == batch.targets.shape == (12, LENGTH)


def test_each_term_of_a_mix_takes_about_the_same_number_of_rows() -> None:
    rows = text(3000)
    batch = make_batch("sc+plm+clm", rows, np.random.default_rng(3), TOKENS)
    is_plm = batch.prefix > 0
    is_clm = (batch.inputs == rows[:, :-1]).all(axis=1) & (batch.targets == rows[:, 1:]).all(axis=1) & ~is_plm
    is_sc = (batch.inputs == TOKENS.first_sentinel).any(axis=1)
    assert (is_plm.astype(int) + is_clm + is_sc == 1).all()
    assert max(abs(kind.sum() - 1000) for kind in (is_plm, is_clm, is_sc)) < 4 * np.sqrt(3000 * 2 / 9)


def test_rows_of_a_mix_stay_in_their_places() -> None:
    rows = text(40)
    batch = make_batch("sc+clm", rows, np.random.default_rng(3), TOKENS)
    assert (batch.inputs[:, 0] == rows[:, 0]).all()


def test_one_term_alone_is_that_objective() -> None:
    rows = text(3)
    expected = clm(rows)
    assert all(np.array_equal(x, y) for x, y in zip(batch_of("clm", 3), expected, strict=True))


def test_too_few_sentinels_are_refused_in_a_mix_as_well() -> None:
    with pytest.raises(UserError, match=r"raise data\.tokenizer\.sentinels"):
        make_batch("clm+sc(0.5,1)", text(40), np.random.default_rng(0), TOKENS._replace(sentinels=2))


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_no_position_can_learn_of_its_target_through_any_number_of_layers(objective: str) -> None:
    batch = batch_of(objective)
    mask = prefix_mask(torch.from_numpy(batch.prefix), LENGTH)
    causal = torch.ones(LENGTH, LENGTH).tril().bool()
    for i, targets in enumerate(batch.targets):
        sees = causal if mask is None else mask[i, 0]
        reach = torch.linalg.matrix_power(sees.double(), LENGTH) > 0
        asked = [t for t in range(LENGTH - 1) if targets[t] != IGNORE]
        assert asked
        assert not any(bool(reach[t, t + 1 :].any()) for t in asked)


@pytest.fixture(scope="module")
def model() -> torch.nn.Module:
    settings = Model(width=32, layers=2, heads=2, ffn_width=64, context=LENGTH)
    return new_model(settings, VOCABULARY, seed=0).eval()


@torch.no_grad()
def logits(model: torch.nn.Module, inputs: torch.Tensor, prefix: torch.Tensor) -> torch.Tensor:
    result: torch.Tensor = model(input_ids=inputs, attention_mask=prefix_mask(prefix, LENGTH)).logits
    return result


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_in_a_real_model_a_changed_target_changes_no_logit_where_it_is_asked_for(
    model: torch.nn.Module, objective: str
) -> None:
    batch = to_tensors(batch_of(objective))
    before = logits(model, batch["inputs"], batch["prefix"])
    for t in range(LENGTH - 1):
        asked = batch["targets"][:, t] != IGNORE
        changed = batch["inputs"].clone()
        changed[:, t + 1] = torch.where(changed[:, t + 1] == WORDS, WORDS + 1, WORDS)
        after = logits(model, changed, batch["prefix"])
        assert torch.allclose(after[asked, t], before[asked, t], atol=1e-6)
        assert not torch.allclose(after[:, t + 1], before[:, t + 1], atol=1e-3)


def test_in_a_real_model_the_first_token_of_a_prefix_sees_the_last_one(model: torch.nn.Module) -> None:
    batch = to_tensors(batch_of("plm"))
    before = logits(model, batch["inputs"], batch["prefix"])
    for i, prefix in enumerate(batch["prefix"].tolist()):
        changed = batch["inputs"].clone()
        changed[i, prefix - 1] += 1 if changed[i, prefix - 1] < VOCABULARY - 1 else -1
        after = logits(model, changed, batch["prefix"])
        assert not torch.allclose(after[i, 0], before[i, 0], atol=1e-6)
        others = [k for k in range(len(changed)) if k != i]
        assert torch.equal(after[others], before[others])


def test_rows_without_a_prefix_need_no_mask() -> None:
    assert prefix_mask(torch.zeros(3, dtype=torch.int64), LENGTH) is None
