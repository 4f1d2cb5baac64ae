"""One Lightning module for pre-training and fine-tuning, and the trainer that runs it."""

from __future__ import annotations

import logging
import math
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import pytorch_lightning as lightning
import torch
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset

from ptp_core.errors import UserError
from ptp_core.training.loss import mean_loss


@dataclass(frozen=True)
class Optimisation:
    """AdamW and its schedule; rates per step, counts in steps."""

    steps: int
    lr: float
    warmup_steps: int
    schedule: str = "linear"
    final_lr_share: float = 0.0
    weight_decay: float = 0.0
    betas: tuple[float, float] = (0.9, 0.999)
    clip: float = 1.0

    def lr_share(self, step: int) -> float:
        """Learning rate at a step (from 0) as a share of the peak."""
        if step < self.warmup_steps:
            return (step + 1) / self.warmup_steps
        done = min((step - self.warmup_steps) / max(self.steps - self.warmup_steps, 1), 1.0)
        fall = {"cosine": (1 - math.cos(math.pi * done)) / 2, "linear": done, "constant": 0.0}[self.schedule]
        return 1 - (1 - self.final_lr_share) * fall


class LanguageModelling(lightning.LightningModule):
    """Trains a causal language model on batches of ``inputs``, ``targets`` and ``prefix``; remembers every loss."""

    def __init__(self, model: torch.nn.Module, optimisation: Optimisation) -> None:
        super().__init__()
        self.model = model
        self.optimisation = optimisation
        self.history: dict[str, list[Any]] = {"loss": [], "held_out": []}

    def training_step(self, batch: dict[str, Tensor], _index: int) -> Tensor:
        loss = mean_loss(self.model, batch)
        value = float(loss.detach())
        if not math.isfinite(value):
            raise UserError(f"training diverged: the loss is {value} at step {self.global_step}", fix="lower lr")
        self.history["loss"].append(value)
        return loss

    def configure_optimizers(self) -> Any:
        plan = self.optimisation
        # Decay pulls matrices to zero; norms and biases have no reason to be small.
        matrices = [p for p in self.model.parameters() if p.ndim >= 2]
        others = [p for p in self.model.parameters() if p.ndim < 2]
        groups = [{"params": matrices, "weight_decay": plan.weight_decay}, {"params": others, "weight_decay": 0.0}]
        optimizer = torch.optim.AdamW(groups, lr=plan.lr, betas=plan.betas)
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, plan.lr_share)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        checkpoint["history"] = self.history

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        self.history = checkpoint["history"]


class Steps(IterableDataset[dict[str, Tensor]]):
    """The batches from the module's current step on; ``batch_of`` maps a step to its batch."""

    def __init__(self, module: LanguageModelling, batch_of: Callable[[int], dict[str, Tensor]]) -> None:
        self.module, self.batch_of = module, batch_of

    def __iter__(self) -> Iterator[dict[str, Tensor]]:
        for step in range(self.module.global_step, self.module.optimisation.steps):
            yield self.batch_of(step)


class StepClock(lightning.Callback):
    """Adds up the CPU time inside training steps: forward, backward and update, nothing around them."""

    def __init__(self) -> None:
        self.cpu_seconds = 0.0
        self._began = 0.0

    def on_train_batch_start(self, *_all: Any) -> None:
        self._began = time.process_time()

    def on_train_batch_end(self, *_all: Any) -> None:
        self.cpu_seconds += time.process_time() - self._began


class Spent(NamedTuple):
    """What a call of ``fit`` took: wall-clock seconds in all, and CPU seconds inside training steps."""

    seconds: float
    step_cpu_seconds: float


def fit(
    module: LanguageModelling,
    batch_of: Callable[[int], dict[str, Tensor]],
    callbacks: list[lightning.Callback],
    threads: int = 1,
    resume_from: str | None = None,
) -> Spent:
    """Train to the last step; returns what this call took. The model is left in evaluation mode."""
    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    torch.set_num_threads(threads)
    clock = StepClock()
    trainer = lightning.Trainer(
        max_steps=module.optimisation.steps,
        gradient_clip_val=module.optimisation.clip,
        accelerator="auto",
        devices=1,
        # The clock first, so that what the others do after a step is not counted as part of it.
        callbacks=[clock, *callbacks],
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        deterministic=True,
    )
    began = time.perf_counter()
    with warnings.catch_warnings():
        # Batches are made in microseconds by the process itself: more loader workers would only cost.
        warnings.filterwarnings("ignore", message=".*does not have many workers.*")
        loader = DataLoader(Steps(module, batch_of), batch_size=None)
        trainer.fit(module, loader, ckpt_path=resume_from, weights_only=True)
    seconds = time.perf_counter() - began
    # The loss of a step is that of the weights before it, so the last update has not been looked at yet.
    if not all(bool(weights.isfinite().all()) for weights in module.model.parameters()):
        raise UserError(f"training diverged: weights are not finite after step {module.global_step}", fix="lower lr")
    module.model.eval()
    return Spent(seconds, clock.cpu_seconds)
