"""What happens between steps: progress, saved states, and the held-out loss along the way."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytorch_lightning as lightning

from ptp_core.progress import Progress

STATE, NEW_STATE = "state.ckpt", "state.ckpt.new"


class ShowProgress(lightning.Callback):
    """Advances a progress bar by a fixed amount a step, with the last loss."""

    def __init__(self, progress: Progress, per_step: int) -> None:
        self.progress, self.per_step = progress, per_step

    def on_train_batch_end(self, _trainer: Any, module: Any, *_rest: Any) -> None:
        self.progress.advance(self.per_step, f"loss {module.history['loss'][-1]:.3f}")


class SaveState(lightning.Callback):
    """Saves all that a resume needs, every so many seconds; the old state stays until the new one is whole.

    Saving takes at most a twentieth of the time: a large model is saved less often. 0 seconds: after every step.
    """

    def __init__(self, folder: Path, seconds: float) -> None:
        self.folder, self.seconds = folder, seconds
        self.saved = time.monotonic()
        self.cost = 0.0

    def on_train_batch_end(self, trainer: lightning.Trainer, module: Any, *_rest: Any) -> None:
        now = time.monotonic()
        pause = max(self.seconds, 20 * self.cost) if self.seconds else 0.0
        if now - self.saved < pause or trainer.global_step >= module.optimisation.steps:
            return
        new = self.folder / NEW_STATE
        trainer.save_checkpoint(new)
        new.replace(self.folder / STATE)
        self.saved = time.monotonic()
        self.cost = self.saved - now


class HeldOutLoss(lightning.Callback):
    """Measures the held-out loss at given steps (number of steps done, 0 for the untrained model)."""

    def __init__(self, steps: set[int], measure: Callable[[], float]) -> None:
        self.steps, self.measure = steps, measure

    def on_train_start(self, trainer: lightning.Trainer, module: Any) -> None:
        if trainer.global_step == 0:
            self._record(0, module)

    def on_train_batch_end(self, trainer: lightning.Trainer, module: Any, *_rest: Any) -> None:
        if trainer.global_step in self.steps:
            self._record(trainer.global_step, module)

    def _record(self, step: int, module: Any) -> None:
        module.history["held_out"].append([step, self.measure()])
