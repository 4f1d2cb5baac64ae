"""What a job asks a scheduler for: cores, GPUs, nodes, memory, disk and time, from the size of its work.

Pure arithmetic over the spec. Numbers are meant to be enough, not tight: who asks for too little is killed, who asks
for too much waits a little longer. What a first attempt lacked, the next one asks for again as much of.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ptp_core import cost
from ptp_core.engine.units import Job, Unit
from ptp_core.spec.execution import Execution
from ptp_core.spec.finetune import FinetuneSettings, Tuning
from ptp_core.spec.model import Model
from ptp_core.spec.pretrain import AnnealSettings, PretrainSettings, Recipe

MODEL_STAGES = ("pretrain", "anneal", "finetune", "indicators", "evaluate")
"""What runs a model, and so uses a GPU where the study asks for them."""
TRAINING = ("pretrain", "anneal")
"""What runs in several processes, and on several nodes, where the study asks for that."""

BASE_MB = 2000
"""Python with torch, transformers and Lightning (.7 GB as measured), and the Snakemakes that start the job (.6 GB)."""
GPU_PROCESS_MB = 4000
"""Host memory of one process that drives a GPU: CUDA's libraries and its pinned buffers."""
TRAINED_BYTES = 28
"""Bytes a parameter in fp32: weight 4, gradient 4, AdamW's moments 8; weight and moments again while they are saved."""
TUNED_BYTES = 24
"""The same of a fine-tuning, which saves no moments but keeps the best weights and reads the first."""
READ_BYTES = 8
"""Bytes a parameter of a model that is only read: the weights, and the file they come from."""
UNKNOWN_PARAMETERS = 1_000_000_000
"""Taken for a model of which no size is known before it is there."""
CPU_FLOPS = 4e10
"""FLOP/s of one core on a small model: .22M parameters at 30,000 tokens a second; larger models are faster."""
GPU_SHARE = 0.2
"""Share of its peak that a GPU is taken to reach, on the safe side."""
MARGIN = 4.0
"""A time limit is so many times what the arithmetic gives."""
START_MINUTES = 30
"""For starting, loading, reading and writing."""
LONGEST_MINUTES = 7 * 24 * 60
"""No cluster gives a job more; what takes longer is saved at its limit, and goes on in the next attempt."""
ITEMS = 2000
"""Rows that one measurement or fine-tuning is taken to read where the spec does not say."""
MB = 1e6


@dataclass(frozen=True)
class Needs:
    """What one job asks for, at its first attempt."""

    cores: int
    """Of each of its processes that Slurm starts."""
    mem_mb: int
    """On each node."""
    runtime: int
    """Minutes."""
    disk_mb: int
    """What it adds to the store, saved states included."""
    gpus: int = 0
    """On each node."""
    nodes: int = 1
    processes: int = 1
    """On each node, where there are several nodes."""


def needs(job: Job, execution: Execution, vocabulary: int, rate: float | None = None) -> Needs:
    """What a job of a study asks for.

    ``vocabulary``: tokens, 0 if no model is trained; ``rate``: FLOP/s that one process has been seen to train with.
    """
    if job.stage not in MODEL_STAGES:
        return _of_data(job, cores(job.stage, execution))
    sizes = [_size(unit, execution, vocabulary) for unit in job.units]
    together = execution.processes if job.stage in TRAINING else 1
    seconds = sum(size.flops for size in sizes) / ((rate or _rate(execution)) * together)
    on_gpu = execution.accelerator == "gpu"
    return Needs(
        cores=cores(job.stage, execution),
        mem_mb=max(_memory(size, execution, job.stage, on_gpu) for size in sizes),
        runtime=min(START_MINUTES + math.ceil(MARGIN * seconds / 60), LONGEST_MINUTES),
        disk_mb=100 + math.ceil(sum(size.disk_bytes for size in sizes) / MB),
        gpus=(execution.devices if job.stage in TRAINING else 1) if on_gpu else 0,
        nodes=execution.nodes if job.stage in TRAINING else 1,
        processes=execution.devices if job.stage in TRAINING else 1,
    )


def cores(stage: str, execution: Execution) -> int:
    """Cores of each process of a stage's jobs that Slurm starts."""
    return execution.threads * (execution.devices if stage in TRAINING and execution.nodes == 1 else 1)


def of_summary(variants: int) -> Needs:
    """What the table, an analysis of it or the report asks for: memory and time grow with the number of variants."""
    return Needs(cores=1, mem_mb=BASE_MB + 5 * variants, runtime=60 + variants, disk_mb=100 + variants)


def slowest_rate(receipts: Iterable[Mapping[str, Any]], flops_per_token: Mapping[str, float]) -> float | None:
    """FLOP/s of one process in the slowest training of these job receipts; None if none tells.

    ``flops_per_token``: by fingerprint of the trainings that are known.
    """
    found = [
        unit["metrics"]["tokens_per_second"]
        * flops_per_token[unit["fingerprint"]]
        / unit["metrics"]["layout"]["processes"]
        for receipt in receipts
        for unit in receipt["units"]
        if unit["fingerprint"] in flops_per_token and unit["metrics"].get("tokens_per_second")
    ]
    return min(found, default=None)


@dataclass(frozen=True)
class _Size:
    parameters: int
    flops: float
    activation_bytes: float
    disk_bytes: float


