"""Stage ``finetune``: a checkpoint is trained on the answers of one task, with one seed."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ptp_core.data import tokenizer as tokenizers
from ptp_core.data.items import Item, load_items
from ptp_core.objectives.batch import IGNORE, Batch
from ptp_core.progress import Progress
from ptp_core.spec.execution import Execution
from ptp_core.spec.finetune import FinetuneSettings, Tuning
from ptp_core.training.answers import Pair, pad_pairs, pairs
from ptp_core.training.best import KeepBest
from ptp_core.training.callbacks import SaveState, ShowProgress
from ptp_core.training.context import context_of
from ptp_core.training.fit import Spent, fit
from ptp_core.training.item_splits import split, subset
from ptp_core.training.layout import layout_of
from ptp_core.training.lora import merged, with_adapters
from ptp_core.training.loss import held_out_loss, to_tensors
from ptp_core.training.model import load_model, save_model
from ptp_core.training.module import LanguageModelling
from ptp_core.training.optimisation import Optimisation
from ptp_core.work import Metrics, Work


@dataclass(frozen=True)
class Rows:
    """The items of one fine-tuning as tokens, and how they are batched."""

    training: list[Pair]
    validation: list[Pair]
    context: int
    pad: int

    def batch(self, chosen: list[Pair]) -> Batch:
        return pad_pairs(chosen, self.context, self.pad)

    @property
    def longest(self) -> int:
        """Tokens of the longest row."""
        return min(max(len(question) + len(answer) for question, answer in self.training), self.context)

    def validation_batches(self, size: int) -> list[Batch]:
        starts = range(0, len(self.validation), size)
        return [self.batch(self.validation[start : start + size]) for start in starts]


@dataclass(frozen=True)
class Tuned:
    """A fine-tuned model, and what there is to say about its training."""

    model: Any
    """A plain model, in evaluation mode; adapters are merged."""
    loss: float
    """Mean over the last tenth of the steps, in nats an answer token."""
    steps: int
    trained_parameters: int
    spent: Spent
    best: KeepBest


def run(work: Work) -> Metrics:
    """Fine-tune and save as a Hugging Face directory.

    Metrics: mean loss of the last tenth of the steps (nats an answer token), items, epochs over them, trained weights;
    with validation also its losses, and the step and epoch of the best, whose weights are kept.
    """
    settings = FinetuneSettings.model_validate(work.settings)
    tuning, checkpoint = settings.tuning, work.parents["checkpoint"]
    plain = load_model(checkpoint)
    used = subset(load_items(work.parents["task"], "train"), tuning.items)
    rows = rows_of(checkpoint, *split(used, tuning.validation_share), tuning, context_of(plain.config))
    tuned = tune(plain, rows, tuning, settings.seed, Execution.model_validate(work.execution), work.label)
    save_model(tuned.model, checkpoint, work.folder)
    items = len(rows.training)
    metrics = {
        "loss": tuned.loss,
        "items": items,
        "epochs": tuned.steps * tuning.batch_items / items,
        "trained_parameters": tuned.trained_parameters,
        "step_cpu_seconds": round(tuned.spent.step_cpu_seconds, 3),
    }
    return metrics | _validation_metrics(tuned.best, rows, tuning)


def tune(plain: Any, rows: Rows, tuning: Tuning, seed: int, execution: Execution, label: str) -> Tuned:
    """Train a loaded model on the answers of ``rows``; its weights are changed in place, and nothing is saved.

    Raises Diverged, and Interrupted if the process is asked to stop.
    """
    items, steps = len(rows.training), total_steps(tuning, len(rows.training))
    # Adapters begin at random, and models from elsewhere may drop units at random.
    torch.manual_seed(seed)
    model: Any = with_adapters(plain, tuning.lora) if tuning.method == "lora" else plain
    # One process: what is fine-tuned here fits one device, and there are as many jobs as tasks and seeds.
    layout = layout_of(tuning.batch_items, rows.longest, 1, execution.micro_batch_tokens)
    module = LanguageModelling(model, _optimisation(tuning, steps), layout)
    best = _keep_best(model, rows, tuning)

    def batch_of(step: int, first: int, count: int) -> dict[str, Any]:
        chosen = _items_of_step(items, tuning.batch_items, seed, step)
        whole = rows.batch([rows.training[i] for i in chosen])
        part = Batch(*(array[first : first + count] for array in whole))
        return to_tensors(part) | {"global_targets": float((whole.targets != IGNORE).sum())}

    alone = execution.model_copy(update={"devices": 1, "nodes": 1, "zero_stage": None})
    with Progress(steps, "step", f"finetune {label}") as progress:
        # Nothing is saved on the way: a fine-tuning that is stopped starts again.
        callbacks = [ShowProgress(progress, 1), best, SaveState(None, execution.save_seconds, None)]
        spent = fit(module, batch_of, callbacks, alone, tuning.precision)
    best.restore(model)
    trained = sum(weights.numel() for weights in model.parameters() if weights.requires_grad)
    last = module.history.loss[-max(steps // 10, 1) :]
    plain = merged(model) if tuning.method == "lora" else model
    return Tuned(plain, sum(last) / len(last), steps, trained, spent, best)


def rows_of(checkpoint: Path, training: list[Item], validation: list[Item], tuning: Tuning, context: int) -> Rows:
    """Items in the tokens of a checkpoint, as a model of this context is to see them."""
    fast, special = tokenizers.load(checkpoint), tokenizers.special(checkpoint)
    seen, unseen = (pairs(fast, part, special, tuning.prompt_format) for part in (training, validation))
    return Rows(seen, unseen, context, special.pad)


def _keep_best(model: Any, rows: Rows, tuning: Tuning) -> KeepBest:
    batches = rows.validation_batches(tuning.batch_items)
    steps = validation_steps(tuning, len(rows.training)) if batches else set()
    return KeepBest(steps, lambda: held_out_loss(model, batches))


def total_steps(tuning: Tuning, items: int) -> int:
    """Optimiser steps in all; the last one of given epochs may see some items once more, to be a full batch."""
    return tuning.steps if tuning.epochs is None else -(-tuning.epochs * items // tuning.batch_items)


def validation_steps(tuning: Tuning, items: int) -> set[int]:
    """After which steps (counted from 1) to validate: the ends of the epochs or every so many, and the last one."""
    steps = total_steps(tuning, items)
    if tuning.validate_every is not None:
        return {*range(tuning.validate_every, steps, tuning.validate_every), steps}
    epochs = steps * tuning.batch_items // items
    return {min(-(-epoch * items // tuning.batch_items), steps) for epoch in range(1, epochs + 1)} | {steps}


def _optimisation(tuning: Tuning, steps: int) -> Optimisation:
    return Optimisation(
        steps=steps,
        lr=tuning.lr,
        warmup_steps=round(steps * tuning.warmup_share),
        schedule=tuning.schedule,
        weight_decay=tuning.weight_decay,
        clip=tuning.clip,
    )


def _validation_metrics(best: KeepBest, rows: Rows, tuning: Tuning) -> Metrics:
    if not rows.validation:
        return {}

    def epochs(step: int) -> float:
        return round(step * tuning.batch_items / len(rows.training), 3)

    return {
        "validation_items": len(rows.validation),
        # Each is (steps, epochs, nats an answer token).
        "validation": [[step, epochs(step), loss] for step, loss in best.losses],
        "best_step": best.best_step,
        "best_epoch": None if best.best_step is None else epochs(best.best_step),
    }


@functools.lru_cache(maxsize=64)
def _epoch_order(items: int, seed: int, epoch: int) -> NDArray[np.int64]:
    return np.random.default_rng([seed, 5, epoch]).permutation(items)


def _items_of_step(items: int, batch: int, seed: int, step: int) -> list[int]:
    """Which items a step sees: every item once before any twice, in an order that the seed and the epoch decide."""
    places = range(step * batch, (step + 1) * batch)
    return [int(_epoch_order(items, seed, place // items)[place % items]) for place in places]
