"""Several processes, DeepSpeed ZeRO 0 to 3: the same training as in one process, across a kill and a new layout too."""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pyarrow.parquet as pq
import pytest
from safetensors.torch import load_file

from ptp_core.errors import UserError
from ptp_core.spec.execution import Execution
from ptp_core.training import launch, pretrain
from ptp_core.training.layout import Layout
from ptp_core.training.state import STATE
from ptp_core.work import Diverged, Metrics
from tests import tiny as tiny_study
from tests.preloading.preloaded import Preloaded
from tests.tiny import Tiny, pretraining

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("processes")]

RECIPE = {"objective": "sc+plm", "tokens": 24 * 256, "clip": 0.5}
"""A mix, so that rows have unequal numbers of targets, and a clip that is often reached."""
LOSS_TOLERANCE = 1e-5
"""Absolute, in nats: sums over processes and micro-batches are taken in another order, in fp32."""
WEIGHT_TOLERANCE = 2e-5
"""Absolute: 24 steps of Adam at 1e-2 amplify the last bits."""


def train(tiny: Tiny, folder: Path, **execution: Any) -> Metrics:
    parents = {"tokenizer": tiny.tokenizer} | tiny.shards
    return tiny_study.make(pretrain.run, folder, pretraining(**RECIPE), parents, **execution)


def column(folder: Path, name: str) -> list[float]:
    values: list[float] = pq.read_table(folder / "telemetry.parquet")[name].to_pylist()
    return values


def assert_same_training(folder: Path, other: Path) -> None:
    assert column(folder, "loss") == pytest.approx(column(other, "loss"), abs=LOSS_TOLERANCE)
    assert column(folder, "grad_norm") == pytest.approx(column(other, "grad_norm"), rel=1e-3)
    ours, theirs = (load_file(place / "model.safetensors") for place in (folder, other))
    assert ours.keys() == theirs.keys()
    for name, weight in ours.items():
        assert float((weight - theirs[name]).abs().max()) < WEIGHT_TOLERANCE, name


@pytest.fixture(scope="module")
def alone(tiny: Tiny, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Metrics]:
    """One plain process, the whole batch at once."""
    folder = tmp_path_factory.mktemp("alone") / "run"
    return folder, train(tiny, folder)


@pytest.fixture
def quick_start(preloaded: Preloaded, monkeypatch: pytest.MonkeyPatch) -> None:
    """What this process trains in several others: those do not import every library anew."""
    monkeypatch.setattr(launch, "COMMAND", [preloaded.command("python"), *launch.COMMAND[1:]])
    for name, value in preloaded.environment.items():
        monkeypatch.setenv(name, value)


