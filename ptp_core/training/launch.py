"""One training in several processes: started here on one node, through srun on several."""

from __future__ import annotations

import dataclasses
import importlib
import json
import math
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ptp_core.errors import UserError
from ptp_core.files import disk_full_is_said
from ptp_core.signals import interruptible, stop_wishes
from ptp_core.spec.execution import Execution
from ptp_core.training.state import put_aside_damaged
from ptp_core.work import Diverged, Interrupted, Metrics, TakenOver, Work

if TYPE_CHECKING:
    from torch.distributed import TCPStore  # type: ignore[attr-defined]

WORK, OUTCOME = "work.json", "outcome.json"
FILES = (WORK, OUTCOME)
GRACE_SECONDS = 60.0
"""So long the other processes may go on after the first has ended badly."""


def start(entry: str, work: Work) -> Metrics:
    """Do ``entry`` (``module:function``) here, or in several processes if the work's execution says so.

    States that cannot be read are put aside before. Returns and raises what the function does.
    """
    execution = Execution.model_validate(work.execution)
    put_aside_damaged(work.folder)
    return run(entry, work, execution) if execution.deepspeed_stage is not None else _function(entry)(work)


def _function(entry: str) -> Callable[[Work], Metrics]:
    module, function = entry.split(":")
    found: Callable[[Work], Metrics] = getattr(importlib.import_module(module), function)
    return found


def run(entry: str, work: Work, execution: Execution) -> Metrics:
    """Do ``entry`` in as many processes as ``execution`` says; returns its metrics.

    Raises what the function raised in its processes: Diverged, Interrupted, UserError. SIGTERM and SIGUSR1 are
    handed on to all of them.
    """
    (work.folder / OUTCOME).unlink(missing_ok=True)
    (work.folder / WORK).write_text(_to_json(work), encoding="utf-8")
    arguments = [entry, str(work.folder)]
    start_all = _on_nodes if execution.nodes > 1 else _here
    processes: list[subprocess.Popen[bytes]] = []
    with stop_wishes(lambda number: _signal(processes, number)):
        store = _meeting_place()
        processes += start_all(arguments, execution, _directions(store.port))
        code = _wait(processes)
    work.check()
    if not (work.folder / OUTCOME).exists():
        how = f"was killed by signal {-code}" if code < 0 else f"ended with code {code}"
        fix = "its last words are above; if memory was short, lower execution.micro_batch_tokens or raise zero_stage"
        raise UserError(f"a training process {how}", subject=work.label, fix=fix)
    outcome = json.loads((work.folder / OUTCOME).read_text(encoding="utf-8"))
    for name in FILES:
        (work.folder / name).unlink()
    return _result(outcome)


def _meeting_place() -> TCPStore:
    """Where the processes find each other, at a port that the system picks and that is ours from then on.

    A port looked for here and opened only seconds later, by the first process, can be another's by then.
    """
    from torch.distributed import TCPStore  # type: ignore[attr-defined]

    return TCPStore("0.0.0.0", 0, is_master=True, wait_for_workers=False)


def _directions(port: int) -> dict[str, str]:
    """The environment that leads torch to the meeting place; the last word tells it not to open one by itself."""
    return {"MASTER_PORT": str(port), "TORCHELASTIC_USE_AGENT_STORE": "True"}


def _here(arguments: list[str], execution: Execution, directions: dict[str, str]) -> list[subprocess.Popen[bytes]]:
    shared = os.environ | directions | {"MASTER_ADDR": "127.0.0.1", "WORLD_SIZE": str(execution.devices)}
    return [
        subprocess.Popen([*COMMAND, *arguments], env=shared | {"RANK": str(i), "LOCAL_RANK": str(i)})
        for i in range(execution.devices)
    ]


def _on_nodes(arguments: list[str], execution: Execution, directions: dict[str, str]) -> list[subprocess.Popen[bytes]]:
    """One srun step over the nodes of this allocation; each task finds its rank in Slurm's environment."""
    found = _nodes_here() if shutil.which("srun") else 0
    if found != execution.nodes:
        raise UserError(
            f"{execution.nodes} nodes need a Slurm allocation of as many nodes", subject="execution.nodes",
            expected=str(execution.nodes), got=found, fix="submit the job through Slurm with that many nodes",
        )  # fmt: skip
    return [subprocess.Popen(srun_command(arguments, execution), env=os.environ | directions)]


