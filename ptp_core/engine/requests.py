"""What the rules ask for, in the words of Snakemake and of its Slurm plugin."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Iterator
from functools import cache
from itertools import islice
from typing import Any, TypeVar

from ptp_core.engine.price import vocabulary_of
from ptp_core.engine.resources import (
    LONGEST_MINUTES,
    MODEL_STAGES,
    TRAINING,
    Needs,
    cores,
    needs,
    of_summary,
    slowest_rate,
    training_flops,
)
from ptp_core.engine.stages import STAGES
from ptp_core.engine.workflow import Workflow
from ptp_core.spec.pretrain import PretrainSettings

ALL_CORES = 1024
"""Snakemake lowers it to what there is."""
LOOKED_AT = 20
"""So many finished trainings are asked how fast they were."""
F = TypeVar("F", bound=Callable[..., Any])


def with_signature(function: F) -> F:
    """The same function, which knows its signature.

    Snakemake asks for it several times a job; ``inspect`` takes longer to find it than these functions take to run.
    """
    function.__signature__ = inspect.signature(function)  # type: ignore[attr-defined]
    return function


class Requests:
    """Threads and resources of the rules of one study."""

    def __init__(self, workflow: Workflow) -> None:
        self.workflow, self.execution = workflow, workflow.study.spec.execution
        self.of = cache(self._of)

    def threads(self, stage: str) -> int:
        """The share of this machine, or of a group's node, that a job occupies.

        With GPUs all of it: two jobs side by side would share one.
        """
        if stage in MODEL_STAGES and self.execution.accelerator == "gpu":
            return ALL_CORES
        if stage not in STAGES:
            return 1
        return self.execution.threads * (self.execution.devices if stage in TRAINING else 1)

    def resources(self, stage: str) -> dict[str, Any]:
        """Names of resources → values, or functions of a job's wildcards and the number of its attempt."""
        return {
            "mem_mb": with_signature(lambda wildcards, attempt: attempt * self.of(stage, wildcards.id).mem_mb),
            "runtime": with_signature(
                lambda wildcards, attempt: min(attempt * self.of(stage, wildcards.id).runtime, LONGEST_MINUTES)
            ),
            "disk_mb": with_signature(lambda wildcards: self.of(stage, wildcards.id).disk_mb),
            "cpus_per_task": cores(stage, self.execution) if stage in STAGES else 1,
            **self._on_gpus(stage),
            **self._on_nodes(stage),
        }

    def _on_gpus(self, stage: str) -> dict[str, Any]:
        if stage not in MODEL_STAGES or self.execution.accelerator == "cpu":
            return {}
        # A number of GPUs for all nodes together need not be spread evenly. Tasks are counted without them.
        return {"gres": f"gpu:{self.execution.devices if stage in TRAINING else 1}", "tasks_per_gpu": 0}

    def _on_nodes(self, stage: str) -> dict[str, Any]:
        nodes, devices = self.execution.nodes, self.execution.devices
        if stage not in TRAINING or nodes == 1:
            return {}
        # The plugin leaves it to such a job to call srun by itself, which `training/launch.py` does.
        tasks = {"tasks_per_node": devices} if devices > 1 else {"tasks": nodes}
        return {"mpi": "srun", "nodes": nodes, **tasks}

    def _of(self, stage: str, job_id: str) -> Needs:
        if stage not in STAGES:
            return of_summary(len(self.workflow.graph.variants))
        return needs(self.workflow.jobs[stage, job_id], self.execution, self._vocabulary(), self._rate())

    @cache  # noqa: B019 (lives as long as the process)
    def _vocabulary(self) -> int:
        study = self.workflow.study
        return vocabulary_of(study.spec.data) if study.spec.data and study.variants else 0

    @cache  # noqa: B019
    def _rate(self) -> float | None:
        """As fast as the slowest of this study's trainings so far."""
        return slowest_rate(islice(self._finished(), LOOKED_AT), self._flops_per_token())

    def _finished(self) -> Iterator[dict[str, Any]]:
        for job in self.workflow.graph.jobs:
            receipt = self.workflow.folders.receipt(job.stage, job.id)
            if job.stage == "pretrain" and receipt.exists():
                yield json.loads(receipt.read_text(encoding="utf-8"))

    def _flops_per_token(self) -> dict[str, float]:
        units = [unit for job in self.workflow.graph.jobs if job.stage == "pretrain" for unit in job.units]
        return {
            unit.fingerprint: training_flops(s.model, self._vocabulary(), s.recipe.sequence_length)
            for unit in units
            if isinstance(s := unit.settings, PretrainSettings)
        }
