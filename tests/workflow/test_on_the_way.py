"""Fine-tuning on the way and sizes for laws of scale, through the real Snakemake."""

from __future__ import annotations

import pandas as pd
import pytest

from tests.preloading.preloaded import Preloaded
from tests.workflow.project import Project, new_project

pytestmark = pytest.mark.slow

STUDY = """\
study: tiny
seed: 1
model: {width: 32, layers: 1, heads: 2, ffn_width: 64, context: 64}
data: {world: {people: 24, words: 20000, train_items: 32, test_items: 16}}
mixtures: {even: {facts: 1, reading: 1}, most: {facts: 3, reading: 1}}
pretrain:
  defaults: {tokens: 16k, sequence_length: 64, batch_tokens: 1024, checkpoints: [4k, 8k]}
  grid: {lr: [3.0e-3, 1.0e-2], mixture: [even, most]}
finetune: {tasks: [cbqa], seeds: [0], steps: 5}
indicators: [ppl_clm]
select: {bootstraps: 100, permutations: 100, splits: 2}
"""
INTERMEDIATE = ", intermediate: {variants: [lr0.01-most], checkpoints: [8k]}"


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory, preloaded: Preloaded) -> Project:
    """The study with its last checkpoints fine-tuned, and then one on the way."""
    project = new_project(tmp_path_factory.mktemp("way"), STUDY, preloaded)
    done = project.snakemake("--until", "table")
    assert done.code == 0, done.output
    return project


def test_only_what_is_asked_for_is_tuned_and_the_table_has_it(study: Project) -> None:
    study.spec.write_text(STUDY.replace("steps: 5", f"steps: 5{INTERMEDIATE}"))
    stale = [label for label in study.stale() if label not in ("compare the variants", "report")]
    assert stale == ["evaluate lr0.01-most on the way", "fine-tune lr0.01-most on the way", "table of all measurements"]
    done = study.snakemake("--until", "table")
    assert done.code == 0, done.output
    table = pd.read_parquet(study.results / "tiny" / "measurements.parquet")
    early = table[(table["kind"] == "outcome") & (table["checkpoint_tokens"] < 16_000)]
    assert early[["variant", "checkpoint_tokens", "seed", "name"]].values.tolist() == [["lr0.01-most", 8000, 0, "cbqa"]]
    items = pd.read_parquet(study.results / "tiny" / "items.parquet")
    assert set(items.loc[items["kind"] == "outcome", "checkpoint_tokens"]) == {8000, 16_000}
    assert study.stale() == ["compare the variants", "report"]
