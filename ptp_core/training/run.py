"""A training run on pre-training text: resume, train, keep checkpoints and telemetry, sum up."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytorch_lightning as lightning
import torch

from ptp_core.cost import flops_per_token, peak_flops
from ptp_core.progress import Progress
from ptp_core.spec.execution import Execution
from ptp_core.spec.pretrain import PretrainSettings
from ptp_core.training import tensorboard
from ptp_core.training.batches import Batches
from ptp_core.training.callbacks import AtSteps, EveryStep, SaveState, ShowProgress
from ptp_core.training.fit import Spent, fit
from ptp_core.training.layout import layout_of
from ptp_core.training.loss import held_out_loss
from ptp_core.training.model import parameter_count, save_model, save_tensors
from ptp_core.training.module import LanguageModelling
from ptp_core.training.optimisation import Optimisation
from ptp_core.training.state import State, load_state
from ptp_core.training.strategy import rank
from ptp_core.training.whole import set_moments, set_weights, whole_moments, whole_weights
from ptp_core.work import Diverged, Metrics, Work

HELD_OUT_POINTS = 8
TIMES_GUESSING = 1.5
"""A loss so many times that of guessing among the vocabulary is a sign of divergence, where a recipe names no bound."""
MOMENTS_FILE = "moments.safetensors"


@dataclass(frozen=True)
class Plan:
    """What is to be trained, and what is to be kept of it."""

    settings: PretrainSettings
    model: Any
    """Freshly made, or loaded: its weights are those of step 0, or of ``start``."""
    optimisation: Optimisation
    exports: dict[int, Path]
    """Step → folder below the work's own in which the model after that step is kept."""
    keep_moments: bool = False
    """Whether the optimiser's moments are kept beside intermediate checkpoints, so that branches can start there."""
    start: State | None = None
    """Where a branch begins; None: at step 0."""


def train(work: Work, plan: Plan) -> Metrics:
    """Train to the last step, going on from a saved state if there is one; metrics as ``pretrain.train`` says.

    Raises Diverged, with metrics, after the telemetry is written; Interrupted after the state is saved.
    """
    run = _Run(work, plan)
    run.introduce()
    try:
        spent = run.fit()
    except Diverged as diverged:
        run.write_telemetry()
        raise Diverged(diverged.reason, run.metrics(None)) from None
    run.write_telemetry()
    return run.metrics(spent)


