"""What happens at the end of every step: bookkeeping, progress, saved states, checkpoints, held-out losses."""

from __future__ import annotations

import contextlib
import math
import resource
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytorch_lightning as lightning
import torch

from ptp_core.progress import Progress
from ptp_core.signals import Stop, stop_wishes
from ptp_core.training.state import State, save_state
from ptp_core.work import Diverged, Interrupted


class EveryStep(lightning.Callback):
    """Something done after each optimiser step, not after each micro-batch of it."""

    def on_train_batch_end(self, trainer: Any, module: Any, _out: Any, _batch: Any, index: int) -> None:
        if (index + 1) % module.layout.accumulation == 0:
            self.after_step(trainer, module)

    def after_step(self, trainer: Any, module: Any) -> None:
        raise NotImplementedError


class Bookkeeping(EveryStep):
    """Remembers each step; ends a training that has diverged."""

    def __init__(self, loss_bound: float, patience: int) -> None:
        self.loss_bound, self.patience = loss_bound, patience
        self.cpu_seconds = 0.0
        """CPU time inside training steps: forward, backward and update, nothing around them."""
        self.began = self.began_cpu = 0.0

    def on_train_batch_start(self, _trainer: Any, module: Any, _batch: Any, index: int) -> None:
        if index % module.layout.accumulation == 0:
            self.began, self.began_cpu = time.perf_counter(), time.process_time()

    def after_step(self, trainer: Any, module: Any) -> None:
        engine = module.engine
        if engine is not None and engine.zero_optimization():
            module.grad_norm = engine.get_global_grad_norm() or math.nan
        # The loss is asked for only here: on a GPU that means waiting until the step is done.
        loss = float(trainer.strategy.reduce(module.step_loss, reduce_op="sum"))
        self.cpu_seconds += time.process_time() - self.began_cpu
        module.history.add(
            loss=loss,
            lr=module.optimisation.lr * module.optimisation.lr_share(module.step - 1),
            grad_norm=float(module.grad_norm),
            seconds=time.perf_counter() - self.began,
            peak_memory_mb=peak_memory_mb(),
        )
        if module.history.bad_steps(self.loss_bound) >= self.patience:
            raise Diverged(f"loss {loss:.3g} at step {module.step}, bound {self.loss_bound:.3g}", {})


class ShowProgress(EveryStep):
    """Advances a progress bar by a fixed amount a step, with the last loss."""

    def __init__(self, progress: Progress, per_step: int) -> None:
        self.progress, self.per_step = progress, per_step

    def after_step(self, _trainer: Any, module: Any) -> None:
        self.progress.advance(self.per_step, f"loss {module.history.loss[-1]:.3f}")


class SaveState(EveryStep):
    """Saves all that a resume needs, every so many seconds and when the process is asked to stop.

    Saving takes at most a twentieth of the time: a large model is saved less often. 0 seconds: after every step.
    """

    def __init__(
        self,
        folder: Path | None,
        seconds: float,
        state_of: Callable[[Any, Any], State] | None,
        check: Callable[[], None] = lambda: None,
    ) -> None:
        """``state_of``: (trainer, module) → state, called by all processes. ``folder`` None: only stop when asked.

        ``check`` raises if nothing may be saved any more.
        """
        self.check = check
        self.folder, self.seconds, self.state_of = folder, seconds, state_of
        self.saved = time.monotonic()
        self.cost = 0.0
        self.stop = Stop()
        self.handlers = contextlib.ExitStack()

    def on_train_start(self, *_all: Any) -> None:
        # Only now: Lightning has put its own handlers in place, which would leave without saving.
        self.stop = self.handlers.enter_context(stop_wishes())

    def teardown(self, *_all: Any, **_more: Any) -> None:
        self.handlers.close()

    def after_step(self, trainer: Any, module: Any) -> None:
        done = module.step >= module.optimisation.steps
        now = time.monotonic()
        due = now - self.saved >= (max(self.seconds, 20 * self.cost) if self.seconds else 0.0)
        # All processes must come to one decision: on saving that of the first, which alone knows what it costs, and on
        # stopping that of whoever was told.
        mine = [float(due and trainer.is_global_zero), float(bool(self.stop.name))]
        wishes = torch.tensor(mine, device=trainer.strategy.root_device)
        due, stop = (float(wish) > 0 for wish in trainer.strategy.reduce(wishes, reduce_op="sum"))
        if done or not (due or stop):
            return
        if self.folder is not None and self.state_of is not None:
            state = self.state_of(trainer, module)
            if trainer.is_global_zero:
                self.check()
                save_state(self.folder, state)
            # Nobody leaves while the first is still writing.
            trainer.strategy.barrier("state")
            self.saved = time.monotonic()
            self.cost = self.saved - now
        if stop:
            raise Interrupted(f"asked to stop ({self.stop.name or 'by another process'}) after step {module.step}")


class AtSteps(EveryStep):
    """Calls a function after each of the steps; for ``origin``, where the run begins, before the first of them."""

    def __init__(self, steps: set[int], act: Callable[[Any, Any], None], origin: int = 0) -> None:
        self.steps, self.act, self.origin = steps, act, origin

    def on_train_start(self, trainer: Any, module: Any) -> None:
        if module.step == self.origin and self.origin in self.steps:
            self.act(trainer, module)

    def after_step(self, trainer: Any, module: Any) -> None:
        if module.step in self.steps:
            self.act(trainer, module)


def peak_memory_mb() -> float:
    """The most memory held so far: of the GPU where there is one, else of the process."""
    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated() / 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
