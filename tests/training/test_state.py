"""The saved state: whole or not there, with one in reserve, and a full disk loses nothing."""

from __future__ import annotations

import os
import shutil
import subprocess
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from ptp_core.engine.stages import STATE_FILES
from ptp_core.errors import UserError
from ptp_core.training import launch
from ptp_core.training.callbacks import SaveState
from ptp_core.training.state import (
    DAMAGED,
    FILES,
    NEW,
    PREVIOUS,
    STATE,
    load_state,
    put_aside_damaged,
    save_state,
)
from ptp_core.work import Interrupted, TakenOver, Work


def state(step: int, numbers: int = 1000) -> dict[str, object]:
    return {"step": step, "weights": {"w": torch.full((numbers,), float(step))}, "history": {"held_out": [[0, 1.5]]}}


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def step_of(folder: Path) -> int | None:
    put_aside_damaged(folder)
    found = load_state(folder)
    return None if found is None else found["step"]


def test_the_engine_knows_the_files_that_are_no_artifacts() -> None:
    assert set(STATE_FILES) == {*FILES, *launch.FILES}


def test_what_was_saved_comes_back(tmp_path: Path) -> None:
    save_state(tmp_path, state(3))
    found = load_state(tmp_path)
    assert found is not None
    assert torch.equal(found["weights"]["w"], torch.full((1000,), 3.0))
    assert found["history"] == {"held_out": [[0, 1.5]]}


def test_there_is_no_state_before_the_first(tmp_path: Path) -> None:
    assert load_state(tmp_path) is None


def test_the_state_before_the_last_is_kept(tmp_path: Path) -> None:
    for step in (1, 2, 3):
        save_state(tmp_path, state(step))
    assert names(tmp_path) == {STATE, PREVIOUS}
    (tmp_path / STATE).unlink()
    assert step_of(tmp_path) == 2


@pytest.mark.parametrize("damage", ["cut short", "empty", "something else", "one byte flipped"])
def test_of_a_damaged_state_the_one_before_is_taken_and_of_two_none(
    tmp_path: Path, damage: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for step in (1, 2):
        save_state(tmp_path, state(step))
    for name, left in ((STATE, 1), (PREVIOUS, None)):
        good = (tmp_path / name).read_bytes()
        half = len(good) // 2
        flipped = good[:half] + bytes([good[half] ^ 0xFF]) + good[half + 1 :]
        bad = {"cut short": good[:half], "empty": b"", "something else": b"x", "one byte flipped": flipped}[damage]
        (tmp_path / name).write_bytes(bad)
        assert step_of(tmp_path) == left
        assert f"{name} cannot be read" in capsys.readouterr().out
    assert names(tmp_path) == {DAMAGED}


def test_a_wish_to_stop_while_a_state_is_read_is_no_damage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for step in (1, 2):
        save_state(tmp_path, state(step))

    def asked_to_stop(_self: object) -> None:
        raise Interrupted("asked to stop (SIGTERM)")

    monkeypatch.setattr(zipfile.ZipFile, "testzip", asked_to_stop)
    with pytest.raises(Interrupted):
        put_aside_damaged(tmp_path)
    assert names(tmp_path) == {STATE, PREVIOUS}


def test_a_disk_that_cannot_be_read_is_no_damage_either(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_state(tmp_path, state(1))

    def broken(_self: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(zipfile.ZipFile, "testzip", broken)
    with pytest.raises(OSError, match="Input/output error"):
        put_aside_damaged(tmp_path)
    assert names(tmp_path) == {STATE}


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own with 400 KB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", str(folder)]
    if os.geteuid() != 0 or not shutil.which("mount") or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("mounting a small file system needs root")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk_is_said_with_what_is_missing_and_the_last_state_survives(small_disk: Path) -> None:
    save_state(small_disk, state(1, 30_000))
    save_state(small_disk, state(2, 30_000))
    with pytest.raises(UserError) as caught:
        save_state(small_disk, state(3, 70_000))
    said = str(caught.value)
    assert "the disk is full: the state of step 3 could not be saved; expected 280,000 bytes free, got " in said
    free = shutil.disk_usage(small_disk).free
    assert f"free {280_000 - free:,} bytes and run again" in said
    assert names(small_disk) == {STATE, PREVIOUS}
    assert not (small_disk / NEW).exists()
    assert step_of(small_disk) == 2


def test_who_was_taken_for_dead_saves_nothing(tmp_path: Path) -> None:
    def taken_over() -> None:
        raise TakenOver("another process took over clm")

    module = SimpleNamespace(step=1, optimisation=SimpleNamespace(steps=9))
    strategy = SimpleNamespace(root_device="cpu", reduce=lambda wishes, reduce_op: wishes, barrier=lambda name: None)
    trainer = SimpleNamespace(is_global_zero=True, strategy=strategy)
    SaveState(tmp_path, 0, lambda _trainer, _module: state(1)).after_step(trainer, module)
    before = (tmp_path / STATE).read_bytes()
    with pytest.raises(TakenOver):
        SaveState(tmp_path, 0, lambda _trainer, _module: state(2), taken_over).after_step(trainer, module)
    assert (tmp_path / STATE).read_bytes() == before
    assert names(tmp_path) == {STATE}


def test_a_training_process_notices_that_its_folder_is_another_launchs(tmp_path: Path) -> None:
    work = Work({"width": 8}, {"tokenizer": tmp_path}, {}, tmp_path, label="clm")
    (tmp_path / launch.WORK).write_text(launch._to_json(work))
    read = launch.read_work(tmp_path)
    assert (read.settings, read.parents) == (work.settings, work.parents)
    read.check()
    # The same work of a process that has taken over.
    (tmp_path / launch.WORK).write_text(launch._to_json(work))
    with pytest.raises(TakenOver, match="took over clm"):
        read.check()
    (tmp_path / launch.WORK).unlink()
    with pytest.raises(TakenOver):
        read.check()
