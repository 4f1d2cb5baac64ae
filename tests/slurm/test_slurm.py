"""On a real Slurm: the plain command, a training on two nodes, and a bad day."""

from __future__ import annotations

import time
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
LONG = SPEC.replace("  grid: {objective: [clm, sc], lr: [3e-3, 5e-3]}", "  include:").replace(
    "  include:",
    """  include:
    - {name: cancelled, objective: clm, tokens: 600k}
    - {name: preempted, objective: sc, tokens: 600k}
    - {name: lost, objective: clm, lr: 5e-3, tokens: 600k}
    - {name: limited, objective: sc, lr: 5e-3, tokens: 3M}""",
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


def test_a_bad_day_costs_time_and_nothing_else(clone: Submitted, tmp_path: Path, cluster: Cluster) -> None:
    project = clone.copy(tmp_path / "bad", LONG)
    assert project.run("ptp", "plan", "specs/demo.yaml").code == 0
    assert project.run("snakemake", "--dry-run").code == 0
    jobs = project.jobs("pretrain")
    # One training a node.
    process = project.start(
        "snakemake", "--profile", "slurm", "--set-resources", "pretrain:mem_mb=12000", "--",
        *(project.receipt("pretrain", job) for job in jobs.values()),
    )  # fmt: skip
    happened = {
        name: _befall(name, _running(project, jobs[name]), cluster)
        for name in ("lost", "limited", "preempted", "cancelled")
    }
    done = project.finish(process, 400)
    assert done.code == 0, done.output
    for name, job in jobs.items():
        unit = project.unit("pretrain", job)
        assert unit["status"] == "ok"
        assert unit["metrics"]["resumed_from_step"] > 0, name
        assert f"resuming {name} from step" in project.log("pretrain", job)
        receipt = project.folder / project.receipt("pretrain", job)
        print(
            f"{name}: went on from step {unit['metrics']['resumed_from_step']} of {unit['metrics']['steps']}, "
            f"result {receipt.stat().st_mtime - happened[name]:.0f} s after it happened"
        )
    assert not list(project.store("pretrain").glob("*.partial"))


def _running(project: Submitted, job: dict[str, str]) -> str:
    """The number of the Slurm job that trains, once it has saved its state."""
    state = project.store("pretrain") / f"{job['id']}.partial" / "state.ckpt"
    until(state.exists)
    return next(number for number, (_, _, comment) in queue().items() if job["id"] in comment)


def _befall(what: str, number: str, cluster: Cluster) -> float:
    """Let something happen to a running job; returns when it did."""
    node = queue()[number][1]
    match what:
        case "cancelled":
            slurm("scancel", number)
        case "limited":
            # Slurm warns two minutes before, so now.
            slurm("scontrol", "update", f"JobId={number}", "TimeLimit=2")
        case "preempted":
            slurm("sbatch", "--partition=urgent", "--exclusive", f"--nodelist={node}", "--output=/dev/null",
                  "--wrap=sleep 3")  # fmt: skip
        case "lost":
            cluster.lose(node, number)
    return time.time()
