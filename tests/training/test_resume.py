"""A run that is cut off goes on as if nothing had happened; one that cannot go on says why."""

from __future__ import annotations

import dataclasses
import json
import os
import pickle
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ptp_core.cli import main
from ptp_core.engine.commands import run_job_file
from ptp_core.engine.workflow import Workflow, prepare
from ptp_core.errors import EXIT_RETRY
from ptp_core.training import pretrain
from ptp_core.training.callbacks import ShowProgress
from ptp_core.training.state import FILES, NEW, PREVIOUS, STATE
from ptp_core.work import Metrics
from tests import tiny as tiny_study
from tests.tiny import Tiny, pretraining

CUT_AT = 30


def train(tiny: Tiny, folder: Path) -> Metrics:
    parents = {"tokenizer": tiny.tokenizer} | tiny.shards
    return tiny_study.make(pretrain.run, folder, pretraining(), parents, save_seconds=0)


@pytest.fixture
def cut(tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a run that failed in the middle of its thirtieth step."""
    advance = ShowProgress.after_step

    def failing(self: ShowProgress, trainer: Any, module: Any) -> None:
        if module.step == CUT_AT:
            raise OSError("power cut")
        advance(self, trainer, module)

    with monkeypatch.context() as patch:
        patch.setattr(ShowProgress, "after_step", failing)
        with pytest.raises(OSError, match="power cut"):
            train(tiny, tmp_path / "cut")
    assert {path.name for path in (tmp_path / "cut").iterdir()} == {STATE, PREVIOUS}
    return tmp_path / "cut"


def artifacts(folder: Path) -> set[str]:
    """What a run leaves that is the same every time: without its state and the times of its steps."""
    return {path.name for path in folder.iterdir()} - {*FILES, "telemetry.parquet"}


def is_same(folder: Path, other: Path) -> bool:
    names = artifacts(folder)
    return names == artifacts(other) and all(
        (folder / name).read_bytes() == (other / name).read_bytes() for name in names
    )


def test_a_cut_run_goes_on_and_ends_with_the_same_bytes(
    tiny: Tiny, cut: Path, checkpoint: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert train(tiny, cut)["resumed_from_step"] == CUT_AT - 1
    assert f"resuming cut from step {CUT_AT - 1} of 60" in capsys.readouterr().out
    assert is_same(cut, checkpoint)


def test_half_a_new_state_does_not_harm_the_old_one_and_is_no_artifact(tiny: Tiny, cut: Path, checkpoint: Path) -> None:
    state = (cut / STATE).read_bytes()
    (cut / NEW).write_bytes(state[: len(state) // 2])
    parents = {"tokenizer": tiny.tokenizer} | tiny.shards
    # Nothing is saved any more in what is left of the run.
    metrics = tiny_study.make(pretrain.run, cut, pretraining(), parents, save_seconds=1000)
    assert metrics["resumed_from_step"] == CUT_AT - 1
    assert is_same(cut, checkpoint)


def _flipped(state: bytes) -> bytes:
    half = len(state) // 2
    return state[:half] + bytes([state[half] ^ 0xFF]) + state[half + 1 :]


@pytest.mark.parametrize(
    "damage",
    [lambda state: state[: len(state) // 2], lambda _: b"", lambda _: b"no state at all", _flipped],
    ids=["cut short", "empty", "something else", "one byte flipped"],
)
def test_a_damaged_state_means_starting_again_with_a_line_in_the_log(
    tiny: Tiny, cut: Path, checkpoint: Path, damage: Callable[[bytes], bytes], capsys: pytest.CaptureFixture[str]
) -> None:
    (cut / STATE).write_bytes(damage((cut / STATE).read_bytes()))
    (cut / PREVIOUS).unlink()
    assert train(tiny, cut)["resumed_from_step"] == 0
    assert "state.ckpt cannot be read" in capsys.readouterr().out
    assert is_same(cut, checkpoint)


def test_after_a_damaged_state_the_one_before_it_is_taken(tiny: Tiny, cut: Path, checkpoint: Path) -> None:
    (cut / STATE).write_bytes(_flipped((cut / STATE).read_bytes()))
    assert train(tiny, cut)["resumed_from_step"] == CUT_AT - 2
    assert is_same(cut, checkpoint)


class _Payload:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


def test_a_state_that_is_a_pickle_is_not_executed(tiny: Tiny, cut: Path, tmp_path: Path) -> None:
    (cut / STATE).write_bytes(pickle.dumps({"step": _Payload(tmp_path / "executed")}))
    (cut / PREVIOUS).unlink()
    assert train(tiny, cut)["resumed_from_step"] == 0
    assert not (tmp_path / "executed").exists()


SPEC = f"""\
study: cut
seed: 1
model: {json.dumps(tiny_study.MODEL).replace('"', "")}
data:
  sources: [{{name: animals, path: animals.jsonl}}, {{name: sums, path: sums.jsonl}}]
  tokenizer: {{vocabulary: 512, sentinels: 16}}
  held_out_share: 0.2
tasks: {{colours: {{family: cbqa, train: cbqa.train.jsonl, test: cbqa.test.jsonl}}}}
mixtures: {{even: {{animals: 1, sums: 1}}}}
pretrain:
  defaults: {{tokens: 300k, sequence_length: 32, batch_tokens: 512, lr: 1e-2, mixture: even}}
  grid: {{objective: [sc+clm, plm, clm, sc]}}
finetune: {{tasks: [colours], steps: 5}}
execution: {{save_seconds: 0.05}}
"""


@pytest.fixture
def study(tiny: Tiny, tmp_path: Path) -> Workflow:
    """A planned study whose tokens are made and whose variants are not yet trained."""
    for path in tiny.folder.glob("*.jsonl"):
        shutil.copy(path, tmp_path)
    (tmp_path / "cut.yaml").write_text(SPEC)
    planned = prepare(tmp_path / "cut.yaml", tmp_path / "results")
    for job in planned.graph.jobs:
        if job.stage in ("tokenizer", "shards"):
            run_job_file(planned.folders.job(job.stage, job.id), planned.folders.results)
    return planned


def first_variant(study: Workflow) -> tuple[Path, Path]:
    """(job file, receipt) of its pre-training."""
    job = next(job for job in study.graph.jobs if job.stage == "pretrain")
    return study.folders.job("pretrain", job.id), study.folders.receipt("pretrain", job.id)


@pytest.mark.slow
def test_a_killed_process_is_taken_up_where_it_was_and_ends_with_the_same_bytes(
    study: Workflow, tmp_path: Path
) -> None:
    job, receipt = first_variant(study)
    undisturbed = tmp_path / "undisturbed"
    shutil.copytree(study.folders.results, undisturbed)
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}

    def start(results: Path) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "ptp_core", "job", str(job), "--results", str(results)]
        return subprocess.Popen(command, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    with start(study.folders.results) as process:
        state = study.folders.store / "pretrain"
        while process.poll() is None and not list(state.glob(f"*.partial/{STATE}")):
            time.sleep(0.01)
        time.sleep(0.5)
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL, "it was killed in the middle of its training"
    assert not receipt.exists()

    for results in (study.folders.results, undisturbed):
        with start(results) as process:
            said, _ = process.communicate(timeout=120)
        assert process.returncode == 0, said
        if results == study.folders.results:
            assert "resuming sc+clm from step" in said
            assert "Traceback" not in said

    resumed = json.loads(receipt.read_text())["units"][0]
    straight = json.loads((undisturbed / receipt.relative_to(study.folders.results)).read_text())["units"][0]
    assert resumed["metrics"]["resumed_from_step"] > 0
    assert straight["metrics"]["resumed_from_step"] == 0
    for unit in (resumed, straight):
        del unit["artifacts"]["telemetry.parquet"]
    assert resumed["artifacts"] == straight["artifacts"]
    assert "model.safetensors" in resumed["artifacts"]
    assert not {*FILES} & {path.name for path in (study.folders.store / resumed["store"]).iterdir()}
    assert not list(study.folders.store.glob("pretrain/*.partial"))


@pytest.mark.slow
@pytest.mark.parametrize("wish", [signal.SIGTERM, signal.SIGUSR1])
def test_a_signal_saves_the_state_and_ends_with_the_retry_code(study: Workflow, wish: signal.Signals) -> None:
    job, receipt = first_variant(study)
    command = [sys.executable, "-m", "ptp_core", "job", str(job), "--results", str(study.folders.results)]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    partial = study.folders.store / "pretrain"
    with subprocess.Popen(
        command, env=environment, text=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    ) as process:
        while process.poll() is None and not list(partial.glob(f"*.partial/{STATE}")):
            time.sleep(0.01)
        process.send_signal(wish)
        _, said = process.communicate(timeout=60)
    assert process.returncode == EXIT_RETRY
    assert "Traceback" not in said
    assert not receipt.exists()
    found = re.search(rf"asked to stop \({wish.name}\) after step (\d+); run it again and it goes on", said)
    assert found, said
    run_job_file(job, study.folders.results)
    assert json.loads(receipt.read_text())["units"][0]["metrics"]["resumed_from_step"] == int(found[1])


def test_a_diverged_run_is_a_result_with_its_telemetry(
    study: Workflow, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = pretrain.optimisation_of
    monkeypatch.setattr(pretrain, "optimisation_of", lambda recipe: dataclasses.replace(plan(recipe), lr=1e30))
    job, receipt = first_variant(study)
    assert main(["job", str(job), "--results", str(study.folders.results)]) == 0
    assert "sc+clm has diverged: loss nan at step " in capsys.readouterr().out
    unit = json.loads(receipt.read_text())["units"][0]
    assert unit["status"] == "diverged"
    assert unit["metrics"]["steps"] < 40
    assert set(unit["artifacts"]) == {"telemetry.parquet", "held_out.csv"}
