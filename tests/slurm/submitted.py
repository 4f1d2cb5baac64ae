"""A copy of the project whose jobs go through Slurm."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.workflow.project import BIN, Finished, new_project

PROFILE = Path("profiles", "slurm", "config.yaml")
SHORT = {"slurm-init-seconds-before-status-checks": 3, "latency-wait": 5}
"""Seconds."""


@dataclass(frozen=True)
class Submitted:
    """A copy of the project; its spec is the one that a plain ``snakemake`` runs."""

    folder: Path

    @classmethod
    def new(cls, folder: Path, spec: str) -> Submitted:
        """A clean clone with one more spec, and a profile that looks at its jobs more often."""
        folder.mkdir()
        new_project(folder, "")
        project = cls(folder)
        project.write(spec)
        project._shorten_waits()
        return project

    def copy(self, folder: Path, spec: str) -> Submitted:
        """The same project with another spec, and of its results the tokens of the text alone."""
        shutil.copytree(self.folder, folder, symlinks=True, ignore=shutil.ignore_patterns(".snakemake", "results"))
        for stage in ("tokenizer", "shards"):
            shutil.copytree(self.store(stage), folder / "results" / "store" / stage)
        project = Submitted(folder)
        project.write(spec)
        return project

    def _shorten_waits(self) -> None:
        text = (self.folder / PROFILE).read_text()
        for name, seconds in SHORT.items():
            text, found = re.subn(rf"{name}: \d+", f"{name}: {seconds}", text)
            assert found == 1, name
        (self.folder / PROFILE).write_text(text)

    def write(self, spec: str) -> None:
        (self.folder / "specs").mkdir(exist_ok=True)
        (self.folder / "specs" / "demo.yaml").write_text(spec)

    def store(self, stage: str) -> Path:
        return self.folder / "results" / "store" / stage

    def jobs(self, stage: str) -> dict[str, dict[str, Any]]:
        """Label → job file of each job of a stage."""
        files = (self.folder / "results" / "tiny" / "jobs" / stage).glob("*.json")
        return {job["label"]: job for job in map(_read, files)}

    def receipt(self, stage: str, job: dict[str, Any]) -> Path:
        return Path("results", "tiny", "receipts", stage, f"{job['id']}.json")

    def unit(self, stage: str, job: dict[str, Any]) -> dict[str, Any]:
        """What a job's receipt says of its only unit."""
        unit: dict[str, Any] = _read(self.folder / self.receipt(stage, job))["units"][0]
        return unit

    def weights(self, unit: dict[str, Any]) -> str:
        """Digest of the weights in the store that a unit has made."""
        artifacts = _read(self.folder / "results" / "store" / unit["store"] / "receipt.json")["artifacts"]
        digest: str = artifacts["model.safetensors"]["sha256"]
        return digest

    def log(self, stage: str, job: dict[str, Any]) -> str:
        return (self.folder / "results" / "tiny" / "logs" / stage / f"{job['id']}.log").read_text()

    def start(self, command: str, *arguments: str | Path) -> subprocess.Popen[str]:
        """Start ``snakemake`` or ``ptp`` in a process group of its own; what it says goes to a file."""
        environment = os.environ | {"PYTHONPATH": str(self.folder), "OMP_NUM_THREADS": "1"}
        with (self.folder / "output").open("w") as output:
            return subprocess.Popen(
                [str(BIN / command), *map(str, arguments)], cwd=self.folder, env=environment, text=True,
                stdout=output, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip

    def finish(self, process: subprocess.Popen[str], seconds: float) -> Finished:
        """Wait for a process, which is ended with all that it has started when its time is over."""
        with suppress(subprocess.TimeoutExpired):
            try:
                process.wait(seconds)
            finally:
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGKILL)
                    process.wait()
        return Finished(process.returncode, (self.folder / "output").read_text())

    def run(self, command: str, *arguments: str | Path, seconds: float = 600) -> Finished:
        """Run ``snakemake`` or ``ptp`` to its end."""
        return self.finish(self.start(command, *arguments), seconds)


def _read(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text())
    return content


def until(happens: Callable[[], Any], seconds: float = 300) -> Any:
    """Wait until something happens, and return it."""
    deadline = time.monotonic() + seconds
    while not (found := happens()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.1)
    return found


def slurm(*command: str) -> str:
    """What a command of Slurm says."""
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout.strip()


def queue() -> dict[str, tuple[str, str, str]]:
    """Job of Slurm → its state, node and comment, in which the plugin names rule and wildcards."""
    lines = slurm("squeue", "--noheader", "--states=all", "--format=%i|%T|%N|%k").splitlines()
    fields = (line.split("|", 3) for line in lines)
    return {number: (state, node, comment) for number, state, node, comment in fields}
