"""A copy of the project with a tiny study in it, driven through the real Snakemake."""

from __future__ import annotations

import compileall
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from tests.preloading.preloaded import Preloaded

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


def new_project(folder: Path, spec: str, preloaded: Preloaded | None = None) -> Project:
    """A copy of the project in an empty folder, with a spec in it."""
    project = Project(folder, preloaded)
    # What a fresh checkout lacks, and no job of a copy writes: each would compile all that it imports.
    compileall.compile_dir(REPOSITORY / "ptp_core", quiet=2)
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
    preloaded: Preloaded | None = None
    """Who runs Snakemake, ptp and the jobs; without it, each starts as it does for a user."""

    @property
    def cold(self) -> Project:
        """The same copy, for tests of processes: each with its own name, parent and signals."""
        return Project(self.folder)

    def copied(self, folder: Path) -> Project:
        """A copy of all of it, times of files and Snakemake's own records included."""
        shutil.copytree(self.folder, folder, copy_function=shutil.copy2)
        return Project(folder, self.preloaded)

    @property
    def spec(self) -> Path:
        return self.folder / "tiny.yaml"

    @property
    def results(self) -> Path:
        return self.folder / "results"

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start Snakemake on the tiny study, in a process group of its own."""
        return self._start("snakemake", "--config", "study=tiny.yaml", *arguments)

    def ptp(self, *arguments: str) -> Finished:
        """Run a command of ptp to its end."""
        process = self._start("ptp", *arguments)
        output, _ = process.communicate(timeout=60)
        return Finished(process.returncode, output)

    def _start(self, name: str, *arguments: str) -> subprocess.Popen[str]:
        # The copy's own package, not the one that is installed.
        environment = os.environ | {"PYTHONPATH": str(self.folder), "PYTHONDONTWRITEBYTECODE": "1"}
        command = str(BIN / name)
        if self.preloaded:
            command = self.preloaded.command(name)
            environment |= self.preloaded.environment
        return subprocess.Popen(
            [command, *arguments], cwd=self.folder, env=environment, text=True, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, start_new_session=True,
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
