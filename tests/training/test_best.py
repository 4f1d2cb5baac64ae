"""Validation: when it happens, and that the weights of its best step are those that are kept."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ptp_core.data import tokenizer as tokenizers
from ptp_core.data.items import load_items
from ptp_core.spec.finetune import Tuning
from ptp_core.training import finetune
from ptp_core.training.answers import pad_pairs, pairs
from ptp_core.training.finetune import total_steps, validation_steps
from ptp_core.training.item_splits import split
from ptp_core.training.loss import mean_loss, to_tensors
from ptp_core.training.model import load_model
from ptp_core.work import Metrics
from tests import tiny as tiny_study
from tests.tiny import Tiny

# A rate at which the model soon gets worse on what it does not train on.
TUNING = {"epochs": 6, "batch_items": 4, "validation_share": 0.25, "lr": 3e-2, "schedule": "constant"}


def tune(tiny: Tiny, checkpoint: Path, folder: Path, **changes: object) -> Metrics:
    parents = {"checkpoint": checkpoint, "task": tiny.task("rag")}
    return tiny_study.make(finetune.run, folder, {"tuning": TUNING | changes, "seed": 1}, parents)


def test_the_best_epoch_is_that_of_a_slow_search(
    tiny: Tiny, checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    metrics = tune(tiny, checkpoint, tmp_path / "kept")
    steps = [step for step, _, _ in metrics["validation"]]
    assert steps == [3, 6, 9, 12, 15, 18]
    _, validation = split(load_items(tiny.task("rag"), "train"), 0.25)
    special = tokenizers.special(checkpoint)
    rows = pairs(tokenizers.load(checkpoint), validation, special)
    losses = {}
    for step in steps:
        # Trained anew up to there and no further, without looking at the validation items; the rate is constant, but
        # the warm-up must be that of the whole run.
        folder = tmp_path / f"to{step}"
        changes = {"steps": step, "epochs": None, "warmup_share": round(18 * 0.1) / step, "validation_share": 0.25}
        monkeypatch.setattr(finetune.KeepBest, "restore", lambda _self, _model: None)
        tune(tiny, checkpoint, folder, **changes)
        losses[step] = float(mean_loss(load_model(folder), to_tensors(pad_pairs(rows, 64, special.pad))))
    assert [loss for _, _, loss in metrics["validation"]] == pytest.approx(list(losses.values()), abs=1e-4)
    best = min(losses, key=losses.__getitem__)
    assert (metrics["best_step"], metrics["best_epoch"]) == (best, best / 3)
    kept, slow = ((tmp_path / name / "model.safetensors").read_bytes() for name in ("kept", f"to{best}"))
    assert kept == slow


def test_without_validation_the_last_step_is_kept(tiny: Tiny, checkpoint: Path, tmp_path: Path) -> None:
    metrics = tune(tiny, checkpoint, tmp_path / "last", validation_share=0.0)
    assert "validation" not in metrics
    assert metrics["items"] == 16


def test_a_number_of_steps_may_be_set_instead_of_epochs(tiny: Tiny, checkpoint: Path, tmp_path: Path) -> None:
    metrics = tune(tiny, checkpoint, tmp_path / "every", validate_every=5)
    assert [step for step, _, _ in metrics["validation"]] == [5, 10, 15, 18]


@given(st.integers(1, 9), st.integers(1, 60), st.integers(1, 20))
def test_an_epoch_ends_when_its_last_item_has_been_seen(epochs: int, items: int, batch: int) -> None:
    tuning = Tuning(epochs=epochs, batch_items=batch)
    steps = total_steps(tuning, items)
    assert (steps - 1) * batch < epochs * items <= steps * batch
    ends = validation_steps(tuning, items)
    assert max(ends) == steps
    for epoch in range(1, epochs + 1):
        assert any(step * batch >= epoch * items > (step - 1) * batch for step in ends)
