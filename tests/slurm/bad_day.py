"""What docs/reliability.md says of a cluster: things that happen to trainings, and what each costs.

    python -m tests.slurm.bad_day EVENT [EVENT …]      limited, preempted, cancelled, lost, controller, snakemake

Each event has a training of its own on a node of its own. Prints where each went on, how long after the event its
receipt was there, and whether its weights are those of an undisturbed training in one process without Slurm.
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import time
from pathlib import Path

from tests.slurm.cluster import Cluster
from tests.slurm.submitted import Submitted, queue, slurm, until

TOKENS = "2M"
SPEC = f"""\
study: tiny
seed: 1
model: {{width: 32, layers: 1, heads: 2, ffn_width: 64, context: 64}}
data: {{world: {{people: 24, words: 20000, train_items: 32, test_items: 16}}}}
mixtures: {{even: {{facts: 1, reading: 1}}}}
pretrain:
  defaults: {{tokens: {TOKENS}, sequence_length: 64, batch_tokens: 1024, mixture: even, objective: clm}}
  include:
    - {{name: limited}}
    - {{name: preempted, objective: sc}}
    - {{name: cancelled, lr: 4e-3}}
    - {{name: lost, lr: 5e-3}}
    - {{name: controller, lr: 6e-3}}
    - {{name: snakemake, lr: 7e-3}}
finetune: {{tasks: [cbqa], seeds: [0], steps: 2}}
indicators: [ppl_clm]
execution: {{save_seconds: 1}}
"""
AWAY_SECONDS = 60
"""So long no controller answers."""


def befall(event: str, number: str, cluster: Cluster) -> None:
    """Let something happen to a running job."""
    node = queue()[number][1]
    match event:
        case "limited":
            # Slurm warns two minutes before the limit, so at its next look at limits: it looks twice a minute.
            slurm("scontrol", "update", f"JobId={number}", "TimeLimit=2")
        case "preempted":
            slurm("sbatch", "--partition=urgent", "--exclusive", f"--nodelist={node}", "--output=/dev/null",
                  "--wrap=true")  # fmt: skip
        case "cancelled":
            slurm("scancel", number)
        case "lost":
            lose(cluster, node, number)
        case "controller":
            kill(cluster, "slurmctld")
            time.sleep(AWAY_SECONDS)
            cluster.start_controller()
        case _:
            sys.exit(__doc__)


def kill(cluster: Cluster, daemon: str) -> None:
    """SIGKILL for ``slurmctld`` or ``slurmd.<node>``."""
    os.kill(int((cluster.folder / f"{daemon}.pid").read_text()), signal.SIGKILL)


def lose(cluster: Cluster, node: str, job: str) -> None:
    """Let a node die with the job that runs on it: its daemon and every process at once."""
    kill(cluster, f"slurmd.{node}")
    for process in Path("/proc").glob("[0-9]*"):
        try:
            steps = (process / "cmdline").read_bytes().startswith(f"slurmstepd: [{job}.".encode())
            inside = f"SLURM_JOB_ID={job}".encode() in (process / "environ").read_bytes().split(b"\0")
        except OSError:
            continue
        if steps or inside:
            os.kill(int(process.name), signal.SIGKILL)


def day(cluster: Cluster, folder: Path, events: list[str]) -> None:
    """Let all events happen, one after the other, and print what came of them."""
    calm, project = (Submitted.new(folder / name, SPEC) for name in ("calm", "bad"))
    for each in (calm, project):
        assert each.run("snakemake", "--dry-run").code == 0
    jobs = {event: project.jobs("pretrain")[event] for event in events}
    receipts = {event: project.receipt("pretrain", job) for event, job in jobs.items()}
    # One training a node.
    ours = ["--profile", "slurm", "--set-resources", "pretrain:mem_mb=12000", "--"]
    process = project.start("snakemake", *ours, *receipts.values())
    happened = {}
    for event, job in jobs.items():
        state = project.store("pretrain") / f"{job['id']}.partial" / "state.ckpt"
        until(state.exists)
        running = (n for n, (state, _, comment) in queue().items() if state == "RUNNING" and job["id"] in comment)
        number = next(running)
        say(event, "happens to job", number)
        happened[event] = time.time()
        if event == "snakemake":
            # Its jobs go on without it; the next run submits them once more, and they must not train twice.
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            process = project.start("snakemake", *ours, *receipts.values())
        else:
            befall(event, number, cluster)
    done = project.finish(process, 500)
    say("Snakemake ended with code", done.code)
    print(slurm("squeue", "--states=all", "-o", "%i %T %S %M %N %k"))
    assert calm.run("snakemake", "--", *receipts.values()).code == 0
    for event, job in jobs.items():
        unit, twin = project.unit("pretrain", job), calm.unit("pretrain", job)
        after = (project.folder / receipts[event]).stat().st_mtime - happened[event]
        say(
            f"{event}: went on from step {unit['metrics'].get('resumed_from_step')} of {unit['metrics']['steps']},",
            f"receipt after {after:.0f} s, same weights: {project.weights(unit) == calm.weights(twin)}",
        )


def say(*words: object) -> None:
    print(time.strftime("%H:%M:%S"), f"(load {os.getloadavg()[0]:.0f})", *words, flush=True)


if __name__ == "__main__":
    somewhere = Path(tempfile.mkdtemp(prefix="ptp-bad-day-"))
    virtual = Cluster(somewhere / "slurm")
    try:
        virtual.up()
        day(virtual, somewhere, sys.argv[1:])
    finally:
        virtual.down()
