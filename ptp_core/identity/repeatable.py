"""Which files of a result are the same, bit for bit, when it is made again on the same kind of machine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

WITH_TIMES = ("telemetry.parquet", "lm_eval/results.json", "tensorboard/")
"""Artifacts (a folder ends in /) that hold what no second run repeats, and why they may:

* ``telemetry.parquet``: seconds and memory of every step;
* ``lm_eval/results.json``: the harness writes the date, the time it took and a description of the machine into it;
* ``tensorboard/``: times of events, and the process in the names of files.

Everything else was seen to be equal in two runs. The numbers of these files are compared through the metrics."""

TIMINGS = ("step_cpu_seconds", "tokens_per_second", "resumed_from_step", "layout")
"""Metrics that say how a result was made, not what it is."""


def repeatable_artifacts(artifacts: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Path → sha256 of the artifacts that a second run makes bit for bit."""
    return {
        path: str(artifact["sha256"])
        for path, artifact in sorted(artifacts.items())
        if not any(path == name or (name.endswith("/") and path.startswith(name)) for name in WITH_TIMES)
    }


def repeatable_metrics(metrics: Mapping[str, Any]) -> dict[str, Any]:
    """The metrics without those that say how fast it went."""
    return {name: value for name, value in metrics.items() if name not in TIMINGS}
