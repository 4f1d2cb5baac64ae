"""On a real Slurm: the plain command, a training on two nodes, and trainings that are stopped from outside."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.slurm.cluster import Cluster
from tests.slurm.submitted import Submitted, queue, slurm, until

pytestmark = [pytest.mark.slurm, pytest.mark.slow]

SPEC = """\
study: tiny
seed: 1
model: {width: 32, layers: 1, heads: 2, ffn_width: 64, context: 64}
data: {world: {people: 24, words: 20000, train_items: 32, test_items: 16}}
mixtures: {even: {facts: 1, reading: 1}}
pretrain:
  defaults: {tokens: 16k, sequence_length: 64, batch_tokens: 1024, mixture: even}
  include:
    - {name: short, objective: sc}
    - {name: long, objective: clm, tokens: 400k}
finetune: {tasks: [cbqa], seeds: [0], steps: 2}
indicators: [ppl_clm]
select: {bootstraps: 100, permutations: 100, splits: 2}
measurements: [{path: others.csv, tidy: {}}]
"""
OTHERS = """\
variant,kind,name,split,family,prompt_format,value,higher_is_better,source
one,indicator,ppl_clm,held_out,,,90,false,elsewhere
two,indicator,ppl_clm,held_out,,,80,false,elsewhere
one,outcome,cbqa,test,cbqa,qa,0.1,true,elsewhere
two,outcome,cbqa,test,cbqa,qa,0.2,true,elsewhere
"""
"""Four variants are the fewest that can be compared, and each that is trained here takes four jobs."""
LOSS_TOLERANCE = 1e-5
"""Absolute, in nats: as between processes of one machine (tests/training/test_distributed.py)."""


@pytest.fixture(scope="module")
def clone(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Submitted:
    """A study run by the plain command in a clean clone."""
    project = Submitted.new(tmp_path_factory.mktemp("clone") / "project", SPEC)
    (project.folder / "specs" / "others.csv").write_text(OTHERS)
    done = project.run("snakemake", "--profile", "slurm", seconds=900)
    assert done.code == 0, done.output
    return project


def test_the_plain_command_runs_a_study_from_a_clean_clone_and_small_jobs_share_submissions(clone: Submitted) -> None:
    assert (clone.folder / "slurm").is_symlink()
    assert (clone.folder / "results" / "tiny" / "report.html").exists()
    output, shards = (clone.folder / "output").read_text(), len(clone.jobs("shards"))
    assert int(output.split("total ")[1].split()[0]) - 1 == 1 + 1 + shards + 2 * 4 + 3
    # Tokenizer and items share one; indicators; scores; table, selection and report.
    assert output.count("has been submitted with SLURM jobid") == 1 + shards + 2 + 1 + 2 + 1 + 1
    # One run at a time is seen to by a lease, here as without Slurm; nothing is left to unlock.
    assert not list((clone.folder / ".snakemake" / "locks").iterdir())


def test_a_training_on_two_nodes_has_the_losses_of_one_process(clone: Submitted, tmp_path: Path) -> None:
    project = clone.copy(tmp_path / "two", SPEC + "execution: {nodes: 2}\n")
    job = clone.jobs("pretrain")["short"]
    done = project.run("snakemake", "--profile", "slurm", project.receipt("pretrain", job))
    assert done.code == 0, done.output
    alone, together = (one.unit("pretrain", job) for one in (clone, project))
    assert together["metrics"]["layout"]["processes"] == 2
    assert together["metrics"]["order_digest"] == alone["metrics"]["order_digest"]
    ours, theirs = (
        pq.read_table(one.folder / "results" / "store" / unit["store"] / "telemetry.parquet")["loss"].to_pylist()
        for one, unit in ((clone, alone), (project, together))
    )
    assert ours == pytest.approx(theirs, abs=LOSS_TOLERANCE)


def test_a_preempted_training_goes_on_where_it_was_and_ends_with_the_same_weights(
    clone: Submitted, tmp_path: Path
) -> None:
    project = clone.copy(tmp_path / "preempted", SPEC + "execution: {save_seconds: 0.5}\n")
    job = clone.jobs("pretrain")["long"]
    process = project.start("snakemake", "--profile", "slurm", project.receipt("pretrain", job))
    try:
        number = _training(project, job)
        node = queue()[number][1]
        slurm("sbatch", "--partition=urgent", "--exclusive", f"--nodelist={node}", "--output=/dev/null", "--wrap=true")
    finally:
        done = project.finish(process, 600)
    assert done.code == 0, done.output
    # Slurm itself has put it back into its queue.
    assert done.output.count("has been submitted with SLURM jobid") == 1
    calm, disturbed = (one.unit("pretrain", job) for one in (clone, project))
    assert disturbed["metrics"]["resumed_from_step"] > 0
    assert "resuming long from step" in project.log("pretrain", job)
    assert disturbed["metrics"]["steps"] == calm["metrics"]["steps"] == 400_000 // 1024
    assert project.weights(disturbed) == clone.weights(calm)
    assert not list(project.store("pretrain").glob("*.partial"))


def _training(project: Submitted, job: dict[str, str]) -> str:
    """The number of the Slurm job that trains, once it has saved its state."""
    state = project.store("pretrain") / f"{job['id']}.partial" / "state.ckpt"
    until(state.exists, 300)
    running = (number for number, (state, _, comment) in queue().items() if state == "RUNNING" and job["id"] in comment)
    return next(running)
