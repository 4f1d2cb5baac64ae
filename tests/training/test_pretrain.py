"""Pre-training end to end: what it leaves behind is a Hugging Face model, and the same one every time."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ptp_core.data.shards import HELD_OUT, open_tokens
from ptp_core.errors import UserError
from ptp_core.training import pretrain
from ptp_core.work import Metrics
from tests import tiny as tiny_study
from tests.tiny import DOMAINS, LENGTH, Tiny, pretraining


def train(tiny: Tiny, folder: Path, **recipe: Any) -> Metrics:
    return tiny_study.make(pretrain.run, folder, pretraining(**recipe), {"tokenizer": tiny.tokenizer} | tiny.shards)


def weights(folder: Path) -> bytes:
    return (folder / "model.safetensors").read_bytes()


def table(path: Path) -> list[dict[str, float]]:
    with path.open(newline="") as stream:
        return [{key: float(value) for key, value in row.items()} for row in csv.DictReader(stream)]


def test_two_runs_give_the_same_bytes(tiny: Tiny, checkpoint: Path, tmp_path: Path) -> None:
    train(tiny, tmp_path / "again")
    files = {path.name for path in checkpoint.iterdir()}
    assert {path.name for path in (tmp_path / "again").iterdir()} == files
    assert all((tmp_path / "again" / name).read_bytes() == (checkpoint / name).read_bytes() for name in files)


def test_another_seed_gives_another_model(tiny: Tiny, checkpoint: Path, tmp_path: Path) -> None:
    train(tiny, tmp_path / "other", seed=6)
    assert weights(tmp_path / "other") != weights(checkpoint)


def test_a_folder_holds_a_model_a_tokenizer_and_its_losses_and_nothing_else(checkpoint: Path) -> None:
    assert {path.name for path in checkpoint.iterdir()} == {
        "model.safetensors", "config.json", "generation_config.json",
        "tokenizer.json", "tokenizer_config.json", "telemetry.csv", "held_out.csv",
    }  # fmt: skip


@pytest.mark.parametrize("objective", ["plm", "sc", "sc(0.5,8)", "sc+clm"])
def test_held_out_loss_falls_under_every_objective(tiny: Tiny, tmp_path: Path, objective: str) -> None:
    metrics = train(tiny, tmp_path / "run", objective=objective)
    assert metrics["held_out_loss_at_start"] == pytest.approx(np.log(512), abs=0.3)
    assert metrics["held_out_loss"] < metrics["held_out_loss_at_start"] - 1


def test_metrics_say_what_was_done(tiny: Tiny, tmp_path: Path) -> None:
    metrics = train(tiny, tmp_path / "run", tokens=2600)
    assert metrics["tokens"] == 2560, "only whole batches"
    assert metrics["resumed_from_step"] == 0
    assert metrics["parameters"] == 512 * 32 + 4 * 32 * 32 + 3 * 32 * 64 + 3 * 32
    assert set(metrics["epochs"]) == set(DOMAINS)
    json.dumps(metrics, allow_nan=False)


def test_telemetry_has_the_losses_of_all_steps_and_the_rates(checkpoint: Path) -> None:
    rows = table(checkpoint / "telemetry.csv")
    assert list(rows[0]) == ["step", "tokens", "loss", "lr"]
    assert [row["step"] for row in rows] == list(range(1, 61))
    assert [row["tokens"] for row in rows] == [256 * step for step in range(1, 61)]
    assert rows[0]["lr"] == pytest.approx(1e-2 / 3)
    assert max(row["lr"] for row in rows) == 1e-2
    assert rows[-1]["lr"] == pytest.approx(1e-3, rel=0.01)
    assert rows[-1]["loss"] < rows[0]["loss"] - 1


def test_long_telemetry_is_thinned_to_means(tmp_path: Path) -> None:
    plan = pretrain.Optimisation(steps=500, lr=1, warmup_steps=0)
    history = {"loss": [float(i) for i in range(500)], "held_out": [[0, 2.0]]}
    pretrain._write_telemetry(tmp_path, history, plan, per_step=10)
    rows = table(tmp_path / "telemetry.csv")
    assert [row["step"] for row in rows] == list(range(2, 501, 2))
    assert [row["loss"] for row in rows[:2]] == [0.5, 2.5]


def test_held_out_loss_is_taken_at_the_start_at_the_end_and_in_between(checkpoint: Path) -> None:
    rows = table(checkpoint / "held_out.csv")
    assert list(rows[0]) == ["step", "tokens", "loss"]
    assert [row["step"] for row in rows] == [0, 8, 15, 22, 30, 38, 45, 52, 60]


def test_hugging_face_loads_the_model_and_computes_the_same_held_out_loss(tiny: Tiny, checkpoint: Path) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model = AutoModelForCausalLM.from_pretrained(checkpoint, local_files_only=True).eval()
    losses = []
    for folder in tiny.shards.values():
        stream = torch.from_numpy(open_tokens(folder, HELD_OUT).astype(np.int64))
        for start in range(0, len(stream) - LENGTH, LENGTH):
            window = stream[None, start : start + LENGTH + 1]
            with torch.no_grad():
                losses.append(float(model(input_ids=window, labels=window).loss))
    recorded = table(checkpoint / "held_out.csv")[-1]["loss"]
    assert np.mean(losses) == pytest.approx(recorded, abs=1e-5)
    assert AutoTokenizer.from_pretrained(checkpoint, local_files_only=True).eos_token_id == model.config.eos_token_id


def test_batches_depend_on_the_step_alone(tiny: Tiny) -> None:
    settings = pretrain.PretrainSettings.model_validate(pretraining(objective="sc+plm"))
    parents = {"tokenizer": tiny.tokenizer} | tiny.shards
    first, second = (pretrain.Batches(settings, parents) for _ in range(2))
    ahead = {step: first.at(step) for step in range(10)}
    for step in (7, 2, 9):
        assert all(torch.equal(ahead[step][key], value) for key, value in second.at(step).items())


def test_the_learning_rate_does_not_change_which_tokens_are_seen(tiny: Tiny) -> None:
    parents = {"tokenizer": tiny.tokenizer} | tiny.shards
    one, two = (
        pretrain.Batches(pretrain.PretrainSettings.model_validate(pretraining(lr=lr)), parents) for lr in (1e-3, 1e-2)
    )
    assert torch.equal(one.at(3)["inputs"], two.at(3)["inputs"])


@pytest.mark.parametrize(("length", "message"), [(2048, "has too little held-out text"), (16_384, "is too short")])
def test_too_little_text_is_a_users_error(tiny: Tiny, tmp_path: Path, length: int, message: str) -> None:
    with pytest.raises(UserError, match=rf'domain "\w+" {message}'):
        train(tiny, tmp_path / "run", tokens=length, batch_tokens=length, sequence_length=length)
