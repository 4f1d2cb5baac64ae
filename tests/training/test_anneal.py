"""A branch goes on where its run was, and lets the rate fall to nothing."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from ptp_core.spec.pretrain import Recipe
from ptp_core.training import anneal, pretrain
from ptp_core.training.optimisation import optimisation_of
from ptp_core.work import Metrics
from tests import tiny as tiny_study
from tests.tiny import Tiny, pretraining

AT = 30 * 256
RECIPE = {"checkpoints": [AT], "anneal": True, "anneal_share": 0.5, "schedule": "constant"}


@pytest.fixture(scope="module")
def trunk(tiny: Tiny, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trunk") / "run"
    tiny_study.make(pretrain.run, folder, pretraining(**RECIPE), {"tokenizer": tiny.tokenizer} | tiny.shards)
    return folder


def branch(tiny: Tiny, trunk: Path, folder: Path) -> Metrics:
    settings = {"run": pretraining(**RECIPE), "tokens": AT}
    parents = {"checkpoint": trunk / "checkpoints" / str(AT), "tokenizer": tiny.tokenizer} | tiny.shards
    return tiny_study.make(anneal.run, folder, settings, parents)


def test_a_branch_begins_as_its_run_went_on_and_ends_lower(tiny: Tiny, trunk: Path, tmp_path: Path) -> None:
    metrics = branch(tiny, trunk, tmp_path / "branch")
    run = pd.read_parquet(trunk / "telemetry.parquet").set_index("step")
    own = pd.read_parquet(tmp_path / "branch" / "telemetry.parquet").set_index("step")
    assert list(own.index) == list(range(31, 46))
    # Same weights, same moments, same batch, same rate: the first two steps are those of the run itself.
    assert list(own["loss"][:2]) == pytest.approx(list(run["loss"][30:32]), abs=1e-6)
    assert own["grad_norm"][31] == pytest.approx(run["grad_norm"][31], rel=1e-5)
    assert own["lr"].iloc[0] == run["lr"][31] == 1e-2
    assert own["lr"].iloc[-1] == pytest.approx(1e-2 / 15)
    held_out = pd.read_csv(trunk / "held_out.csv").set_index("step")["loss"]
    assert metrics["held_out_loss_at_start"] == pytest.approx(held_out[30], abs=1e-5)
    assert metrics["held_out_loss"] < metrics["held_out_loss_at_start"]
    assert metrics["steps"] == 45
    assert metrics["tokens"] == 45 * 256
    assert (tmp_path / "branch" / "model.safetensors").exists()


def test_the_rate_falls_from_where_the_schedule_was() -> None:
    recipe = Recipe(tokens=100 * 2048, lr=1e-2, schedule="cosine", anneal_share=0.2, seed=0)
    plan, trunk = anneal.branch(recipe, 50), optimisation_of(recipe)
    assert plan.steps == 60
    assert plan.lr * plan.lr_share(50) == pytest.approx(trunk.lr * trunk.lr_share(50))
    assert plan.lr_share(55) == pytest.approx(0.5)
    assert plan.lr_share(59) == pytest.approx(0.1)


def test_without_a_branch_the_optimiser_is_not_kept(tiny: Tiny, tmp_path: Path) -> None:
    recipe = pretraining(**RECIPE | {"anneal": False})
    tiny_study.make(pretrain.run, tmp_path / "run", recipe, {"tokenizer": tiny.tokenizer} | tiny.shards)
    assert not list((tmp_path / "run").rglob("moments.safetensors"))
