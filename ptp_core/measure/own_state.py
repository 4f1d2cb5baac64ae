"""What a process shares with code that it runs for others, put back afterwards."""

from __future__ import annotations

import os
import random
import signal
import sys
import threading
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np
import torch

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1)


@contextmanager
def own_state() -> Iterator[None]:
    """While it lasts, code may change what it likes of the following; afterwards it is as it was.

    Random numbers (of Python, numpy and torch, which begin at seed 0), torch's threads, default type and device,
    precision of products, gradient mode and determinism, environment variables, working directory, import path,
    standard streams, signal handlers.
    What is not put back: changes to the classes of libraries, modules that were imported, and files.
    """
    undo = [*_numerics(), *_process()]
    random.seed(0)
    np.random.seed(0)
    torch.manual_seed(0)
    try:
        yield
    finally:
        for put_back in undo:
            put_back()


def _numerics() -> Iterator[Callable[[], object]]:
    yield partial(random.setstate, random.getstate())
    yield partial(np.random.set_state, np.random.get_state())
    yield partial(torch.set_rng_state, torch.get_rng_state())
    yield partial(torch.set_grad_enabled, torch.is_grad_enabled())
    yield partial(torch.set_default_dtype, torch.get_default_dtype())
    yield partial(torch.set_num_threads, torch.get_num_threads())
    yield partial(torch.set_float32_matmul_precision, torch.get_float32_matmul_precision())
    yield partial(_set_device, torch.get_default_device())
    yield partial(
        torch.use_deterministic_algorithms,
        torch.are_deterministic_algorithms_enabled(),
        warn_only=torch.is_deterministic_algorithms_warn_only_enabled(),
    )


def _set_device(device: torch.device) -> None:
    if torch.get_default_device() != device:
        # The CPU is where tensors are made unless somebody says otherwise.
        torch.set_default_device(None if device.type == "cpu" else device)


def _process() -> Iterator[Callable[[], object]]:
    yield partial(os.chdir, Path.cwd())
    yield partial(_refill, os.environ, dict(os.environ))
    yield partial(sys.path.__setitem__, slice(None), list(sys.path))
    for name in ("stdin", "stdout", "stderr"):
        yield partial(setattr, sys, name, getattr(sys, name))
    if threading.current_thread() is threading.main_thread():
        for number in SIGNALS:
            yield partial(signal.signal, number, signal.getsignal(number))


def _refill(mapping: MutableMapping[str, str], content: dict[str, str]) -> None:
    mapping.clear()
    mapping.update(content)
