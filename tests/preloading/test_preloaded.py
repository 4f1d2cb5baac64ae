"""A command run by the server ends, dies and is heard of as if it were a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import psutil
import pytest

from tests.preloading.preloaded import Preloaded

pytestmark = pytest.mark.slow

SLEEPING = """\
import os, signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: os._exit(7))
open("process", "w").write(f"{os.getpid()}")
time.sleep(100)
"""


def start(preloaded: Preloaded, folder: Path, snakefile: str) -> subprocess.Popen[str]:
    """Snakemake on a file that is a program."""
    (folder / "Snakefile").write_text(snakefile)
    environment = os.environ | preloaded.environment
    return subprocess.Popen(
        [preloaded.command("snakemake"), "--cores=1"], cwd=folder, env=environment, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip


def sleeping(preloaded: Preloaded, folder: Path) -> tuple[subprocess.Popen[str], psutil.Process]:
    """A stand-in, and the process that it stands for."""
    run, file = start(preloaded, folder, SLEEPING), folder / "process"
    while not (file.exists() and file.read_text()):
        assert run.poll() is None
        time.sleep(0.01)
    return run, psutil.Process(int(file.read_text()))


def test_it_has_the_folder_the_environment_and_the_output_of_its_stand_in(preloaded: Preloaded, tmp_path: Path) -> None:
    run = start(
        preloaded, tmp_path, "import os, sys\nprint(os.getcwd(), os.environ['PRELOADED'], flush=True)\nos._exit(5)\n"
    )
    output, _ = run.communicate()
    assert f"{tmp_path} {preloaded.environment['PRELOADED']}" in output
    assert run.returncode == 5


def test_shells_that_snakemake_starts_find_the_stand_ins(preloaded: Preloaded, tmp_path: Path) -> None:
    run = start(preloaded, tmp_path, 'rule all:\n    shell: "command -v ptp; ptp check missing.yaml || echo code $?"\n')
    output, _ = run.communicate()
    assert run.returncode == 0, output
    assert preloaded.command("ptp") in output
    assert "missing.yaml: no such file" in output
    assert "code 2" in output


def test_a_signal_is_handed_on(preloaded: Preloaded, tmp_path: Path) -> None:
    run, _ = sleeping(preloaded, tmp_path)
    run.terminate()
    assert run.wait() == 7


def test_a_stand_in_dies_as_its_command_did(preloaded: Preloaded, tmp_path: Path) -> None:
    run, process = sleeping(preloaded, tmp_path)
    process.kill()
    assert run.wait() == -signal.SIGKILL


def test_a_command_dies_with_its_stand_in(preloaded: Preloaded, tmp_path: Path) -> None:
    run, process = sleeping(preloaded, tmp_path)
    run.kill()
    process.wait(10)
    assert not process.is_running()
