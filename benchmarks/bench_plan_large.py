"""Planning 1,000 variants of ten jobs each: ``ptp plan``, job files, and ``snakemake -n`` beside a plain workflow.

The plain workflow has the same jobs with the same files, of which each waits for the same others, and knows nothing of
studies; both are timed in turns, as whole processes, on empty and on finished results. Other processes of the machine
slow down both, so that seconds of processor time are given too. ``--variants 100`` is a quick look.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from ptp_core.engine.jobfiles import write_jobs
from ptp_core.engine.workflow import Workflow, plan, prepare
from ptp_core.identity.receipts import RECEIPT

ROOT = Path(__file__).parents[1]
PLAN_SECONDS, WRITE_SECONDS, SHARE = 5.0, 3.0, 1.3


class Seconds(NamedTuple):
    """Of a process with its children: on the clock, and of the processor."""

    wall: float
    cpu: float


def spec_text(variants: int) -> str:
    """A training, three branches, a fine-tuning and a scoring each, and the measurements of all five models."""
    return f"""\
study: large
model: {{preset: nano}}
data: {{world: {{}}}}
mixtures: {{even: {{facts: 1, reading: 1, stories: 1, code: 1}}, factual: {{facts: 4, reading: 1}}}}
finetune: {{tasks: [cms], seeds: [0, 1]}}
indicators: [ppl_clm, ppl_sc, kshot_cms]
pretrain:
  defaults: {{tokens: 2.4M, checkpoints: [0.6M, 1.2M, 1.8M], anneal: true}}
  grid:
    objective: [clm, plm, sc, sc+clm, "sc(0.5,8)"]
    mixture: [even, factual]
    lr: [1e-3, 3e-3]
    seed: {list(range(variants // 20))}
"""


PLAIN = """\
import json
JOBS = json.load(open("jobs.json"))
rule all:
    default_target: True
    input: JOBS["last"]
"""
PLAIN_RULE = """
rule {stage}:
    input:
        job=ancient("plain/jobs/{stage}/{{id}}.json"),
        parents=lambda w: [ancient(path) for path in JOBS["parents"]["{stage}/" + w.id]]
    output: {outputs}
    log: "plain/logs/{stage}/{{id}}.log"
    benchmark: "plain/benchmarks/{stage}/{{id}}.tsv"
    resources: mem_mb=2000, runtime=60
    params: label=lambda w: JOBS["labels"]["{stage}/" + w.id]
    message: "{stage} {{params.label}}"
    shell: "run {{input.job:q}} > {{log:q}} 2>&1"
"""


def write_plain(folder: Path, workflow: Workflow) -> None:
    """A workflow of the same jobs, without anything of this project."""
    mine, home = str(workflow.folders.home), "plain"
    parents = {f"{job.stage}/{job.id}": workflow.parent_receipts(job.stage, job.id) for job in workflow.graph.jobs}
    labels = {f"{job.stage}/{job.id}": job.label for job in workflow.graph.jobs}
    every = workflow.receipts(*{job.stage for job in workflow.graph.jobs})
    needed = {
        "table": workflow.receipts("indicators", "evaluate"),
        "select": workflow.summary_receipts("table"),
        "report": [*workflow.summary_receipts("table", "select"), *every],
    }
    for stage, content in workflow.summaries.items():
        parents[f"{stage}/{content['id']}"], labels[f"{stage}/{content['id']}"] = needed[stage], stage
    moved = {key: [path.replace(mine, home, 1) for path in paths] for key, paths in parents.items()}
    last = [path.replace(mine, home, 1) for path in workflow.summary_receipts("report")]
    (folder / "jobs.json").write_text(json.dumps({"parents": moved, "labels": labels, "last": last}))
    rules = ""
    for stage in dict.fromkeys(key.split("/")[0] for key in parents):
        outputs = [f'"plain/receipts/{stage}/{{id}}.json"']
        outputs += [f'"plain/receipts/{stage}/{{id}}.{page}"' for page in workflow.pages.values() if stage == "report"]
        rules += PLAIN_RULE.format(stage=stage, outputs=", ".join(outputs))
    (folder / "Snakefile.plain").write_text(PLAIN + rules)
    shutil.copytree(folder / mine / "jobs", folder / "plain" / "jobs")


def timed(folder: Path, *command: str) -> Seconds:
    """Run a command to its end, which must be a good one."""
    environment = os.environ | {"PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1"}
    # As people have it: Python keeps compiled modules, and we keep digests of closures beside them.
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    began, before = time.perf_counter(), os.times()
    log = folder / "log.txt"
    with log.open("w") as stream:
        process = os.posix_spawn(
            command[0], command, environment,
            file_actions=[(os.POSIX_SPAWN_DUP2, stream.fileno(), 1), (os.POSIX_SPAWN_DUP2, stream.fileno(), 2)],
        )  # fmt: skip
        _, status = os.waitpid(process, 0)
    assert status == 0, log.read_text()[-3000:]
    after = os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return Seconds(time.perf_counter() - began, cpu)


def show(what: str, runs: list[Seconds], goal: str = "") -> None:
    walls, cpus = [run.wall for run in runs], [run.cpu for run in runs]
    print(f"{what:<52}{statistics.median(walls):>8.2f} s{statistics.median(cpus):>9.2f} s of cpu   {goal}", flush=True)


def judged(value: float, limit: float, unit: str = " s") -> str:
    return f"goal <= {limit:g}{unit}: {'yes' if value <= limit else 'NO'}"


def bench_job_files() -> Workflow:
    workflow = plan(Path("large.yaml"), Path("results"))
    jobs = len(workflow.graph.jobs)
    for what, goal in ((f"write {jobs:,} job files", jobs), ("write them again, nothing changed", 0)):
        began, cpu = time.perf_counter(), time.process_time()
        written = write_jobs(workflow.graph, workflow.folders, workflow.study.spec.execution)
        took = Seconds(time.perf_counter() - began, time.process_time() - cpu)
        assert written == goal
        show(what, [took], judged(took.wall, WRITE_SECONDS) + f", {written:,} written")
    return prepare(Path("large.yaml"), Path("results"))


def bench_plan(folder: Path, runs: int) -> None:
    command = (sys.executable, "-m", "ptp_core", "plan", "large.yaml")
    for what in ("ptp plan, nothing there yet", "ptp plan again"):
        found = []
        for _ in range(runs):
            if what.endswith("yet"):
                shutil.rmtree(folder / "results", ignore_errors=True)
            found.append(timed(folder, *command))
        show(what, found, judged(statistics.median(run.wall for run in found), PLAN_SECONDS))


def bench_causes(folder: Path, runs: int, workflow: Workflow) -> None:
    """The price and the cause of all jobs, after a run, when one field has another value for every variant."""
    receipts = [Path(path) for path in workflow.receipts(*{job.stage for job in workflow.graph.jobs})]
    results = [workflow.folders.store / unit.place / RECEIPT for job in workflow.graph.jobs for unit in job.units]
    for path in [*receipts, *results]:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("{}")
    spec = folder / "changed.yaml"
    spec.write_text((folder / "large.yaml").read_text().replace("tokens: 2.4M", "tokens: 2.6M"))
    found = [timed(folder, sys.executable, "-m", "ptp_core", "plan", spec.name) for _ in range(runs)]
    assert "tokens: 2,400,000 → 2,600,000" in (folder / "log.txt").read_text()
    show(
        f"ptp plan, all {len(workflow.graph.jobs):,} jobs stale by one field",
        found,
        judged(statistics.median(run.wall for run in found), PLAN_SECONDS),
    )
    for path in [workflow.folders.store, workflow.folders.home / "receipts"]:
        shutil.rmtree(path)


def bench_snakemake(folder: Path, runs: int) -> None:
    base = (
        str(Path(sys.executable).parent / "snakemake"),
        "-n",
        "--quiet",
        "all",
        "--profile",
        str(ROOT / "profiles/default"),
    )
    base = (*base, "--directory", str(folder))
    ours = (*base, "-s", str(ROOT / "Snakefile"), "--config", "study=large.yaml")
    plain = (*base, "-s", "Snakefile.plain")
    found: dict[str, list[Seconds]] = {"plain": [], "ours": []}
    for _ in range(runs):
        found["plain"].append(timed(folder, *plain))
        found["ours"].append(timed(folder, *ours))
    show("snakemake -n, plain workflow", found["plain"])
    walls, cpus = ([statistics.median(run[i] for run in found[key]) for key in ("ours", "plain")] for i in (0, 1))
    share = walls[0] / walls[1]
    show(
        "snakemake -n, this project",
        found["ours"],
        f"{judged(share, SHARE, ' x')}, {share:.2f} x ({cpus[0] / cpus[1]:.2f} x of cpu)",
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--variants", type=int, default=1000)
    parser.add_argument("--runs", type=int, default=3)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "large.yaml").write_text(spec_text(asked.variants))
        os.chdir(folder)
        bench_plan(folder, asked.runs)
        workflow = bench_job_files()
        bench_causes(folder, asked.runs, workflow)
        write_plain(folder, workflow)
        bench_snakemake(folder, asked.runs)


if __name__ == "__main__":
    main()