@pytest.mark.usefixtures("quick_start")
@pytest.mark.parametrize("stage", [0, 1, 2, 3])
def test_two_processes_with_zero_train_as_one_process_does(
    tiny: Tiny, alone: tuple[Path, Metrics], tmp_path: Path, stage: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCH_EXTENSIONS_DIR", str(tmp_path / "compiled"))
    metrics = train(tiny, tmp_path / "run", devices=2, zero_stage=stage, micro_batch_tokens=64)
    assert metrics["layout"] == {"processes": 2, "accumulation": 2, "rows": 2, "zero_stage": stage}
    assert metrics["order_digest"] == alone[1]["order_digest"]
    assert_same_training(tmp_path / "run", alone[0])
    # A compilation that is killed leaves a lock on which every later training of this user waits.
    assert not (tmp_path / "compiled").exists()


def test_accumulation_in_one_process_changes_nothing(tiny: Tiny, alone: tuple[Path, Metrics], tmp_path: Path) -> None:
    metrics = train(tiny, tmp_path / "run", micro_batch_tokens=32)
    assert metrics["layout"] == {"processes": 1, "accumulation": 8, "rows": 1, "zero_stage": None}
    assert_same_training(tmp_path / "run", alone[0])


SCRIPT = """
import json, sys
from pathlib import Path
from tests import tiny
from ptp_core.training import pretrain
folder, parents, settings, execution = map(json.loads, sys.argv[1:])
parents = {role: Path(path) for role, path in parents.items()}
tiny.make(pretrain.run, Path(folder), settings, parents, **execution)
"""


def start(tiny: Tiny, folder: Path, stderr: int | None = None, **execution: Any) -> subprocess.Popen[bytes]:
    """The same training in a process of its own, with all that it starts in one process group."""
    parents = {role: str(path) for role, path in ({"tokenizer": tiny.tokenizer} | tiny.shards).items()}
    arguments = [json.dumps(value) for value in (str(folder), parents, pretraining(**RECIPE), execution)]
    root = str(Path(__file__).parents[2])
    return subprocess.Popen(
        [sys.executable, "-c", SCRIPT, *arguments],
        cwd=root,
        env=os.environ | {"PYTHONPATH": root},
        start_new_session=True,
        stderr=stderr,
    )


@pytest.mark.usefixtures("quick_start")
def test_a_killed_run_goes_on_with_the_same_batches_in_any_layout_and_to_the_same_bits_in_its_own(
    tiny: Tiny, alone: tuple[Path, Metrics], tmp_path: Path
) -> None:
    layout = {"devices": 2, "zero_stage": 2, "micro_batch_tokens": 64, "save_seconds": 0}
    whole = train(tiny, tmp_path / "whole", **layout)
    folder = tmp_path / "killed"
    process = start(tiny, folder, **layout)
    while not (folder / STATE).exists():
        assert process.poll() is None
        time.sleep(0.01)
    time.sleep(random.uniform(0, 0.5))
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    copy = tmp_path / "elsewhere"
    copy.mkdir()
    (copy / STATE).write_bytes((folder / STATE).read_bytes())
    same = train(tiny, folder, **layout)
    assert 0 < same["resumed_from_step"] < 24
    assert same["order_digest"] == whole["order_digest"]
    assert (folder / "model.safetensors").read_bytes() == (tmp_path / "whole" / "model.safetensors").read_bytes()
    other = train(tiny, copy, micro_batch_tokens=128)
    assert other["resumed_from_step"] == same["resumed_from_step"]
    assert other["order_digest"] == whole["order_digest"]
    assert_same_training(copy, alone[0])


@pytest.mark.parametrize("wish", [signal.SIGTERM, signal.SIGUSR1])
def test_a_signal_to_the_parent_makes_all_processes_save_and_stop(tiny: Tiny, tmp_path: Path, wish: int) -> None:
    folder = tmp_path / "run"
    process = start(tiny, folder, subprocess.PIPE, devices=2, zero_stage=1, save_seconds=0)
    while not (folder / STATE).exists():
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(wish)
    _, said = process.communicate()
    # Outside of ptp it is an exception; ptp makes the retry code of it.
    assert "Interrupted: asked to stop (" in said.decode()
    metrics = train(tiny, folder)
    assert metrics["resumed_from_step"] > 0


def test_when_the_parent_is_killed_its_processes_die_with_it(tiny: Tiny, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    process = start(tiny, folder, devices=2, zero_stage=1, save_seconds=0)
    while not (folder / STATE).exists():
        assert process.poll() is None
        time.sleep(0.01)
    workers = psutil.Process(process.pid).children(recursive=True)
    assert len(workers) >= 2
    process.kill()
    process.wait()
    _, alive = psutil.wait_procs(workers, timeout=10)
    assert not alive
    assert train(tiny, folder)["resumed_from_step"] > 0


@pytest.mark.usefixtures("quick_start")
def test_a_mistake_in_several_processes_is_one_line(tiny: Tiny, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r'^domain "\w+" is too short'):
        tiny_study.make(
            pretrain.run, tmp_path / "run", pretraining(tokens=16_384, batch_tokens=16_384, sequence_length=8192),
            {"tokenizer": tiny.tokenizer} | tiny.shards, devices=2, zero_stage=1,
        )  # fmt: skip


@pytest.mark.usefixtures("quick_start")
def test_a_divergence_in_several_processes_is_a_result(tiny: Tiny, tmp_path: Path) -> None:
    parents = {"tokenizer": tiny.tokenizer} | tiny.shards
    with pytest.raises(Diverged, match=r"loss .* at step 3, bound 0\.1"):
        tiny_study.make(
            pretrain.run, tmp_path / "run", pretraining(loss_bound=0.1, patience=3), parents, devices=2, zero_stage=1
        )
    assert len(column(tmp_path / "run", "loss")) == 3


def test_the_meeting_place_is_open_before_any_process_looks_for_it() -> None:
    store = launch._meeting_place()
    directions = launch._directions(store.port)
    assert directions["MASTER_PORT"] == str(store.port)
    with socket.create_connection(("127.0.0.1", store.port), timeout=5):
        pass
    with socket.socket() as another, pytest.raises(OSError, match="in use"):
        another.bind(("0.0.0.0", store.port))


def test_deepspeed_on_cpus_compiles_nothing() -> None:
    from ptp_core.training.strategy import do_without_extension

    do_without_extension()
    backend = sys.modules["deepspeed.comm.torch"]
    assert "torch" in vars(backend), "DeepSpeed's own module"
    assert backend.build_shm_op() is None
    assert "strategy" in backend.build_shm_op.__module__


def test_the_command_for_several_nodes_starts_a_process_a_device() -> None:
    execution = Execution(devices=4, nodes=2, threads=8)
    command = launch.srun_command(["entry", "folder"], execution)
    assert command[:6] == [
        "srun", "--nodes=2", "--ntasks=8", "--ntasks-per-node=4", "--cpus-per-task=8", "--kill-on-bad-exit=1",
    ]  # fmt: skip
    assert command[-2:] == ["entry", "folder"]


def test_micro_batches_of_all_processes_make_up_the_global_batch() -> None:
    layout = Layout(processes=3, accumulation=2, rows=4)
    rows = [layout.first_row(rank, micro) + i for micro in range(2) for rank in range(3) for i in range(layout.rows)]
    assert sorted(rows) == list(range(24))
