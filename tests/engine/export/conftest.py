"""A small finished study, made in this process: no Snakemake, no command starts once a job."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from ptp_core.engine.commands import run_job_file
from ptp_core.engine.workflow import prepare

SPEC = """\
study: small
seed: 1
model: {width: 32, layers: 1, heads: 2, ffn_width: 64, context: 64}
data: {world: {people: 24, words: 6000, train_items: 16, test_items: 16}}
mixtures: {even: {facts: 1, reading: 1}, most: {facts: 4, reading: 1}}
pretrain:
  defaults: {tokens: 16k, sequence_length: 64, batch_tokens: 1024, lr: 3e-3, patience: 2}
  grid: {objective: [clm, sc], mixture: [even, most]}
  include:
    - {name: hot, objective: clm, mixture: even, lr: 5e-3}
    - {name: lost, objective: clm, mixture: even, lr: 4e-3, loss_bound: 0.001}
finetune: {tasks: [cbqa], seeds: [0, 1], steps: 2}
indicators: [ppl_clm, kshot_cbqa]
select: {bootstraps: 100, permutations: 100, splits: 2}
"""


@dataclass(frozen=True)
class Small:
    """A spec and its results."""

    folder: Path

    @property
    def spec(self) -> Path:
        return self.folder / "small.yaml"

    @property
    def results(self) -> Path:
        return self.folder / "results"

    @property
    def store(self) -> Path:
        return self.results / "store"


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Small:
    """The study with all its results. Tests that change anything take a copy."""
    return finish(tmp_path_factory.mktemp("small"), SPEC)


def finish(folder: Path, spec: str) -> Small:
    """Run a study in a folder to its end."""
    small = Small(folder)
    small.spec.write_text(spec)
    workflow = prepare(small.spec, small.results)
    for job in workflow.graph.jobs:
        run_job_file(workflow.folders.job(job.stage, job.id), small.results)
    for stage, job in workflow.summaries.items():
        run_job_file(workflow.folders.job(stage, job["id"]), small.results)
    return small


@pytest.fixture
def small(finished: Small, tmp_path: Path) -> Small:
    """A copy to change."""
    return Small(Path(shutil.copytree(finished.folder, tmp_path / "small", copy_function=shutil.copy2)))
