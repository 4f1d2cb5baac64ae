"""One Lightning module for pre-training and fine-tuning."""

from __future__ import annotations

import math
from typing import Any

import pytorch_lightning as lightning
import torch
from torch import Tensor

from ptp_core.training.history import History
from ptp_core.training.layout import Layout
from ptp_core.training.loss import summed_losses
from ptp_core.training.optimisation import Optimisation


class LanguageModelling(lightning.LightningModule):
    """Trains a causal language model on micro-batches of ``inputs``, ``targets``, ``prefix`` and ``global_targets``.

    ``global_targets`` is how many targets the whole global batch has, so that the loss of a step is their mean
    however the batch is split over processes and micro-batches.
    """

    def __init__(
        self, model: torch.nn.Module, optimisation: Optimisation, layout: Layout | None = None, first_step: int = 0
    ) -> None:
        """``first_step``: steps that an earlier process has done already."""
        super().__init__()
        self.model = model
        self.optimisation = optimisation
        self.layout = layout or Layout()
        self.first_step = first_step
        self.history = History()
        self.step_loss = torch.zeros(())
        """This process's part of the loss of the step, in nats a target."""
        self.grad_norm = float("nan")

    @property
    def step(self) -> int:
        """Optimiser steps done so far, by this process and by those before it."""
        return self.first_step + self.global_step

    def training_step(self, batch: dict[str, Tensor], index: int) -> Tensor:
        total, entropy = summed_losses(self.model, batch, self.optimisation.z_loss)
        if index % self.layout.accumulation == 0:
            self.step_loss = torch.zeros_like(entropy)
        self.step_loss += entropy / batch["global_targets"]
        # Strategies average over processes and micro-batches; undone here, since the sum is already a mean. With
        # DeepSpeed both Lightning and the engine divide by the number of micro-batches (Lightning 2.6, DeepSpeed 0.19).
        averaged = self.layout.accumulation ** (2 if self.engine is not None else 1)
        return total / batch["global_targets"] * self.layout.processes * averaged

    @property
    def engine(self) -> Any:
        """DeepSpeed's engine, or None in plain training."""
        return getattr(self.trainer.strategy, "deepspeed_engine", None)

    def configure_optimizers(self) -> Any:
        plan, first = self.optimisation, self.first_step
        optimizer = plan.optimizer(self.model)
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda done: plan.lr_share(first + done))
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def configure_gradient_clipping(
        self, optimizer: Any, gradient_clip_val: float | None = None, gradient_clip_algorithm: str | None = None
    ) -> None:
        trained = [p for p in self.model.parameters() if p.grad is not None]
        engine = self.engine
        if engine is None:
            self.grad_norm = float(torch.nn.utils.clip_grad_norm_(trained, gradient_clip_val or math.inf))
        elif not engine.zero_optimization() and engine.is_gradient_accumulation_boundary():
            # DeepSpeed clips by itself; only with ZeRO it also says what the norm was.
            self.grad_norm = float(torch.nn.utils.get_total_norm([p.grad for p in trained if p.grad is not None]))
