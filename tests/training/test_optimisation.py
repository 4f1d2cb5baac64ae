"""The schedule, as numbers of the step, and which weights decay."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ptp_core.spec.model import Model
from ptp_core.training.model import new_model
from ptp_core.training.optimisation import Optimisation

SCHEDULES = ["linear", "cosine", "constant", "wsd"]


class TestLearningRate:
    def test_rises_linearly_to_its_peak_at_the_end_of_the_warm_up(self) -> None:
        plan = Optimisation(steps=100, lr=1, warmup_steps=4)
        assert [plan.lr_share(step) for step in range(5)] == [0.25, 0.5, 0.75, 1.0, 1.0]

    def test_begins_at_its_peak_without_a_warm_up(self) -> None:
        assert Optimisation(steps=100, lr=1, warmup_steps=0).lr_share(0) == 1

    @pytest.mark.parametrize(("schedule", "half"), [("linear", 0.6), ("cosine", 0.6), ("constant", 1.0), ("wsd", 1.0)])
    def test_falls_by_its_schedule(self, schedule: str, half: float) -> None:
        plan = Optimisation(110, 1, warmup_steps=10, schedule=schedule, decay_steps=20, final_lr_share=0.2)
        assert plan.lr_share(60) == pytest.approx(half)
        assert plan.lr_share(110) == pytest.approx(1.0 if schedule == "constant" else 0.2)

    def test_of_the_cosine_at_a_quarter_is_still_high(self) -> None:
        plan = Optimisation(steps=100, lr=1, warmup_steps=0, schedule="cosine")
        assert plan.lr_share(25) == pytest.approx((1 + math.cos(math.pi / 4)) / 2)

    def test_is_not_zero_at_the_last_step_so_that_no_step_is_wasted(self) -> None:
        assert Optimisation(steps=10, lr=1, warmup_steps=0).lr_share(9) == pytest.approx(0.1)

    def test_of_wsd_is_flat_and_then_falls_linearly(self) -> None:
        plan = Optimisation(steps=100, lr=1, warmup_steps=10, schedule="wsd", decay_steps=20)
        assert [plan.lr_share(step) for step in (10, 50, 80, 90, 99)] == pytest.approx([1, 1, 1, 0.5, 0.05])

    @given(
        st.integers(1, 300),
        st.floats(0, 1, exclude_max=True),
        st.sampled_from(SCHEDULES),
        st.floats(0, 1),
        st.integers(0, 300),
    )
    def test_never_exceeds_its_peak_nor_rises_again(
        self, steps: int, warm: float, schedule: str, final: float, decay: int
    ) -> None:
        plan = Optimisation(steps, 1, round(steps * warm), schedule, decay, final)
        shares = [plan.lr_share(step) for step in range(steps)]
        assert all(0 < share <= 1 for share in shares)
        falling = shares[plan.warmup_steps :]
        assert falling == sorted(falling, reverse=True)


def test_only_matrices_decay() -> None:
    model = new_model(Model(width=16, layers=1, heads=2, ffn_width=16, context=16), 50, seed=0)
    groups = Optimisation(steps=3, lr=1e-3, weight_decay=0.1).optimizer(model).param_groups
    decay = {id(p): group["weight_decay"] for group in groups for p in group["params"]}
    assert len(decay) == len(list(model.parameters()))
    for name, parameter in model.named_parameters():
        assert decay[id(parameter)] == (0.0 if "norm" in name else 0.1), name


def test_weights_that_are_not_trained_are_left_to_themselves() -> None:
    model = new_model(Model(width=16, layers=1, heads=2, ffn_width=16, context=16), 50, seed=0)
    for parameter in model.model.embed_tokens.parameters():
        parameter.requires_grad_(False)
    groups = Optimisation(steps=3, lr=1e-3).optimizer(model).param_groups
    assert not any(p is model.model.embed_tokens.weight for group in groups for p in group["params"])