def _nodes_here() -> int:
    """Nodes of the Slurm allocation around this process, 0 if there is none.

    Snakemake's plugin leaves the number of the job alone of what Slurm says in the environment.
    """
    job = os.environ.get("SLURM_JOB_ID")
    if job is None:
        return 0
    asked = subprocess.run(["squeue", "-h", "-j", job, "-o", "%D"], capture_output=True, text=True, check=False)
    return int(asked.stdout.strip() or 0) if asked.returncode == 0 else 0


def srun_command(arguments: list[str], execution: Execution) -> list[str]:
    """The command that starts one process a device on every node."""
    tasks = [f"--nodes={execution.nodes}", f"--ntasks={execution.processes}", f"--ntasks-per-node={execution.devices}"]
    return ["srun", *tasks, f"--cpus-per-task={execution.threads}", "--kill-on-bad-exit=1", *COMMAND, *arguments]


COMMAND = [sys.executable, "-m", "ptp_core.training.worker"]


def _wait(processes: list[subprocess.Popen[bytes]]) -> int:
    """The exit code of the first process that failed, or 0. The others then get a minute to notice."""
    first, deadline = 0, math.inf
    while any(process.poll() is None for process in processes):
        time.sleep(0.1)
        if not first:
            first = next((code for process in processes if (code := process.poll())), 0)
            deadline = time.monotonic() + GRACE_SECONDS if first else math.inf
        if time.monotonic() > deadline:
            _signal(processes, signal.SIGKILL)
    return first or next((code for process in processes if (code := process.returncode)), 0)


def _signal(processes: list[subprocess.Popen[bytes]], number: int) -> None:
    for process in processes:
        if process.poll() is None:
            process.send_signal(number)


def _to_json(work: Work) -> str:
    fields = {field.name: getattr(work, field.name) for field in dataclasses.fields(work) if field.name != "check"}
    # The token tells this launch from that of another process, should it take the folder over.
    return json.dumps(fields | {"launch": secrets.token_hex(8)}, default=str)


def read_work(folder: Path) -> Work:
    """The work that the parent process has written down. Its ``check`` looks whether it is still written there."""
    text = (folder / WORK).read_text(encoding="utf-8")

    def check() -> None:
        try:
            same = (folder / WORK).read_text(encoding="utf-8") == text
        except OSError:
            same = False
        if not same:
            raise TakenOver(f"another process took over {raw['label']}")

    raw = json.loads(text)
    return Work(
        settings=raw["settings"],
        parents={role: Path(path) for role, path in raw["parents"].items()},
        inputs={role: tuple(map(Path, paths)) for role, paths in raw["inputs"].items()},
        folder=Path(raw["folder"]),
        execution=raw["execution"],
        label=raw["label"],
        check=check,
    )


def outcome_of(entry: str, work: Work) -> dict[str, Any]:
    """What becomes of the work, as JSON: the counterpart of ``_result``."""
    try:
        with interruptible(), disk_full_is_said(work.folder):
            return {"status": "ok", "metrics": _function(entry)(work)}
    except Diverged as diverged:
        return {"status": "diverged", "reason": diverged.reason, "metrics": diverged.metrics}
    except TakenOver:
        # The folder is another's: not even this may be written down there.
        raise
    except Interrupted as interrupted:
        return {"status": "interrupted", "reason": str(interrupted)}
    except UserError as error:
        return {"status": "error", "reason": str(error)}


def _result(outcome: dict[str, Any]) -> Metrics:
    match outcome["status"]:
        case "ok":
            metrics: Metrics = outcome["metrics"]
            return metrics
        case "diverged":
            raise Diverged(outcome["reason"], outcome["metrics"])
        case "interrupted":
            raise Interrupted(outcome["reason"])
    raise UserError(outcome["reason"])
