"""What a stage is handed when it runs: settings, parents, inputs, and a folder to fill."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Metrics = dict[str, Any]


@dataclass(frozen=True)
class Work:
    """One unit of work. The stage writes its artifacts into ``folder`` and returns its metrics (JSON values)."""

    settings: dict[str, Any]
    parents: dict[str, Path]
    """Role → folder of the finished result it depends on."""
    inputs: dict[str, tuple[Path, ...]]
    """Role → files the user named."""
    folder: Path
    execution: dict[str, Any] = field(default_factory=dict)
    label: str = ""
    """How people call this work; for messages only."""
    check: Callable[[], None] = lambda: None
    """Raises TakenOver if another process has taken over ``folder``; to be called before a state is saved in it."""


class Diverged(Exception):  # noqa: N818 (a result, not an error)
    """A training that came to nothing: what there is to say about it is its result."""

    def __init__(self, reason: str, metrics: Metrics) -> None:
        super().__init__(reason)
        self.reason, self.metrics = reason, metrics


class Failed(Exception):  # noqa: N818 (it may end a measurement, never a job)
    """A measurement that broke in a user's own code or task: the others go on without it."""


class Interrupted(BaseException):
    """The work was asked to stop, and has saved what it needs to go on later.

    No Exception, as KeyboardInterrupt is none: whoever deals with a library's errors must not take it for one of them.
    """


class Busy(Interrupted):
    """Another process is doing the same work, and we were told not to wait any longer."""


class TakenOver(Interrupted):
    """Another process has taken us for dead and does our work: nothing may be written any more."""
