"""SIGTERM and SIGUSR1 as a wish to stop: noted at once, honoured at the end of a step."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

WISHES = (signal.SIGTERM, signal.SIGUSR1)


class Stop:
    """Which signal has come, if any."""

    def __init__(self) -> None:
        self.name = ""


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
