"""The schedule, the optimiser, and the loop around them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ptp_core.errors import UserError
from ptp_core.objectives.causal import clm
from ptp_core.spec.model import Model
from ptp_core.training.loss import to_tensors
from ptp_core.training.model import new_model
from ptp_core.training.module import LanguageModelling, Optimisation, fit

SCHEDULES = ["linear", "cosine", "constant"]


class TestLearningRate:
    def test_rises_linearly_to_its_peak_at_the_end_of_the_warm_up(self) -> None:
        plan = Optimisation(steps=100, lr=1, warmup_steps=4)
        assert [plan.lr_share(step) for step in range(5)] == [0.25, 0.5, 0.75, 1.0, 1.0]

    def test_begins_at_its_peak_without_a_warm_up(self) -> None:
        assert Optimisation(steps=100, lr=1, warmup_steps=0).lr_share(0) == 1

    @pytest.mark.parametrize(("schedule", "half"), [("linear", 0.6), ("cosine", 0.6), ("constant", 1.0)])
    def test_falls_by_its_schedule(self, schedule: str, half: float) -> None:
        plan = Optimisation(steps=110, lr=1, warmup_steps=10, schedule=schedule, final_lr_share=0.2)
        assert plan.lr_share(60) == pytest.approx(half)
        assert plan.lr_share(110) == pytest.approx(1.0 if schedule == "constant" else 0.2)

    def test_of_the_cosine_at_a_quarter_is_still_high(self) -> None:
        plan = Optimisation(steps=100, lr=1, warmup_steps=0, schedule="cosine")
        assert plan.lr_share(25) == pytest.approx((1 + math.cos(math.pi / 4)) / 2)

    def test_is_not_zero_at_the_last_step_so_that_no_step_is_wasted(self) -> None:
        assert Optimisation(steps=10, lr=1, warmup_steps=0).lr_share(9) == pytest.approx(0.1)

    @given(st.integers(1, 300), st.floats(0, 1, exclude_max=True), st.sampled_from(SCHEDULES), st.floats(0, 1))
    def test_never_exceeds_its_peak_nor_rises_again(self, steps: int, warm: float, schedule: str, final: float) -> None:
        plan = Optimisation(steps, 1, round(steps * warm), schedule, final)
        shares = [plan.lr_share(step) for step in range(steps)]
        assert all(0 < share <= 1 for share in shares)
        falling = shares[plan.warmup_steps :]
        assert falling == sorted(falling, reverse=True)


def module(**changes: Any) -> LanguageModelling:
    plan = {"steps": 3, "lr": 1e-3, "warmup_steps": 0} | changes
    settings = Model(width=16, layers=1, heads=2, ffn_width=16, context=16)
    return LanguageModelling(new_model(settings, 50, seed=0), Optimisation(**plan))


def batch_of(step: int) -> dict[str, torch.Tensor]:
    return to_tensors(clm(np.random.default_rng(step).integers(4, 50, size=(2, 9))))


def test_only_matrices_decay() -> None:
    trained = module(weight_decay=0.1)
    groups = trained.configure_optimizers()["optimizer"].param_groups
    decay = {id(p): group["weight_decay"] for group in groups for p in group["params"]}
    assert len(decay) == len(list(trained.model.parameters()))
    for name, parameter in trained.model.named_parameters():
        assert decay[id(parameter)] == (0.0 if "norm" in name else 0.1), name


def test_training_asks_for_each_step_once_in_order_and_remembers_its_loss() -> None:
    asked: list[int] = []

    def watched(step: int) -> dict[str, torch.Tensor]:
        asked.append(step)
        return batch_of(step)

    trained = module(steps=5)
    fit(trained, watched, [])
    assert asked == [0, 1, 2, 3, 4]
    assert len(trained.history["loss"]) == 5
    assert not trained.model.training


def test_training_does_what_a_plain_loop_does() -> None:
    trained, plain = module(steps=5, lr=1e-2, warmup_steps=2), module(steps=5, lr=1e-2, warmup_steps=2)
    fit(trained, batch_of, [])
    made = plain.configure_optimizers()
    optimizer, schedule = made["optimizer"], made["lr_scheduler"]["scheduler"]
    for step in range(5):
        loss = _loss(plain, step)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(plain.parameters(), plain.optimisation.clip)
        optimizer.step()
        schedule.step()
    for ours, theirs in zip(trained.parameters(), plain.parameters(), strict=True):
        assert torch.allclose(ours, theirs, atol=1e-6)


def _loss(plain: LanguageModelling, step: int) -> torch.Tensor:
    batch = batch_of(step)
    logits = plain.model(input_ids=batch["inputs"]).logits
    return torch.nn.functional.cross_entropy(logits.flatten(0, 1), batch["targets"].flatten())


def test_a_loss_that_is_not_finite_ends_training_with_the_step() -> None:
    trained = module(steps=3)
    next(trained.model.parameters()).register_hook(lambda gradient: gradient * math.nan)
    with pytest.raises(UserError, match="training diverged: the loss is nan at step 1; lower lr"):
        fit(trained, batch_of, [])
    assert len(trained.history["loss"]) == 1


def test_weights_ruined_by_the_very_last_update_are_noticed() -> None:
    trained = module(steps=1)
    next(trained.model.parameters()).register_hook(lambda gradient: gradient * math.nan)
    with pytest.raises(UserError, match="training diverged: weights are not finite after step 1; lower lr"):
        fit(trained, batch_of, [])
