"""On a real Slurm: the plain command, a training on two nodes, and trainings that are stopped from outside."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.slurm.cluster import Cluster
from tests.slurm.submitted import Submitted, queue, slurm, until

pytestmark = [pytest.mark.slurm, pytest.mark.slow, pytest.mark.xdist_group("slurm")]

SPEC = """\
study: tiny
seed: 1
model: {width: 32, layers: 1, heads: 2, ffn_width: 64, context: 64}
data: {world: {people: 24, words: 20000, train_items: 32, test_items: 16}}
mixtures: {even: {facts: 1, reading: 1}}
pretrain:
  defaults: {tokens: 16k, sequence_length: 64, batch_tokens: 1024, mixture: even}
  grid: {objective: [clm, sc], lr: [3e-3, 5e-3]}
finetune: {tasks: [cbqa], seeds: [0], steps: 2}
indicators: [ppl_clm]
select: {bootstraps: 100, permutations: 100, splits: 2}
"""
LONG = SPEC.replace(
    "  grid: {objective: [clm, sc], lr: [3e-3, 5e-3]}",
    """  include:
    - {name: cancelled, objective: clm, tokens: 600k}
    - {name: preempted, objective: sc, tokens: 600k}
    - {name: idle, objective: clm, lr: 5e-3}
    - {name: idler, objective: sc, lr: 5e-3}""",
)
LOSS_TOLERANCE = 1e-5
"""Absolute, in nats: as between processes of one machine (tests/training/test_distributed.py)."""


@pytest.fixture(scope="module")
def clone(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Submitted:
    """A study run by the plain command in a clean clone."""
    project = Submitted.new(tmp_path_factory.mktemp("clone") / "project", SPEC)
    done = project.run("snakemake", "--profile", "slurm")
    assert done.code == 0, done.output
    return project


def test_the_plain_command_runs_a_study_from_a_clean_clone_and_small_jobs_share_submissions(clone: Submitted) -> None:
    assert (clone.folder / "slurm").is_symlink()
    assert (clone.folder / "results" / "tiny" / "report.html").exists()
    output = (clone.folder / "output").read_text()
    jobs = int(output.split("total ")[1].split()[0]) - 1
    submissions = output.count("has been submitted with SLURM jobid")
    shards = len(clone.jobs("shards"))
    # Tokenizer and items; four indicators; four scores; table, selection and report: a submission each.
    assert (jobs, submissions) == (1 + 1 + shards + 4 * 4 + 3, 1 + shards + 4 + 4 + 1 + 1 + 1)


def test_a_training_on_two_nodes_has_the_losses_of_one_process(clone: Submitted, tmp_path: Path) -> None:
    project = clone.copy(tmp_path / "two", SPEC + "execution: {nodes: 2}\n")
    job = min(clone.jobs("pretrain").values(), key=lambda job: str(job["label"]))
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


def test_a_training_that_is_preempted_or_cancelled_goes_on_where_it_was(clone: Submitted, tmp_path: Path) -> None:
    project = clone.copy(tmp_path / "bad", LONG + "execution: {save_seconds: 1}\n")
    assert project.run("snakemake", "--dry-run").code == 0
    jobs = {name: job for name, job in project.jobs("pretrain").items() if not name.startswith("idle")}
    # One training a node.
    process = project.start(
        "snakemake", "--profile", "slurm", "--set-resources", "pretrain:mem_mb=12000", "--",
        *(project.receipt("pretrain", job) for job in jobs.values()),
    )  # fmt: skip
    preempted = _training(project, jobs["preempted"])
    node = queue()[preempted][1]
    slurm("sbatch", "--partition=urgent", "--exclusive", f"--nodelist={node}", "--output=/dev/null", "--wrap=sleep 3")
    slurm("scancel", _training(project, jobs["cancelled"]))
    done = project.finish(process, 300)
    assert done.code == 0, done.output
    for name, job in jobs.items():
        unit = project.unit("pretrain", job)
        assert (unit["status"], unit["metrics"]["steps"]) == ("ok", 600_000 // 1024)
        assert unit["metrics"]["resumed_from_step"] > 0
        assert f"resuming {name} from step" in project.log("pretrain", job)
    # Slurm itself has put the one back into its queue; Snakemake has submitted the other again.
    assert done.output.count("has been submitted with SLURM jobid") == 3
    assert not list(project.store("pretrain").glob("*.partial"))


def _training(project: Submitted, job: dict[str, str]) -> str:
    """The number of the Slurm job that trains, once it has saved its state."""
    state = project.store("pretrain") / f"{job['id']}.partial" / "state.ckpt"
    until(state.exists)
    return next(number for number, (_, _, comment) in queue().items() if job["id"] in comment)
