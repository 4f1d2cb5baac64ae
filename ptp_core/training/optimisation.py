"""AdamW and its schedule: pure numbers of the step."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch

from ptp_core.spec.pretrain import Recipe


@dataclass(frozen=True)
class Optimisation:
    """AdamW and its schedule; rates per step, counts in steps."""

    steps: int
    lr: float
    warmup_steps: int = 0
    schedule: str = "linear"
    decay_steps: int = 0
    """Length of the fall at the end, for the schedule wsd only."""
    final_lr_share: float = 0.0
    weight_decay: float = 0.0
    betas: tuple[float, float] = (0.9, 0.999)
    clip: float = 1.0
    z_loss: float = 0.0

    def lr_share(self, step: int) -> float:
        """Learning rate at a step (from 0) as a share of the peak.

        A fall reaches ``final_lr_share`` one step after the last, so that no step is wasted at rate 0.
        """
        if step < self.warmup_steps:
            return (step + 1) / self.warmup_steps
        start = max(self.steps - self.decay_steps, self.warmup_steps) if self.schedule == "wsd" else self.warmup_steps
        done = min(max(step - start, 0) / max(self.steps - start, 1), 1.0)
        fall = {"cosine": (1 - math.cos(math.pi * done)) / 2, "linear": done, "wsd": done, "constant": 0.0}
        return 1 - (1 - self.final_lr_share) * fall[self.schedule]

    def optimizer(self, model: torch.nn.Module) -> torch.optim.Optimizer:
        """AdamW over all weights that are trained; decay pulls on matrices only."""
        trained = [p for p in model.parameters() if p.requires_grad]
        # Decay pulls matrices to zero; norms and biases have no reason to be small.
        groups: list[dict[str, Any]] = [
            {"params": [p for p in trained if p.ndim >= 2], "weight_decay": self.weight_decay},
            {"params": [p for p in trained if p.ndim < 2], "weight_decay": 0.0},
        ]
        groups = [group for group in groups if group["params"]]
        # One kernel for all weights: for 0.8M of them .8 ms on a CPU core instead of 2.3 ms.
        return torch.optim.AdamW(groups, lr=self.lr, betas=self.betas, fused=True)


def optimisation_of(recipe: Recipe) -> Optimisation:
    """Steps and schedule of a recipe."""
    return Optimisation(
        steps=recipe.steps,
        lr=recipe.lr,
        warmup_steps=round(recipe.steps * recipe.warmup_share),
        schedule=recipe.schedule,
        decay_steps=round(recipe.steps * recipe.decay_share),
        final_lr_share=recipe.final_lr_share,
        weight_decay=recipe.weight_decay,
        betas=(recipe.beta1, recipe.beta2),
        clip=recipe.clip,
        z_loss=recipe.z_loss,
    )
