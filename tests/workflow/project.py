"""A copy of the project with a tiny study in it, driven through the real Snakemake."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

REPOSITORY = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
PARTS = ("Snakefile", "rules", "profiles", "slurm", "envs", "ptp_core")

TINY = """\
study: tiny
seed: 1
model: {width: 32, layers: 1, heads: 2, ffn_width: 64, context: 64}
data: {world: {people: 24, words: 20000, train_items: 32, test_items: 16}}
mixtures:
  even: {facts: 1, reading: 1, stories: 1, code: 1}
  most: {facts: 4, reading: 2, stories: 1, code: 1}
pretrain:
  defaults: {tokens: 32k, sequence_length: 64, batch_tokens: 1024, lr: 3e-3}
  grid: {objective: [clm, sc], mixture: [even, most]}
  include:
    - {name: hot, objective: clm, mixture: even, lr: 5e-3}
finetune: {tasks: [cbqa], seeds: [0, 1], steps: 5}
indicators: [ppl_clm, kshot_cbqa]
select: {bootstraps: 100, permutations: 100, splits: 2}
"""


def new_project(folder: Path, spec: str) -> Project:
    """A copy of the project in an empty folder, with a spec in it."""
    project = Project(folder)
    for part in PARTS:
        source, target = REPOSITORY / part, folder / part
        if source.is_dir() and not source.is_symlink():
            shutil.copytree(source, target, symlinks=True)
        else:
            shutil.copy2(source, target, follow_symlinks=False)
    project.spec.write_text(spec)
    return project


class Finished(NamedTuple):
    """Exit code and output of a finished process."""

    code: int
    output: str


@dataclass(frozen=True)
class Project:
    """A copy of the project with a spec in it."""

    folder: Path

    @property
    def spec(self) -> Path:
        return self.folder / "tiny.yaml"

    @property
    def results(self) -> Path:
        return self.folder / "results"

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start Snakemake on the tiny study, in a process group of its own."""
        return self._start(str(BIN / "snakemake"), "--config", "study=tiny.yaml", *arguments)

    def ptp(self, *arguments: str) -> Finished:
        """Run a command of ptp to its end."""
        process = self._start(str(BIN / "ptp"), *arguments)
        output, _ = process.communicate(timeout=60)
        return Finished(process.returncode, output)

    def _start(self, *command: str) -> subprocess.Popen[str]:
        # The copy's own package, not the one that is installed.
        environment = os.environ | {"PYTHONPATH": str(self.folder), "PYTHONDONTWRITEBYTECODE": "1"}
        return subprocess.Popen(
            command, cwd=self.folder, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            start_new_session=True,
        )  # fmt: skip

    def snakemake(self, *arguments: str) -> Finished:
        """Run Snakemake on the tiny study to its end."""
        process = self.start(*arguments)
        output, _ = process.communicate(timeout=1200)
        return Finished(process.returncode, output)

    def stale(self) -> list[str]:
        """What Snakemake would run now, by stage and label, sorted."""
        done = self.snakemake("--dry-run")
        assert done.code == 0, done.output
        return sorted(re.findall(r"^Job \d+: (.*)$", done.output, re.MULTILINE))