class _Run:
    def __init__(self, work: Work, plan: Plan) -> None:
        self.work, self.plan = work, plan
        self.recipe, self.steps = plan.settings.recipe, plan.optimisation.steps
        self.execution = Execution.model_validate(work.execution)
        self.batches = Batches(plan.settings, work.parents, self.steps)
        self.watched = self.batches.held_out()
        length = self.recipe.sequence_length
        layout = layout_of(self.batches.rows, length, self.execution.processes, self.execution.micro_batch_tokens)
        saved = load_state(work.folder)
        self.state = saved or plan.start
        self.first = int(self.state["step"]) if self.state else 0
        self.origin = int(plan.start["step"]) if plan.start else 0
        self.resumed = saved is not None
        self.digest = str(self.state["digest"]) if self.state else ""
        self.module = LanguageModelling(plan.model, plan.optimisation, layout, self.first)
        self.parameters = parameter_count(plan.model)
        self.vocabulary = int(plan.model.config.vocab_size)
        if self.state:
            self._take_over(self.state)

    def _take_over(self, state: State) -> None:
        named = dict(self.plan.model.named_parameters())
        with torch.no_grad():
            for name, weight in state["weights"].items():
                named[name].copy_(weight)
        self.module.history.restore(state["history"])

    def introduce(self) -> None:
        """Say how the work is laid out, and where it goes on."""
        if rank() > 0:
            return
        print(f"{self.work.label}: {self.module.layout.describe(self.recipe.sequence_length)}", flush=True)
        if self.resumed:
            print(f"resuming {self.work.label} from step {self.first} of {self.steps}", flush=True)

    def fit(self) -> Spent:
        """Train what is left of the run."""
        per_step = self.recipe.batch_tokens
        total, done = ((step - self.origin) * per_step for step in (self.steps, self.first))
        with Progress(total, "tok", self.work.label, done, shown=rank() == 0) as progress:
            spent = fit(
                self.module,
                self.batches.at,
                self._callbacks(progress),
                self.execution,
                self.recipe.precision,
                self.recipe.loss_bound or TIMES_GUESSING * math.log(self.vocabulary),
                self.recipe.patience,
            )
        # ZeRO 3 has no whole weights to look at; their loss tells as well.
        if not math.isfinite(self.module.history.held_out[-1][1]):
            raise Diverged(f"the held-out loss is not finite after step {self.steps}", {})
        return spent

    def _callbacks(self, progress: Progress) -> list[lightning.Callback]:
        # A point for the untrained model, then evenly to the end.
        span = self.steps - self.origin
        points = {self.origin + round(span * i / HELD_OUT_POINTS) for i in range(HELD_OUT_POINTS + 1)}
        folder = self.work.folder
        callbacks: list[lightning.Callback] = [
            _Restore(self),
            _Order(self),
            ShowProgress(progress, self.recipe.batch_tokens),
            AtSteps(points, self._watch, self.origin),
            AtSteps(set(self.plan.exports), self._export),
            SaveState(folder, self.execution.save_seconds, self._state, self.work.check),
        ]
        if self.execution.tensorboard and rank() == 0:
            callbacks.append(tensorboard.Events(folder / tensorboard.FOLDER, self.recipe.batch_tokens, self.first))
        return callbacks

    def extend_digest(self, step: int) -> None:
        """Take the batch of a finished step into the digest of the order."""
        self.digest = self.batches.chain(self.digest, step)

    def _watch(self, _trainer: Any, module: LanguageModelling) -> None:
        module.history.held_out.append((module.step, held_out_loss(module.model, self.watched)))

    def _export(self, trainer: Any, module: LanguageModelling) -> None:
        folder = self.work.folder / self.plan.exports[module.step]
        weights = whole_weights(module.model, trainer.is_global_zero)
        keep = self.plan.keep_moments and module.step < self.steps
        moments = whole_moments(module.model, trainer.optimizers[0], trainer.is_global_zero) if keep else {}
        if trainer.is_global_zero:
            self.work.check()
            save_model(module.model, self.work.parents["tokenizer"], folder, weights)
            if keep:
                flat = {f"{moment}.{name}": t for moment, named in moments.items() for name, t in named.items()}
                save_tensors(flat, folder / MOMENTS_FILE, {"step": str(module.step), "digest": self.digest})

    def _state(self, trainer: Any, module: LanguageModelling) -> State:
        first = trainer.is_global_zero
        return {
            "step": module.step,
            "digest": self.digest,
            "weights": whole_weights(module.model, first),
            "moments": whole_moments(module.model, trainer.optimizers[0], first),
            "history": module.history.state(),
        }

    def write_telemetry(self) -> None:
        """Write what is remembered of every step."""
        if rank() > 0:
            return
        model = self.plan.settings.model
        flops = flops_per_token(self.parameters, model.layers, model.width, self.recipe.sequence_length)
        name = torch.cuda.get_device_name() if torch.cuda.is_available() else ""
        peak = self.execution.peak_flops or peak_flops(name)
        processes = self.execution.processes
        self.module.history.write(
            self.work.folder, self.recipe.batch_tokens, flops, peak and peak * processes, self.origin
        )

    def metrics(self, spent: Spent | None) -> Metrics:
        """What the receipt says; ``spent`` None for a run that has diverged."""
        history = self.module.history
        last = history.loss[-max(len(history.loss) // 20, 1) :]
        sampler, steps = self.batches.sampler, self.origin + len(history.loss)
        found: Metrics = {
            "loss": finite(statistics.fmean(last)) if last else None,
            "held_out_loss_at_start": finite(history.held_out[0][1]) if history.held_out else None,
            "held_out_loss": finite(history.held_out[-1][1]) if history.held_out else None,
            "parameters": self.parameters,
            "vocabulary": self.vocabulary,
            "steps": steps,
            "tokens": steps * self.recipe.batch_tokens,
            "tokens_by_domain": sampler.tokens(),
            "epochs": sampler.epochs(),
            "order_digest": self.digest,
            "layout": self.module.layout._asdict() | {"zero_stage": self.execution.deepspeed_stage},
            "resumed_from_step": self.first if self.resumed else 0,
        }
        if spent is not None:
            done = (self.steps - self.first) * self.recipe.batch_tokens
            found["step_cpu_seconds"] = round(spent.step_cpu_seconds, 3)
            found["tokens_per_second"] = round(done / spent.seconds)
        return found


def finite(value: float) -> float | None:
    """The number, or None for what JSON cannot hold."""
    return value if math.isfinite(value) else None


class _Restore(lightning.Callback):
    """Hands a saved state to the optimiser, once it exists."""

    def __init__(self, run: _Run) -> None:
        self.run = run

    def on_train_start(self, trainer: Any, module: Any) -> None:
        state, self.run.state = self.run.state, None
        if state is not None:
            # With 16-bit parameters DeepSpeed made its fp32 weights from rounded ones.
            set_weights(module.model, state["weights"])
        set_moments(module.model, trainer.optimizers[0], state["moments"] if state else {}, self.run.first)


class _Order(EveryStep):
    """Keeps the digest of all batches up to the last finished step."""

    def __init__(self, run: _Run) -> None:
        self.run = run

    def after_step(self, _trainer: Any, module: Any) -> None:
        self.run.extend_digest(module.step - 1)
