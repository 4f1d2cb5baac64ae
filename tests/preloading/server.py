"""A process that has imported other people's libraries, and forks one child for every command it is asked to run.

``python server.py NUMBER`` listens at the socket that it inherits under this number until its standard input is closed.
Importing torch, Lightning and transformers takes ten times as long as what most jobs of a test do. Nothing of ptp_core
is imported here: each copy of the project has its own.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import marshal
import os
import random
import runpy
import select
import signal
import socket
import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

LIBRARIES = (
    "torch.utils.data torch.utils.tensorboard torch._dynamo pytorch_lightning pytorch_lightning.strategies deepspeed "
    "transformers transformers.models.llama.modeling_llama peft tokenizers safetensors.torch "
    "datasets lm_eval.evaluator lm_eval.models.huggingface lm_eval.tasks rouge_score.rouge_scorer "
    "scipy.stats scipy.optimize sklearn.linear_model pandas pyarrow.parquet altair jinja2 pydantic yaml psutil "
    "snakemake.cli snakemake.api"
).split()
Request = tuple[list[str], str, dict[str, str]]


def main(listener: socket.socket) -> None:
    """Import, then serve; who has asked meanwhile waits."""
    for name in LIBRARIES:
        importlib.import_module(name)
    # Children that look for garbage would write to, and so copy, what they share.
    gc.collect()
    gc.freeze()
    assert len(list(Path("/proc/self/task").iterdir())) == 1, "a fork takes along one thread, and the locks of all"
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    _serve(listener)


def _serve(listener: socket.socket) -> None:
    while sys.stdin not in select.select([listener, sys.stdin], [], [])[0]:
        connection, _ = listener.accept()
        if os.fork() == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            listener.close()
            _attend(connection)
        connection.close()


def _attend(connection: socket.socket) -> None:
    """Run the command that is asked for, with another process beside it that watches; neither returns."""
    message, files, _, _ = socket.recv_fds(connection, 1 << 20, 3)
    job = os.fork()
    # By both, since neither knows which of them is first; for the job itself, its own number is 0.
    os.setpgid(job, job)
    if job == 0:
        connection.close()
        _become(marshal.loads(message), files)
    else:
        _watch(connection, job)


def _watch(connection: socket.socket, job: int) -> None:
    """Hand signals on to the job, and the way it ended back; it dies with the client, and all its processes do."""
    ended = os.pidfd_open(job)
    while ended not in select.select([connection, ended], [], [])[0]:
        wish = connection.recv(1)
        if not wish:
            os.killpg(job, signal.SIGKILL)
            os._exit(1)
        os.kill(job, wish[0])
    _, status = os.waitpid(job, 0)
    connection.send(marshal.dumps(os.waitstatus_to_exitcode(status)))
    os._exit(0)


def _become(request: Request, files: list[int]) -> None:
    """Run the command of that name beside this Python, or ``python -m MODULE``, as a new interpreter would."""
    (asked, *arguments), folder, environment = request
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    own = [path for path in environment.get("PYTHONPATH", "").split(os.pathsep) if path]
    sys.dont_write_bytecode = bool(environment.get("PYTHONDONTWRITEBYTECODE"))
    _draw_anew()
    command = Path(sys.executable).with_name(Path(asked).name)
    if command.name == "python":
        module, sys.argv = arguments[1], arguments[1:]
        sys.path[0:1] = [folder, *own]
        _leave(_code_of(lambda: runpy.run_module(module, run_name="__main__", alter_sys=True)))
    sys.argv = [str(command), *arguments]
    sys.path[0:1] = [str(command.parent), *own]
    _leave(_code_of(lambda: runpy.run_path(str(command), run_name="__main__")))


def _draw_anew() -> None:
    """Random numbers that nobody has seeded differ from process to process."""
    numpy: Any = sys.modules["numpy"]
    numpy.random.seed()
    random.seed()


def _code_of(program: Callable[[], object]) -> int:
    """The exit code of a program, by the rules of Python."""
    try:
        program()
    except SystemExit as stop:
        if stop.code is None or isinstance(stop.code, int):
            return stop.code or 0
        print(stop.code, file=sys.stderr)
        return 1
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


def _leave(code: int) -> NoReturn:
    """The end of an interpreter without its last part: to take all libraries apart takes longer than most commands."""
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    main(socket.socket(fileno=int(sys.argv[1])))
