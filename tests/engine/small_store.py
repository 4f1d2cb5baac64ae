"""A tiny study, made without Snakemake in one process: a real store for tests that only look at one."""

from __future__ import annotations

from pathlib import Path

from ptp_core.engine.commands import run_job_file
from ptp_core.engine.workflow import prepare

SPEC = """\
study: tiny
seed: 1
model: {width: 32, layers: 1, heads: 2, ffn_width: 64, context: 64}
data: {world: {people: 24, words: 8000, train_items: 32, test_items: 16}}
mixtures: {even: {facts: 1, reading: 1, stories: 1, code: 1}}
pretrain:
  defaults: {tokens: 8k, sequence_length: 64, batch_tokens: 1024, lr: 3e-3}
  grid: {objective: [clm, plm, sc, sc+clm], mixture: [even]}
finetune: {tasks: [cms], seeds: [0], steps: 2}
indicators: [ppl_clm, kshot_cms]
select: {bootstraps: 100, permutations: 100, splits: 2}
"""


def make_study(folder: Path) -> None:
    """Write ``tiny.yaml`` into a folder and make all of its jobs, beside it in ``results``; some 20 seconds."""
    spec, results = folder / "tiny.yaml", folder / "results"
    spec.write_text(SPEC)
    workflow = prepare(spec, results)
    for job in workflow.graph.jobs:
        run_job_file(workflow.folders.job(job.stage, job.id), results)
    for stage, job_file in workflow.summaries.items():
        run_job_file(workflow.folders.job(stage, job_file["id"]), results)
