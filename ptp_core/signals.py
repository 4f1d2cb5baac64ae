"""SIGTERM and SIGUSR1 as a wish to stop: a training honours it at the end of a step, all else at once."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from ptp_core.work import Interrupted

WISHES = (signal.SIGTERM, signal.SIGUSR1)


class Stop:
    """Which signal has come, if any."""

    def __init__(self) -> None:
        self.name = ""


@contextmanager
def interruptible() -> Iterator[None]:
    """While it lasts, both signals raise Interrupted wherever the process is."""

    def leave(number: int) -> None:
        raise Interrupted(f"asked to stop ({signal.Signals(number).name})")

    with stop_wishes(leave):
        yield


@contextmanager
def stop_wishes(act: Callable[[int], None] = lambda _number: None) -> Iterator[Stop]:
    """While it lasts, both signals are noted, and ``act`` is called, instead of killing the process."""
    stop = Stop()

    def note(number: int, _frame: FrameType | None) -> None:
        stop.name = signal.Signals(number).name
        act(number)

    before = {number: signal.signal(number, note) for number in WISHES}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
