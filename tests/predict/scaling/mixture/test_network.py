"""FLP-M's network, and which of its starts count."""

from __future__ import annotations

import numpy as np
import pytest

from ptp_core.predict.scaling.mixture import network
from ptp_core.predict.scaling.mixture.network import train_networks
from ptp_core.predict.scaling.mixture.score import MOST_POINTS, thinned


def few_steps(monkeypatch: pytest.MonkeyPatch, steps: int) -> None:
    monkeypatch.setattr(network, "STEPS", steps)


@pytest.mark.slow
def test_a_step_is_that_of_adam_in_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    few_steps(monkeypatch, 50)
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(20, 4)), rng.uniform(size=20)
    ours, _ = train_networks(x, y[None], np.full((1, 20), 1 / 20), seed=3)
    first = network._first(1, 4, np.random.default_rng([3, network.NETWORK_STREAM]))
    inner, bias, outer, outer_bias = (torch.tensor(w[0], requires_grad=True) for w in first)
    adam = torch.optim.Adam([inner, bias, outer, outer_bias], lr=network.RATE, weight_decay=network.DECAY)
    fall = torch.optim.lr_scheduler.CosineAnnealingLR(adam, 50)
    for _ in range(50):
        adam.zero_grad()
        answers = (torch.tensor(x, dtype=torch.float32) @ inner.T + bias).relu() @ outer + outer_bias
        torch.mean((answers - torch.tensor(y, dtype=torch.float32)) ** 2).backward()
        adam.step()
        fall.step()
    assert ours.inner[0] == pytest.approx(inner.detach().numpy(), abs=1e-4)
    assert ours.outer[0] == pytest.approx(outer.detach().numpy(), abs=1e-4)


def test_networks_in_one_tensor_do_not_feel_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    few_steps(monkeypatch, 100)
    rng = np.random.default_rng(0)
    x, y, even = rng.normal(size=(20, 4)), rng.uniform(size=20), np.full(20, 1 / 20)
    other = np.r_[np.full(10, 1 / 10), np.zeros(10)]
    one, _ = train_networks(x, np.stack([y, y]), np.stack([even, even]), seed=0)
    two, _ = train_networks(x, np.stack([y, 5 * y]), np.stack([even, other]), seed=0)
    assert two.answer(x)[0] == pytest.approx(one.answer(x)[0], abs=1e-4)
    assert abs(two.answer(x)[1] - one.answer(x)[1]).max() > 0.1


def test_a_bent_curve_is_learned_better_than_by_a_line() -> None:
    x = np.linspace(-2, 2, 60)[:, None]
    y = np.abs(x[:, 0]) / 2
    trained, errors = train_networks(x, np.tile(y, (10, 1)), np.full((10, 60), 1 / 60), seed=0)
    best = trained.answer(x)[int(errors.argmin())]
    assert np.mean((best - y) ** 2) == pytest.approx(errors.min(), rel=1e-3)
    assert errors.min() < 0.1 * y.var()


def test_checkpoints_are_thinned_evenly_and_the_last_of_every_run_is_kept() -> None:
    run = np.repeat(np.arange(10), 100)
    picked = thinned(run, np.ones(1000, dtype=bool))
    assert len(picked) == MOST_POINTS
    assert np.bincount(run[picked]).tolist() == [MOST_POINTS // 10] * 10
    assert set(range(99, 1000, 100)) <= set(picked.tolist())
