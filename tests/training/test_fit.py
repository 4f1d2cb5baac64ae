"""The loop: each step once and in order, the same arithmetic as a plain loop, and an end to what comes to nothing."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch

from ptp_core.objectives.batch import IGNORE, Batch
from ptp_core.objectives.causal import clm
from ptp_core.spec.execution import Execution
from ptp_core.spec.model import Model
from ptp_core.training.fit import fit
from ptp_core.training.layout import Layout
from ptp_core.training.loss import to_tensors
from ptp_core.training.model import new_model
from ptp_core.training.module import LanguageModelling
from ptp_core.training.optimisation import Optimisation
from ptp_core.work import Diverged

ROWS = 4


def module(layout: Layout | None = None, **changes: Any) -> LanguageModelling:
    plan = {"steps": 3, "lr": 1e-3} | changes
    settings = Model(width=16, layers=1, heads=2, ffn_width=16, context=16)
    return LanguageModelling(new_model(settings, 50, seed=0), Optimisation(**plan), layout or Layout(rows=ROWS))


def global_batch(step: int) -> Batch:
    """Rows with unequal numbers of targets, as span corruption and prefixes have them."""
    batch = clm(np.random.default_rng(step).integers(4, 50, size=(ROWS, 9)))
    silent = np.arange(8)[None, :] < np.arange(ROWS)[:, None]
    return batch._replace(targets=np.where(silent, IGNORE, batch.targets))


def batch_of(step: int, first: int, count: int) -> dict[str, Any]:
    whole = global_batch(step)
    part = Batch(*(array[first : first + count] for array in whole))
    return to_tensors(part) | {"global_targets": float((whole.targets != IGNORE).sum())}


def plain_loop(trained: LanguageModelling) -> list[float]:
    """The same training written out; returns the loss of each step."""
    made = trained.configure_optimizers()
    optimizer, schedule = made["optimizer"], made["lr_scheduler"]["scheduler"]
    losses = []
    for step in range(trained.optimisation.steps):
        whole = global_batch(step)
        logits = trained.model(input_ids=torch.from_numpy(whole.inputs)).logits
        loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), torch.from_numpy(whole.targets).flatten())
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trained.parameters(), trained.optimisation.clip)
        optimizer.step()
        schedule.step()
        losses.append(float(loss.detach()))
    return losses


def test_training_asks_for_each_step_once_in_order_and_remembers_its_loss() -> None:
    asked: list[tuple[int, int, int]] = []

    def watched(step: int, first: int, count: int) -> dict[str, Any]:
        asked.append((step, first, count))
        return batch_of(step, first, count)

    trained = module(Layout(accumulation=2, rows=2))
    fit(trained, watched)
    assert asked == [(step, first, 2) for step in range(3) for first in (0, 2)]
    assert len(trained.history.loss) == 3
    assert not trained.model.training


@pytest.mark.parametrize("layout", [Layout(rows=4), Layout(accumulation=2, rows=2), Layout(accumulation=4, rows=1)])
def test_training_does_what_a_plain_loop_does_however_the_batch_is_split(layout: Layout) -> None:
    changes = {"steps": 5, "lr": 1e-2, "warmup_steps": 2, "clip": 0.1}
    trained, plain = module(layout, **changes), module(**changes)
    fit(trained, batch_of)
    assert trained.history.loss == pytest.approx(plain_loop(plain), abs=1e-6)
    for ours, theirs in zip(trained.parameters(), plain.parameters(), strict=True):
        assert torch.allclose(ours, theirs, atol=1e-6)


def test_history_has_rate_norm_time_and_memory_of_every_step() -> None:
    trained = module(steps=4, lr=1e-2, warmup_steps=2)
    fit(trained, batch_of)
    columns = trained.history.columns
    assert columns["lr"] == pytest.approx([0.005, 0.01, 0.01, 0.005])
    assert all(norm > 0 for norm in columns["grad_norm"])
    assert all(seconds > 0 for seconds in columns["seconds"])
    assert min(columns["peak_memory_mb"]) > 50


def test_z_loss_pulls_the_normaliser_towards_one_and_is_no_part_of_the_recorded_loss() -> None:
    with_it, without = module(steps=40, lr=3e-2, z_loss=1.0), module(steps=40, lr=3e-2)
    for trained in (with_it, without):
        fit(trained, batch_of)
    assert with_it.history.loss[0] == without.history.loss[0]
    squares = []
    for trained in (with_it, without):
        logits = trained.model(input_ids=torch.from_numpy(global_batch(0).inputs)).logits
        squares.append(float((logits.logsumexp(-1) ** 2).mean().detach()))
    assert squares[0] < 0.5 * squares[1]


@pytest.mark.parametrize(
    "execution", [Execution(activation_checkpointing=True), Execution(compile=True)], ids=["checkpointing", "compile"]
)
@pytest.mark.slow
def test_activation_checkpointing_and_compile_change_no_result(execution: Execution) -> None:
    options, plain = module(), module()
    fit(options, batch_of, execution=execution)
    fit(plain, batch_of)
    assert options.history.loss == pytest.approx(plain.history.loss, abs=1e-5)
    assert [name for name, _ in options.model.named_parameters()] == [n for n, _ in plain.model.named_parameters()]


def test_bf16_trains_fp32_weights_with_rounded_products() -> None:
    rounded, exact = module(steps=5, lr=1e-2), module(steps=5, lr=1e-2)
    fit(rounded, batch_of, precision="bf16")
    fit(exact, batch_of)
    assert all(p.dtype == torch.float32 for p in rounded.parameters())
    assert rounded.history.loss == pytest.approx(exact.history.loss, abs=0.05)
    assert rounded.history.loss != exact.history.loss


def ruin(trained: LanguageModelling) -> None:
    next(trained.model.parameters()).register_hook(lambda gradient: gradient * math.nan)


def test_a_loss_that_is_not_finite_for_some_steps_in_a_row_ends_training() -> None:
    trained = module(steps=10)
    ruin(trained)
    with pytest.raises(Diverged, match="loss nan at step 4, bound inf"):
        fit(trained, batch_of, patience=3)
    assert len(trained.history.loss) == 4


def test_a_loss_above_its_bound_ends_training_only_when_it_stays_there() -> None:
    patient = module(steps=5)
    fit(patient, batch_of, loss_bound=1.0, patience=6)
    with pytest.raises(Diverged, match=r"loss 3\.\d+ at step 5, bound 1"):
        fit(module(steps=6), batch_of, loss_bound=1.0, patience=5)


def test_weights_ruined_by_the_very_last_update_are_noticed() -> None:
    trained = module(steps=1)
    ruin(trained)
    with pytest.raises(Diverged, match="weights are not finite after step 1"):
        fit(trained, batch_of)
