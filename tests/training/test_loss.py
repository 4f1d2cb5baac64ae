"""The loss is the one that Hugging Face computes, on the windows that are meant."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ptp_core.draws import Draws
from ptp_core.errors import UserError
from ptp_core.objectives.batch import IGNORE, Batch
from ptp_core.objectives.causal import clm, plm
from ptp_core.spec.model import Model
from ptp_core.training.loss import held_out_loss, mean_loss, to_tensors, token_losses, windows
from ptp_core.training.model import new_model

ROWS = np.random.default_rng(0).integers(4, 50, size=(3, 13))


@pytest.fixture(scope="module")
def model() -> torch.nn.Module:
    return new_model(Model(width=16, layers=2, heads=2, ffn_width=16, context=16), 50, seed=0).eval()


def test_the_loss_of_next_tokens_is_that_of_hugging_face(model: torch.nn.Module) -> None:
    tokens = torch.from_numpy(ROWS)
    theirs = model(input_ids=tokens, labels=tokens).loss
    assert float(mean_loss(model, to_tensors(clm(ROWS)))) == pytest.approx(float(theirs), abs=1e-6)


def test_a_position_without_a_target_has_no_loss(model: torch.nn.Module) -> None:
    batch = plm(ROWS, Draws(0, np.arange(len(ROWS))))
    losses = token_losses(model, to_tensors(batch)).detach().numpy()
    assert (losses[batch.targets == IGNORE] == 0).all()
    assert (losses[batch.targets != IGNORE] > 0).all()
    mean = losses.sum() / (batch.targets != IGNORE).sum()
    assert float(mean_loss(model, to_tensors(batch))) == pytest.approx(mean, abs=1e-6)


def test_a_batch_without_any_target_has_loss_zero(model: torch.nn.Module) -> None:
    silent = Batch(ROWS, np.full_like(ROWS, IGNORE), np.zeros(3, dtype=np.int64))
    assert float(mean_loss(model, to_tensors(silent))) == 0.0


def test_held_out_loss_weighs_every_token_alike(model: torch.nn.Module) -> None:
    whole = clm(ROWS)
    parts = [Batch(*(array[:1] for array in whole)), Batch(*(array[1:] for array in whole))]
    expected = float(mean_loss(model, to_tensors(whole)))
    assert held_out_loss(model, parts) == pytest.approx(expected, abs=1e-6)


def test_held_out_loss_leaves_training_as_it_was(model: torch.nn.Module) -> None:
    model.train()
    held_out_loss(model, [clm(ROWS)])
    assert model.training
    assert all(parameter.grad is None for parameter in model.parameters())
    model.eval()


class TestWindows:
    def test_follow_each_other_so_that_each_token_is_asked_for_once(self) -> None:
        rows = windows(np.arange(100, dtype=np.uint16), 7, limit=1000, domain="a")
        assert rows.shape == (14, 8)
        assert rows[:, 1:].flatten().tolist() == list(range(1, 99))
        assert rows[:, :-1].flatten().tolist() == list(range(98))

    @pytest.mark.parametrize(("limit", "count"), [(20, 2), (21, 3), (1, 1), (10**9, 14)])
    def test_stay_within_the_limit_but_are_never_none(self, limit: int, count: int) -> None:
        assert len(windows(np.arange(100), 7, limit, "a")) == count

    def test_reach_the_last_token_where_it_fits(self) -> None:
        assert windows(np.arange(15), 7, 100, "a").max() == 14
        assert windows(np.arange(14), 7, 100, "a").max() == 7

    def test_of_a_stream_that_is_too_short_are_an_error(self) -> None:
        with pytest.raises(UserError, match='domain "a" has too little held-out text; expected > 7 tokens, got 7'):
            windows(np.arange(7), 7, 100, "a")
        assert windows(np.arange(8), 7, 100, "a").shape == (1, 8)
