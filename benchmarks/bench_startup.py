"""From the start of ``ptp job`` to the end of the first training step, in a fresh process on one core, files cached."""

from __future__ import annotations

import importlib
import itertools
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

SPEC = """\
study: startup
seed: 1
model: {preset: nano}
data: {world: {words: 20000}, tokenizer: {vocabulary: 512}}
mixtures: {even: {facts: 1, stories: 1}}
pretrain:
  defaults: {tokens: 20k, mixture: even}
  grid: {objective: [clm, sc, plm, sc+clm]}
finetune: {tasks: [cms]}
indicators: [ppl_clm]
"""
GOAL_SECONDS, ROUNDS, PACKAGES = 12.0, 3, 10
MARK = "startup marks "


def prepared(folder: Path) -> tuple[Path, Path]:
    """(job file of a pre-training whose tokens are made, folder of results)."""
    from ptp_core.engine.commands import run_job_file
    from ptp_core.engine.workflow import prepare

    (folder / "startup.yaml").write_text(SPEC)
    planned = prepare(folder / "startup.yaml", folder / "results")
    for job in planned.graph.jobs:
        if job.stage in ("tokenizer", "shards"):
            run_job_file(planned.folders.job(job.stage, job.id), planned.folders.results)
    first = next(job for job in planned.graph.jobs if job.stage == "pretrain")
    return planned.folders.job("pretrain", first.id), planned.folders.results


def job(arguments: list[str]) -> None:
    """What ``python -m ptp_core job`` does, with a mark wherever a part of it ends; leaves after the first step."""
    marks: list[tuple[str, float, float]] = []

    def mark(part: str) -> None:
        marks.append((part, time.time(), time.process_time()))

    def marked(module: Any, name: str, before: str = "", after: str = "") -> None:
        inner: Callable[..., Any] = getattr(module, name)

        def outer(*given: Any, **named: Any) -> Any:
            if before:
                mark(before)
            made = inner(*given, **named)
            if after:
                mark(after)
            return made

        setattr(module, name, outer)

    def leave(*_all: Any) -> None:
        mark("the first step")
        print(MARK + json.dumps(marks), flush=True)
        os._exit(0)

    from ptp_core import cli
    from ptp_core.engine import commands, runner

    def stage_is_imported(stage: Any) -> Any:
        mark("Python, the command, the job file")
        pretrain = importlib.import_module("ptp_core.training.pretrain")
        mark("import of torch, Lightning and our training")
        from ptp_core.training import callbacks, fit, run

        marked(pretrain, "new_model", after="import of the model, its weights")
        marked(run, "fit", before="batches, held-out rows, saved state")
        marked(fit.Bookkeeping, "on_train_batch_start", before="trainer, first held-out loss, first batch")
        callbacks.ShowProgress.after_step = leave  # type: ignore[method-assign]
        return pretrain.run

    runner._entry = stage_is_imported
    assert commands.run_job is runner.run_job
    cli.main(["job", *arguments])


def start(job_file: Path, results: Path, *options: str) -> tuple[list[tuple[str, float, float]], str]:
    """(part, wall-clock seconds, CPU seconds) of one run, and what it said on stderr."""
    command = [sys.executable, *options, __file__, str(job_file), "--results", str(results)]
    core = min(os.sched_getaffinity(0))
    began = time.time()
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, preexec_fn=lambda: os.sched_setaffinity(0, {core})
    )
    line = next(line for line in done.stdout.splitlines() if line.startswith(MARK))
    marks = [("start", began, 0.0), *json.loads(line.removeprefix(MARK))]
    parts = [(b[0], b[1] - a[1], b[2] - a[2]) for a, b in itertools.pairwise(marks)]
    return parts, done.stderr


def imports(said: str) -> Counter[str]:
    """Package → seconds inside its own modules, from the output of ``-X importtime``."""
    seconds: Counter[str] = Counter()
    for own, name in re.findall(r"^import time:\s+(\d+) \|\s+\d+ \|\s+(\S+)$", said, re.MULTILINE):
        seconds[name.split(".")[0]] += int(own) / 1e6
    return seconds


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        job_file, results = prepared(Path(name))
        # The first one only warms the cache of files.
        runs = [start(job_file, results)[0] for _ in range(ROUNDS + 1)][1:]
        packages = imports(start(job_file, results, "-X", "importtime")[1])
    best = min(runs, key=lambda parts: sum(wall for _, wall, _ in parts))
    total = sum(wall for _, wall, _ in best)
    print(f"\nBest of {ROUNDS} runs on one core.\n\n| part | seconds | CPU seconds |\n|---|---|---|")
    for part, wall, cpu in best:
        print(f"| {part} | {wall:.2f} | {cpu:.2f} |")
    met = "yes" if total <= GOAL_SECONDS else "NO"
    print(f"| all, ≤ {GOAL_SECONDS:g} s: {met} | {total:.2f} | {sum(cpu for _, _, cpu in best):.2f} |")
    listed = ", ".join(f"{package} {seconds:.2f}" for package, seconds in packages.most_common(PACKAGES))
    print(f"\nOf the imports (seconds inside a package's own modules, {sum(packages.values()):.1f} in all): {listed}.")


if __name__ == "__main__":
    job(sys.argv[1:]) if len(sys.argv) > 1 else main()
