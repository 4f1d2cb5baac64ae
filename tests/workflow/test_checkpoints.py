"""Existing checkpoints beside pre-trained variants, through the real Snakemake."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest

from ptp_core.data import world
from ptp_core.spec.world import World
from tests import foreign
from tests.preloading.preloaded import Preloaded
from tests.workflow.project import Project, new_project

pytestmark = pytest.mark.slow

MIXED = """\
study: mixed
seed: 1
model: {width: 32, layers: 1, heads: 2, ffn_width: 64, context: 64}
data: {world: {people: 24, words: 20000, train_items: 32, test_items: 16}}
pretrain:
  defaults: {tokens: 32k, sequence_length: 64, batch_tokens: 1024}
  grid: {lr: [3.0e-3, 1.0e-2]}
checkpoints:
  - {name: neox-a, path: "${MODELS}/a", tokens: 5M, config: {step: 100}}
  - {name: neox-b, path: "${MODELS}/b", tokens: 9M, config: {step: 200}}
finetune:
  {tasks: [cbqa], seeds: [0, 1], epochs: 2, batch_items: 8, items: 24, validation_share: 0.25, prompt_format: default,
   method: lora, lora: {rank: 4}}
indicators: [ppl_clm, kshot_cbqa]
select: {bootstraps: 100, permutations: 100, splits: 2}
"""


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory, preloaded: Preloaded) -> Project:
    project = new_project(tmp_path_factory.mktemp("mixed"), MIXED.replace("${MODELS}", "models"), preloaded)
    small = World(people=24, words=2000, train_items=32, test_items=16)
    texts = list(world.documents(small, "facts", split="train"))
    for seed, name in enumerate("ab"):
        foreign.save(project.folder / "models" / name, texts, seed)
    return project


def test_checkpoints_are_compared_with_variants_and_nothing_is_done_twice(mixed: Project) -> None:
    done = mixed.snakemake()
    assert done.code == 0, done.output
    table = pd.read_parquet(mixed.results / "mixed" / "measurements.parquet")
    assert set(table.variant) == {"lr0.003", "lr0.01", "neox-a", "neox-b"}
    outcomes = table[table.kind == "outcome"]
    assert len(outcomes) == 8
    assert set(outcomes.prompt_format) == {"default"}
    of_a = table[table.variant == "neox-a"]
    assert set(of_a.checkpoint_tokens) == {5_000_000}
    assert set(of_a[of_a.kind == "indicator"].name) == {"ppl_clm", "kshot_cbqa"}
    assert of_a[(of_a.kind == "config") & (of_a.name == "step")].value.tolist() == [100.0]
    # One tokenizer, so one copy of the text in its tokens beside that of the study's own.
    stages = {path.name: len(list(path.iterdir())) for path in (mixed.results / "store").iterdir() if path.is_dir()}
    assert (stages["import"], stages["import_tokenizer"], stages["shards"]) == (2, 1, 8)
    tuned = json.loads(next((mixed.results / "store" / "finetune").glob("*/receipt.json")).read_text())["metrics"]
    assert (tuned["items"], tuned["validation_items"]) == (18, 6)
    assert mixed.stale() == []
    _what_stays_and_what_does_not(mixed)


def _what_stays_and_what_does_not(mixed: Project) -> None:
    shutil.move(mixed.folder / "models", mixed.folder / "elsewhere")
    mixed.spec.write_text(MIXED.replace("${MODELS}", "elsewhere"))
    assert not [job for job in mixed.stale() if "import" in job or "fine-tune" in job], "a path is not identity"
    config = mixed.folder / "elsewhere" / "a" / "config.json"
    config.write_text(config.read_text().replace("{", '{"note": 1,', 1))
    assert [job for job in mixed.stale() if job.startswith(("import", "fine-tune"))] == [
        "fine-tune neox-a", "import neox-a",
    ]  # fmt: skip


def test_a_checkpoint_that_cannot_be_measured_is_said_before_anything_runs(mixed: Project, tmp_path: Path) -> None:
    text = mixed.spec.read_text().replace("ppl_clm", "ppl_sc")
    (mixed.folder / "bad.yaml").write_text(text)
    said = mixed.ptp("check", "bad.yaml")
    assert said.code == 2
    assert "has no sentinels" in said.output
