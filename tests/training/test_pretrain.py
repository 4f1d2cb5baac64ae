"""Pre-training end to end: what it leaves behind is a Hugging Face model, and the same one every time."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from ptp_core.data.shards import HELD_OUT, open_tokens
from ptp_core.errors import UserError
from ptp_core.objectives.batch import IGNORE
from ptp_core.spec.pretrain import PretrainSettings
from ptp_core.training import pretrain
from ptp_core.training.batches import Batches
from ptp_core.work import Metrics
from tests import tiny as tiny_study
from tests.tiny import DOMAINS, LENGTH, Tiny, pretraining


def train(tiny: Tiny, folder: Path, **recipe: Any) -> Metrics:
    return tiny_study.make(pretrain.run, folder, pretraining(**recipe), {"tokenizer": tiny.tokenizer} | tiny.shards)


def batches(tiny: Tiny, **recipe: Any) -> Batches:
    settings = PretrainSettings.model_validate(pretraining(**recipe))
    return Batches(settings, {"tokenizer": tiny.tokenizer} | tiny.shards, steps=60)


def weights(folder: Path) -> bytes:
    return (folder / "model.safetensors").read_bytes()


def table(path: Path) -> list[dict[str, float]]:
    with path.open(newline="") as stream:
        return [{key: float(value) for key, value in row.items()} for row in csv.DictReader(stream)]


def test_two_runs_give_the_same_bytes(tiny: Tiny, checkpoint: Path, tmp_path: Path) -> None:
    train(tiny, tmp_path / "again")
    files = {path.name for path in checkpoint.iterdir()}
    assert {path.name for path in (tmp_path / "again").iterdir()} == files
    files.remove("telemetry.parquet")  # it holds the times of the steps
    assert all((tmp_path / "again" / name).read_bytes() == (checkpoint / name).read_bytes() for name in files)


def test_a_rank_in_the_environment_of_one_process_means_nothing(
    tiny: Tiny, checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RANK", "1")
    train(tiny, tmp_path / "ranked")
    assert weights(tmp_path / "ranked") == weights(checkpoint)


def test_another_seed_gives_another_model(tiny: Tiny, checkpoint: Path, tmp_path: Path) -> None:
    train(tiny, tmp_path / "other", seed=6)
    assert weights(tmp_path / "other") != weights(checkpoint)


def test_a_folder_holds_a_model_a_tokenizer_and_its_losses_and_nothing_else(checkpoint: Path) -> None:
    assert {path.name for path in checkpoint.iterdir()} == {
        "model.safetensors", "config.json", "generation_config.json",
        "tokenizer.json", "tokenizer_config.json", "telemetry.parquet", "held_out.csv",
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


def test_telemetry_has_a_row_for_every_step(checkpoint: Path) -> None:
    table = pd.read_parquet(checkpoint / "telemetry.parquet")
    assert list(table) == [
        "step", "tokens", "loss", "lr", "grad_norm", "seconds", "peak_memory_mb", "tokens_per_second", "mfu",
    ]  # fmt: skip
    assert list(table["step"]) == list(range(1, 61))
    assert list(table["tokens"]) == [256 * step for step in range(1, 61)]
    assert table["lr"][0] == pytest.approx(1e-2 / 3)
    assert table["lr"].max() == 1e-2
    assert table["lr"].iloc[-1] == pytest.approx(1e-3, rel=0.01)
    assert table["loss"].iloc[-1] < table["loss"][0] - 1
    assert np.allclose(table["tokens_per_second"], 256 / table["seconds"])
    assert table["mfu"].isna().all(), "the peak of a CPU is not known"


def test_utilisation_is_flops_per_second_over_the_peak_that_is_stated(tiny: Tiny, tmp_path: Path) -> None:
    parents = {"tokenizer": tiny.tokenizer} | tiny.shards
    tiny_study.make(pretrain.run, tmp_path / "run", pretraining(tokens=1024), parents, peak_flops=1e10)
    table = pd.read_parquet(tmp_path / "run" / "telemetry.parquet")
    flops = 6 * 26720 + 12 * 1 * 32 * LENGTH
    assert np.allclose(table["mfu"], flops * table["tokens_per_second"] / 1e10)


def test_tensorboard_events_are_written_on_demand(tiny: Tiny, tmp_path: Path) -> None:
    parents = {"tokenizer": tiny.tokenizer} | tiny.shards
    tiny_study.make(pretrain.run, tmp_path / "run", pretraining(tokens=1024), parents, tensorboard=True)
    (events,) = (tmp_path / "run" / "tensorboard").iterdir()
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    log = EventAccumulator(str(events)).Reload()
    losses = pd.read_parquet(tmp_path / "run" / "telemetry.parquet")["loss"]
    assert [point.value for point in log.Scalars("loss")] == pytest.approx(list(losses), rel=1e-6)
    assert [point.step for point in log.Scalars("loss")] == [256, 512, 768, 1024]


def test_checkpoints_on_the_way_are_models_of_their_step(tiny: Tiny, tmp_path: Path) -> None:
    train(tiny, tmp_path / "run", checkpoints=[2560, 5000], tokens=7680)
    train(tiny, tmp_path / "short", tokens=7680, checkpoints=[2560])
    folder = tmp_path / "run" / "checkpoints"
    assert {path.name for path in folder.iterdir()} == {"2560", "5000"}
    assert {path.name for path in (folder / "2560").iterdir()} >= {"model.safetensors", "config.json", "tokenizer.json"}
    assert weights(folder / "2560") == weights(tmp_path / "short" / "checkpoints" / "2560")
    assert len({weights(place) for place in (folder / "2560", folder / "5000", tmp_path / "run")}) == 3


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
    first, second = (batches(tiny, objective="sc+plm") for _ in range(2))
    ahead = {step: first.at(step, 0, 8)["inputs"] for step in range(10)}
    for step in (7, 2, 9):
        assert torch.equal(ahead[step], second.at(step, 0, 8)["inputs"])


def test_rows_of_a_batch_are_the_same_in_whatever_parts_it_is_made(tiny: Tiny) -> None:
    made = batches(tiny, objective="sc+plm")
    whole = made.at(3, 0, 8)
    parts = [made.at(3, first, 2) for first in (0, 2, 4, 6)]
    for key in ("inputs", "targets"):
        assert torch.equal(torch.cat([part[key] for part in parts]), whole[key])
    assert {part["global_targets"] for part in parts} == {float((whole["targets"] != IGNORE).sum())}


def test_the_learning_rate_does_not_change_which_tokens_are_seen(tiny: Tiny) -> None:
    one, two = (batches(tiny, lr=lr) for lr in (1e-3, 1e-2))
    assert torch.equal(one.at(3, 0, 8)["inputs"], two.at(3, 0, 8)["inputs"])


def test_a_source_that_is_repeated_too_often_is_named(
    tiny: Tiny, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    metrics = train(tiny, tmp_path / "run", tokens=60 * 1024, batch_tokens=1024)
    assert metrics["epochs"]["animals"] > 4
    assert "run: animals is repeated " in capsys.readouterr().out
    assert sum(metrics["tokens_by_domain"].values()) == metrics["tokens"]


@pytest.mark.parametrize(("length", "message"), [(2048, "has too little held-out text"), (16_384, "is too short")])
def test_too_little_text_is_a_users_error(tiny: Tiny, tmp_path: Path, length: int, message: str) -> None:
    with pytest.raises(UserError, match=rf'domain "\w+" {message}'):
        train(tiny, tmp_path / "run", tokens=length, batch_tokens=length, sequence_length=length)
