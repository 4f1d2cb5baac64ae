"""All seven objectives of Zeng et al. 2025 train the demo's model on the demo's world."""

from __future__ import annotations

import math
from pathlib import Path

import pandas as pd
import pytest

from ptp_core.data import build_shards, build_tokenizer
from ptp_core.spec.model import Model
from ptp_core.spec.objective import normalise
from ptp_core.training import pretrain
from tests import tiny as tiny_study

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("objectives")]

WORLD = {"words": 30_000, "train_items": 8, "test_items": 8}
DOMAINS = ("facts", "reading", "stories", "code")
STEPS = 60


@pytest.fixture(scope="module")
def parents(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("world")
    tiny_study.make(build_tokenizer.run, folder / "tokenizer", {"world": WORLD})
    found = {"tokenizer": folder / "tokenizer"}
    for domain in DOMAINS:
        tiny_study.make(build_shards.run, folder / domain, {"domain": domain, "world": WORLD}, dict(found))
    return found | {f"shards/{domain}": folder / domain for domain in DOMAINS}


@pytest.mark.parametrize("objective", ["clm", "sc", "plm", "sc+clm", "ul2", "ul2r", "ul2r+clm"])
def test_an_objective_of_the_paper_trains_the_demos_model(
    parents: dict[str, Path], tmp_path: Path, objective: str
) -> None:
    recipe = {"objective": normalise(objective), "tokens": STEPS * 2048, "batch_tokens": 2048, "lr": 4e-3, "seed": 7}
    settings = {
        "recipe": recipe,
        "model": Model.model_validate({"preset": "nano"}).model_dump(),
        "weights": dict.fromkeys(DOMAINS, 0.25),
    }
    metrics = tiny_study.make(pretrain.run, tmp_path / "run", settings, parents)
    guessing = math.log(metrics["vocabulary"])
    assert metrics["held_out_loss_at_start"] == pytest.approx(guessing, abs=0.4)
    assert metrics["held_out_loss"] < 0.75 * guessing
    losses = pd.read_parquet(tmp_path / "run" / "telemetry.parquet")["loss"]
    assert losses[-10:].mean() < losses[:10].mean() - 1
