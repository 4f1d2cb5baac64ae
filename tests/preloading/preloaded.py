"""Commands that do not pay for imports: stand-ins that have a server with all libraries in memory run them."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
COMMANDS = ("lm_eval", "ptp", "snakemake", "python")
"""What stands beside this Python; the last one knows ``-m`` alone."""
FIRST = {
    "OMP_NUM_THREADS": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "HF_HUB_OFFLINE": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    # Whoever has asked the driver for GPUs cannot use them after a fork; this way of looking does not ask it.
    "PYTORCH_NVML_BASED_CUDA_CHECK": "1",
    # pyarrow's allocator would start a thread as soon as it is loaded, and only a process with one can be forked.
    "JE_ARROW_MALLOC_CONF": "background_thread:false",
}
"""What libraries read when they are imported, as ``ptp job`` sets it for a job of one core."""


@dataclass(frozen=True)
class Preloaded:
    """A running server and the folder of its commands."""

    folder: Path

    def command(self, name: str) -> str:
        """The stand-in of a command."""
        return str(self.folder / "bin" / name)

    @property
    def environment(self) -> dict[str, str]:
        """What the stand-ins need, and what has a shell that Snakemake starts find them before the real ones."""
        return {"PRELOADED": str(self.folder / "socket"), "BASH_ENV": str(self.folder / "first")}


@contextmanager
def serve() -> Iterator[Preloaded]:
    """The server and its commands, as long as the context lasts or this process lives."""
    # A name of pytest's own folders may be too long for a socket.
    folder = Path(tempfile.mkdtemp(prefix="preloaded-"))
    found = Preloaded(folder)
    _write_commands(found)
    server = _start(found)
    try:
        yield found
    finally:
        server.communicate(timeout=60)
        assert server.returncode == 0
        shutil.rmtree(folder)


def _start(place: Preloaded) -> subprocess.Popen[bytes]:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | FIRST
    environment["HF_DATASETS_CACHE"] = str(place.folder / "datasets")
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(place.environment["PRELOADED"])
        listener.listen(64)
        number = listener.fileno()
        return subprocess.Popen(
            [sys.executable, str(HERE / "server.py"), str(number)], pass_fds=[number], env=environment,
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip


def _write_commands(place: Preloaded) -> None:
    (place.folder / "bin").mkdir()
    # Without site: what imports nothing starts in a tenth of the time.
    text = f"#!{sys.executable} -IS\n{(HERE / 'client.py').read_text(encoding='utf-8')}"
    for name in COMMANDS:
        command = Path(place.command(name))
        command.write_text(text, encoding="utf-8")
        command.chmod(0o755)
    (place.folder / "first").write_text(f'PATH="{place.folder / "bin"}:$PATH"\nunset BASH_ENV\n', encoding="utf-8")
