"""Run the module to its last step: data, trainer and strategy put together."""

from __future__ import annotations

import logging
import math
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import pytorch_lightning as lightning
import torch
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset

from ptp_core.spec.execution import Execution
from ptp_core.training.callbacks import Bookkeeping
from ptp_core.training.memory import keep_freed_memory
from ptp_core.training.model import parameter_count
from ptp_core.training.module import LanguageModelling
from ptp_core.training.strategy import rank, trainer_options
from ptp_core.work import Diverged

BatchOf = Callable[[int, int, int], dict[str, Tensor | float]]
"""(step, first row, rows) → those rows of the step's global batch, and ``global_targets`` of all of it."""


class Spent(NamedTuple):
    """What a call of ``fit`` took: wall-clock seconds in all, and CPU seconds inside training steps."""

    seconds: float
    step_cpu_seconds: float


def fit(
    module: LanguageModelling,
    batch_of: BatchOf,
    callbacks: Sequence[lightning.Callback] = (),
    execution: Execution | None = None,
    precision: str = "fp32",
    loss_bound: float = math.inf,
    patience: int = 1,
) -> Spent:
    """Train from the module's step to its last; returns what this call took. The model is left in evaluation mode.

    Raises Diverged if the loss is not finite, or above ``loss_bound`` nats, for ``patience`` steps in a row, and if
    the last update has ruined the weights.
    """
    execution = execution or Execution()
    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    torch.set_num_threads(execution.threads)
    keep_freed_memory()
    books = Bookkeeping(loss_bound, patience)
    trainer = lightning.Trainer(
        max_steps=module.optimisation.steps - module.first_step,
        accumulate_grad_batches=module.layout.accumulation,
        gradient_clip_val=module.optimisation.clip,
        precision="bf16-mixed" if precision == "bf16" else "32-true",
        # Bookkeeping first: what the others do after a step is not counted as part of it.
        callbacks=[books, *callbacks],
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        # A few GPU kernels have no deterministic form; they are used all the same.
        deterministic="warn",
        **trainer_options(execution, module.layout, parameter_count(module.model), torch.cuda.is_available()),
    )
    _prepare(module.model, execution)
    began = time.perf_counter()
    with warnings.catch_warnings():
        # Batches are made in microseconds by the process itself: more loader workers would only cost.
        warnings.filterwarnings("ignore", message=".*does not have many workers.*")
        trainer.fit(module, DataLoader(Steps(module, batch_of), batch_size=None))
    seconds = time.perf_counter() - began
    # The loss of a step is that of the weights before it, so the last update has not been looked at yet.
    if not all(bool(weights.isfinite().all()) for weights in module.model.parameters()):
        raise Diverged(f"weights are not finite after step {module.step}", {})
    module.model.eval()
    return Spent(seconds, books.cpu_seconds)


class Steps(IterableDataset[dict[str, Any]]):
    """This process's micro-batches, from the module's current step on."""

    def __init__(self, module: LanguageModelling, batch_of: BatchOf) -> None:
        self.module, self.batch_of = module, batch_of

    def __iter__(self) -> Iterator[dict[str, Any]]:
        layout = self.module.layout
        for step in range(self.module.step, self.module.optimisation.steps):
            for micro in range(layout.accumulation):
                yield self.batch_of(step, layout.first_row(rank(), micro), layout.rows)


def _prepare(model: Any, execution: Execution) -> None:
    if execution.activation_checkpointing:
        model.activation_checkpointing_enable(activation_checkpointing_kwargs={"use_reentrant": False})
    if execution.compile:
        # In place: names of parameters, and so saved states, stay what they are.
        model.compile()
    model.train()
