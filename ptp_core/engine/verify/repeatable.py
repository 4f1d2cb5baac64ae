"""What is the same, bit for bit, when a result is made again on the same kind of machine.

Not so are the files and metrics that ``lock_results`` names: seconds and memory of every step of a training, the date
and the description of the machine that the harness writes, times of events. All else was seen to be equal in two runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ptp_core.engine.lock.results import TIMED_FILES, TIMED_METRICS

TIMED_FOLDERS = ("tensorboard/",)
HOW = ("layout",)
"""Metrics that say how a result was computed, on so many processes and rows at once, and not what it is."""


def repeatable_artifacts(artifacts: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Path → sha256 of the artifacts that a second run makes bit for bit."""
    return {
        path: str(artifact["sha256"])
        for path, artifact in artifacts.items()
        if path not in TIMED_FILES and not path.startswith(TIMED_FOLDERS)
    }


def repeatable_metrics(metrics: Mapping[str, Any]) -> dict[str, Any]:
    """The metrics without those that say how fast it went."""
    return {name: value for name, value in metrics.items() if name not in (*TIMED_METRICS, *HOW)}
