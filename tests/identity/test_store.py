"""One writer at a time, and a result that is there is whole: proved with real processes."""

from __future__ import annotations

import os
import platform
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ptp_core.identity.store import clear, entry, is_complete, partial, publish, writer

PRINT = "f" * 64
STAGE = "pretrain"
CHILD = """
import sys, time
from pathlib import Path
from ptp_core.identity.store import publish, writer

root, seconds = Path(sys.argv[1]), float(sys.argv[2])
with writer(root, "pretrain", "f" * 64, wait_seconds=0.02) as folder:
    if folder is None:
        print("found it done", flush=True)
    else:
        print("writing", flush=True)
        (folder / "half").write_text("half")
        time.sleep(seconds)
        (folder / "whole").write_text("whole")
        (folder / "receipt.json").write_text("{}")
        publish(root, "pretrain", "f" * 64)
        print("published", flush=True)
"""


Start = Callable[[float], subprocess.Popen[str]]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start a process that writes the result, taking so many seconds."""
    started = []

    def run(seconds: float) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", CHILD, str(tmp_path), str(seconds)]
        started.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
        return started[-1]

    yield run
    for process in started:
        process.kill()
        process.communicate()


def said(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_the_second_writer_waits_and_then_finds_it_done(tmp_path: Path, start: Start) -> None:
    first = start(0.5)
    assert said(first) == "writing"
    second = start(0)
    who = f"process {first.pid} on {platform.node()}"
    assert said(second).startswith(f"waiting: {who} is making pretrain/{'f' * 24}, since 20")
    assert not entry(tmp_path, STAGE, PRINT).exists()
    assert said(first) == "published"
    assert said(second) == "found it done"


def test_a_killed_writer_lets_go_and_leaves_what_it_had(tmp_path: Path, start: Start) -> None:
    first = start(60)
    assert said(first) == "writing"
    second = start(0)
    assert said(second).startswith("waiting")
    os.kill(first.pid, signal.SIGKILL)
    began = time.monotonic()
    assert [said(second), said(second)] == ["writing", "published"]
    assert time.monotonic() - began < 5
    assert {path.name for path in entry(tmp_path, STAGE, PRINT).iterdir()} == {"half", "whole", "receipt.json"}


def test_a_result_is_there_only_when_it_is_published(tmp_path: Path) -> None:
    with writer(tmp_path, STAGE, PRINT) as folder:
        assert folder == partial(tmp_path, STAGE, PRINT)
        (folder / "deep").mkdir()
        (folder / "deep" / "weights").write_bytes(b"w")
        assert not entry(tmp_path, STAGE, PRINT).exists()
        publish(tmp_path, STAGE, PRINT)
    assert (entry(tmp_path, STAGE, PRINT) / "deep" / "weights").read_bytes() == b"w"
    assert not partial(tmp_path, STAGE, PRINT).exists()


def test_what_is_done_is_not_written_again(tmp_path: Path) -> None:
    entry(tmp_path, STAGE, PRINT).mkdir(parents=True)
    (entry(tmp_path, STAGE, PRINT) / "receipt.json").write_text("{}")
    with writer(tmp_path, STAGE, PRINT) as folder:
        assert folder is None
    assert not partial(tmp_path, STAGE, PRINT).exists()


def test_a_result_without_its_receipt_is_made_again(tmp_path: Path) -> None:
    entry(tmp_path, STAGE, PRINT).mkdir(parents=True)
    with writer(tmp_path, STAGE, PRINT) as folder:
        assert folder == partial(tmp_path, STAGE, PRINT)
        (folder / "receipt.json").write_text("{}")
        publish(tmp_path, STAGE, PRINT)
    assert is_complete(tmp_path, STAGE, PRINT)


def test_a_writer_that_fails_keeps_its_partial_and_lets_go(tmp_path: Path) -> None:
    def fail() -> None:
        with writer(tmp_path, STAGE, PRINT) as folder:
            assert folder is not None
            (folder / "half").write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert not entry(tmp_path, STAGE, PRINT).exists()
    with writer(tmp_path, STAGE, PRINT) as folder:
        assert folder is not None
        assert (folder / "half").exists()


def test_another_result_does_not_wait(tmp_path: Path) -> None:
    with writer(tmp_path, STAGE, PRINT), writer(tmp_path, STAGE, "0" * 64), writer(tmp_path, "finetune", PRINT):
        pass


def test_a_cleared_folder_is_empty_and_what_links_point_to_stays(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").write_text("kept")
    folder = tmp_path / "folder"
    (folder / "deep").mkdir(parents=True)
    (folder / "deep" / "file").write_text("x")
    (folder / "file").write_text("x")
    (folder / "link").symlink_to(outside)
    clear(folder)
    assert list(folder.iterdir()) == []
    assert (outside / "kept").exists()