def _size(unit: Unit, execution: Execution, vocabulary: int) -> _Size:
    """How much work a unit is, and how much its model holds at once."""
    settings = unit.settings
    if isinstance(settings, PretrainSettings | AnnealSettings):
        return _training_size(settings, execution, vocabulary)
    run = _run_of(unit)
    parameters = cost.parameters(run.model, vocabulary) if run else _imported(unit)
    length = run.model.context if run else 2048
    a_token = cost.flops_per_token(parameters, run.model.layers, run.model.width, length) if run else 6.0 * parameters
    if isinstance(settings, FinetuneSettings):
        rows = _rows(settings.tuning)
        held = activation_bytes(run.model, vocabulary, length, length * settings.tuning.batch_items) if run else 0.0
        return _Size(parameters, rows * length * a_token, held, parameters * cost.CHECKPOINT_BYTES)
    # A forward pass is a third of both.
    return _Size(parameters, ITEMS * length * a_token / 3, 0.0, 0.0)


def _training_size(settings: PretrainSettings | AnnealSettings, execution: Execution, vocabulary: int) -> _Size:
    run = settings.run if isinstance(settings, AnnealSettings) else settings
    recipe, model = run.recipe, run.model
    count = cost.parameters(model, vocabulary)
    kept = 1 + (len(recipe.checkpoints) if settings is run else 0)
    at_once = min(max(execution.micro_batch_tokens, recipe.sequence_length), recipe.batch_tokens)
    return _Size(
        parameters=count,
        flops=_tokens(settings, recipe) * training_flops(model, vocabulary, recipe.sequence_length),
        activation_bytes=activation_bytes(
            model, vocabulary, recipe.sequence_length, at_once, execution.activation_checkpointing
        ),
        disk_bytes=count * (kept * (cost.CHECKPOINT_BYTES + cost.MOMENT_BYTES) + cost.STATES * cost.STATE_BYTES),
    )


def training_flops(model: Model, vocabulary: int, length: int) -> float:
    """FLOPs of training a model on one token of a sequence of ``length`` tokens."""
    return cost.flops_per_token(cost.parameters(model, vocabulary), model.layers, model.width, length)


def activation_bytes(model: Model, vocabulary: int, length: int, tokens: int, recomputed: bool = False) -> float:
    """Bytes in fp32 that a forward pass over ``tokens`` tokens keeps for the backward pass.

    A layer keeps 68·width + 10·heads·length bytes a token: twice the 34·width + 5·heads·length of 16 bit (Korthikanti
    et al. 2023, eq. 1). ``recomputed`` layers keep their input alone, but for one at a time. The head keeps logits,
    their softmax and its gradient: 12·vocabulary.
    """
    layer = 68.0 * model.width + 10.0 * model.heads * length
    kept = layer + 4.0 * model.width * model.layers if recomputed else layer * model.layers
    return tokens * (kept + 12.0 * vocabulary)


def _memory(size: _Size, execution: Execution, stage: str, on_gpu: bool) -> int:
    """MB of one node. ZeRO's sharing is not counted on, since a state is gathered whole to be saved."""
    each = TRAINED_BYTES if stage in TRAINING else TUNED_BYTES if stage == "finetune" else READ_BYTES
    processes = execution.devices if stage in TRAINING else 1
    if on_gpu:
        # Weights, gradients and activations are on the GPU; what is saved goes through the first process's memory.
        return BASE_MB + processes * GPU_PROCESS_MB + math.ceil(2 * cost.STATE_BYTES * size.parameters / MB)
    return BASE_MB + processes * math.ceil((each * size.parameters + size.activation_bytes) / MB)


def _tokens(settings: PretrainSettings | AnnealSettings, recipe: Recipe) -> int:
    if isinstance(settings, AnnealSettings):
        return recipe.branch_steps(recipe.step_of(settings.tokens)) * recipe.batch_tokens
    return recipe.tokens


def _rows(tuning: Tuning) -> int:
    if tuning.epochs is None:
        return tuning.steps * tuning.batch_items
    return tuning.epochs * (tuning.items or ITEMS)


def _rate(execution: Execution) -> float:
    """FLOP/s that one process is taken to reach."""
    if execution.accelerator == "gpu":
        return GPU_SHARE * (execution.peak_flops or cost.PEAK_FLOPS["A100"])
    return CPU_FLOPS * execution.threads


def _run_of(unit: Unit) -> PretrainSettings | None:
    """How the model was trained that a unit reads; None for one that was imported."""
    settings = unit.settings
    if isinstance(settings, PretrainSettings):
        return settings
    if isinstance(settings, AnnealSettings):
        return settings.run
    parent = unit.parents.get("checkpoint")
    return _run_of(parent.whole) if parent else None


def _imported(unit: Unit) -> int:
    """Parameters of an imported model, at most: its files hold two bytes of each or more."""
    while "checkpoint" in unit.parents:
        unit = unit.parents["checkpoint"].whole
    return _bytes(unit) // 2 or UNKNOWN_PARAMETERS


def _of_data(job: Job, cores: int) -> Needs:
    """Text is streamed, so memory is the same for all of it; a tokenizer's training holds its sample."""
    size = sum(map(_bytes, job.units))
    mem_mb, minutes = {
        "tokenizer": (4000, 60), "shards": (4000, 120), "task": (BASE_MB, 30), "import_tokenizer": (BASE_MB, 60),
        "import": (BASE_MB + 4 * math.ceil((size or 2 * UNKNOWN_PARAMETERS) / MB), 240),
    }[job.stage]  # fmt: skip
    # At a megabyte a second and core, which is slow.
    return Needs(cores, mem_mb, min(minutes + math.ceil(size / MB / 60), LONGEST_MINUTES), 100 + math.ceil(size / MB))


def _bytes(unit: Unit) -> int:
    """Size of the files that a unit reads; those that are gone by now count for nothing."""
    files = [Path(path) for entries in unit.inputs.values() for path, _ in entries]
    return sum(path.stat().st_size for path in files if path.is_file())
