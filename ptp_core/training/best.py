"""Keeping the weights of the best validation."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection
from typing import Any

import torch

from ptp_core.training.callbacks import EveryStep


class KeepBest(EveryStep):
    """Validates after given steps, and remembers the trained weights of the lowest loss; the earliest of equal ones."""

    def __init__(self, steps: Collection[int], measure: Callable[[], float]) -> None:
        self.steps, self.measure = steps, measure
        self.losses: list[tuple[int, float]] = []
        """(steps done, validation loss in nats an answer token), in the order of training."""
        self.best_step: int | None = None
        self._best_loss = math.inf
        self._weights: dict[str, torch.Tensor] = {}

    def after_step(self, trainer: Any, module: Any) -> None:
        if module.step not in self.steps:
            return
        loss = self.measure()
        self.losses.append((module.step, loss))
        if loss < self._best_loss:
            self.best_step, self._best_loss = module.step, loss
            self._weights = {name: weights.detach().clone() for name, weights in _trained(module.model)}

    @torch.no_grad()
    def restore(self, model: torch.nn.Module) -> None:
        """Put the best weights back; nothing happens if no validation was finite."""
        for name, weights in _trained(model):
            if name in self._weights:
                weights.copy_(self._weights[name])


def _trained(model: torch.nn.Module) -> list[tuple[str, torch.nn.Parameter]]:
    return [(name, weights) for name, weights in model.named_parameters() if weights.requires_grad]
