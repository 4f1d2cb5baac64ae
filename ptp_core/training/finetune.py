"""Stage ``finetune``: all weights of a checkpoint, on the answers of one task, with one seed."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ptp_core.data import tokenizer as tokenizers
from ptp_core.data.items import load_items
from ptp_core.objectives.batch import IGNORE, Batch
from ptp_core.progress import Progress
from ptp_core.spec.execution import Execution
from ptp_core.spec.finetune import FinetuneSettings
from ptp_core.training.answers import pad_pairs, pairs
from ptp_core.training.callbacks import ShowProgress
from ptp_core.training.fit import fit
from ptp_core.training.layout import Layout
from ptp_core.training.loss import to_tensors
from ptp_core.training.model import load_model, save_model
from ptp_core.training.module import LanguageModelling
from ptp_core.training.optimisation import Optimisation
from ptp_core.work import Metrics, Work


def run(work: Work) -> Metrics:
    """Fine-tune and save as a Hugging Face directory.

    Metrics: mean loss of the last tenth of the steps (nats an answer token), items, epochs over them.
    """
    settings = FinetuneSettings.model_validate(work.settings)
    tuning = settings.tuning
    checkpoint = work.parents["checkpoint"]
    model = load_model(checkpoint)
    questions = pairs(tokenizers.load(checkpoint), load_items(work.parents["task"], "train"))
    context = int(model.config.max_position_embeddings)
    optimisation = Optimisation(
        steps=tuning.steps,
        lr=tuning.lr,
        warmup_steps=round(tuning.steps * tuning.warmup_share),
        weight_decay=tuning.weight_decay,
        clip=tuning.clip,
    )
    module = LanguageModelling(model, optimisation, Layout(rows=tuning.batch_items))
    order = functools.partial(_items_of_step, len(questions), tuning.batch_items, settings.seed)

    def batch_of(step: int, first: int, count: int) -> dict[str, Any]:
        whole = pad_pairs([questions[i] for i in order(step)], context)
        part = Batch(*(array[first : first + count] for array in whole))
        return to_tensors(part) | {"global_targets": float((whole.targets != IGNORE).sum())}

    with Progress(tuning.steps, "step", f"finetune {work.label}") as progress:
        spent = fit(module, batch_of, [ShowProgress(progress, 1)], Execution.model_validate(work.execution))
    save_model(model, checkpoint, work.folder)
    last = module.history.loss[-max(tuning.steps // 10, 1) :]
    return {
        "loss": sum(last) / len(last),
        "items": len(questions),
        "epochs": tuning.steps * tuning.batch_items / len(questions),
        "step_cpu_seconds": round(spent.step_cpu_seconds, 3),
    }


@functools.lru_cache(maxsize=64)
def _epoch_order(items: int, seed: int, epoch: int) -> NDArray[np.int64]:
    return np.random.default_rng([seed, 5, epoch]).permutation(items)


def _items_of_step(items: int, batch: int, seed: int, step: int) -> list[int]:
    """Which items a step sees: every item once before any twice, in an order that the seed and the epoch decide."""
    places = range(step * batch, (step + 1) * batch)
    return [int(_epoch_order(items, seed, place // items)[place % items]) for place in places]
