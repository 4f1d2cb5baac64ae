"""Stage ``pretrain``: one variant, from random weights to a checkpoint, resumable at any step."""

from __future__ import annotations

import csv
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ptp_core.data import tokenizer as tokenizers
from ptp_core.data.sampler import Sampler
from ptp_core.data.shards import HELD_OUT, TRAIN, open_tokens
from ptp_core.data.streams import Stream
from ptp_core.draws import Draws, key
from ptp_core.objectives.batch import Batch
from ptp_core.objectives.mix import make_batch
from ptp_core.progress import Progress
from ptp_core.spec.pretrain import PretrainSettings, Recipe
from ptp_core.training.callbacks import STATE, HeldOutLoss, SaveState, ShowProgress
from ptp_core.training.loss import held_out_loss, to_tensors, windows
from ptp_core.training.model import new_model, parameter_count, save_model
from ptp_core.training.module import LanguageModelling, Optimisation, fit
from ptp_core.work import Metrics, Work

HELD_OUT_TOKENS = 4096
"""Tokens of each domain on which a variant's own loss is followed while it trains."""
HELD_OUT_POINTS = 8
TELEMETRY_POINTS = 200


def run(work: Work) -> Metrics:
    """Train one variant and save it as a Hugging Face directory, with its losses.

    Metrics: mean loss of the last twentieth of the steps and held-out loss before and after (nats a token, under the
    variant's own objective), parameters, tokens, tokens a second, epochs over each domain. Raises UserError if the
    loss stops being finite or a domain is too short.
    """
    settings = PretrainSettings.model_validate(work.settings)
    recipe = settings.recipe
    optimisation = optimisation_of(recipe)
    batches = Batches(settings, work.parents)
    vocabulary = tokenizers.load(work.parents["tokenizer"]).get_vocab_size()
    model = new_model(settings.model, vocabulary, _seed(recipe))
    module = LanguageModelling(model, optimisation)
    state = work.folder / STATE
    resumed = _steps_in(state)
    if resumed:
        print(f"resuming {work.label} from step {resumed} of {optimisation.steps}", flush=True)
    total = optimisation.steps * recipe.batch_tokens
    with Progress(total, "tok", f"pretrain {work.label}", resumed * recipe.batch_tokens) as progress:
        watched = batches.held_out()
        points = {round(optimisation.steps * i / HELD_OUT_POINTS) for i in range(1, HELD_OUT_POINTS + 1)}
        callbacks = [
            ShowProgress(progress, recipe.batch_tokens),
            HeldOutLoss(points, lambda: held_out_loss(model, watched)),
            SaveState(work.folder, float(work.execution.get("save_seconds", 5.0))),
        ]
        threads = int(work.execution.get("threads", 1))
        spent = fit(module, batches.at, callbacks, threads, str(state) if resumed else None)
    save_model(model, work.parents["tokenizer"], work.folder)
    _write_telemetry(work.folder, module.history, optimisation, recipe.batch_tokens)
    return _metrics(module, batches, recipe) | {
        "step_cpu_seconds": round(spent.step_cpu_seconds, 3),
        "tokens_per_second": round((total - resumed * recipe.batch_tokens) / spent.seconds),
        "resumed_from_step": resumed,
    }


def optimisation_of(recipe: Recipe) -> Optimisation:
    """Steps and schedule of a recipe."""
    steps = recipe.tokens // recipe.batch_tokens
    return Optimisation(
        steps=steps,
        lr=recipe.lr,
        warmup_steps=round(steps * recipe.warmup_share),
        schedule=recipe.schedule,
        final_lr_share=recipe.final_lr_share,
        weight_decay=recipe.weight_decay,
        betas=(recipe.beta1, recipe.beta2),
        clip=recipe.clip,
    )


class Batches:
    """The batch at any step, and a fixed held-out set under the same objective."""

    def __init__(self, settings: PretrainSettings, parents: dict[str, Path]) -> None:
        recipe = settings.recipe
        self.settings, self.parents = settings, parents
        self.objective, self.seed = recipe.objective, _seed(recipe)
        self.rows = recipe.batch_tokens // recipe.sequence_length
        self.special = tokenizers.special(parents["tokenizer"])
        streams = {domain: Stream(open_tokens(parents[f"shards/{domain}"], TRAIN)) for domain in settings.weights}
        steps = recipe.tokens // recipe.batch_tokens
        self.sampler = Sampler(streams, settings.weights, self.seed, recipe.sequence_length, steps * self.rows)

    def at(self, step: int) -> dict[str, torch.Tensor]:
        """The batch of a step: a pure function of the seed and the step."""
        start = step * self.rows
        draws = Draws(self.seed, np.arange(start, start + self.rows))
        return to_tensors(make_batch(self.objective, self.sampler.rows(start, self.rows), draws, self.special))

    def held_out(self) -> list[Batch]:
        """One batch a domain of the mixture, the same at every call."""
        length = self.settings.recipe.sequence_length
        result = []
        for domain in sorted(self.settings.weights):
            tokens = open_tokens(self.parents[f"shards/{domain}"], HELD_OUT)
            rows = windows(tokens, length, HELD_OUT_TOKENS, domain)
            draws = Draws(key(self.seed, "held out", domain), np.arange(len(rows)))
            result.append(make_batch(self.objective, rows, draws, self.special))
        return result


def _seed(recipe: Recipe) -> int:
    assert recipe.seed is not None, "a recipe in a job has its seed resolved"
    return recipe.seed


def _steps_in(state: Path) -> int:
    """Steps done in a saved state; 0 if there is none, or none that can be read."""
    if not state.exists():
        return 0
    try:
        # Torch writes a checksum of every part and looks at none of them when it reads.
        with zipfile.ZipFile(state) as parts:
            if damaged := parts.testzip():
                raise ValueError(f"{damaged} is damaged")
        return int(torch.load(state, weights_only=True, map_location="cpu")["global_step"])
    except Exception as error:  # Torch has many names for a damaged file; none of them is worth losing the run.
        print(f"{state.name} cannot be read ({type(error).__name__}): starting again from step 0", flush=True)
        state.unlink()
        return 0


def _metrics(module: LanguageModelling, batches: Batches, recipe: Recipe) -> Metrics:
    losses = module.history["loss"]
    last = losses[-max(len(losses) // 20, 1) :]
    return {
        "loss": sum(last) / len(last),
        "held_out_loss_at_start": module.history["held_out"][0][1],
        "held_out_loss": module.history["held_out"][-1][1],
        "parameters": parameter_count(module.model),
        "tokens": module.optimisation.steps * recipe.batch_tokens,
        "epochs": batches.sampler.epochs(),
    }


def _write_telemetry(folder: Path, history: dict[str, list[Any]], plan: Optimisation, per_step: int) -> None:
    """``telemetry.csv``: loss (mean since the row before) and learning rate; ``held_out.csv``: held-out loss."""
    losses = history["loss"]
    every = max(1, len(losses) // TELEMETRY_POINTS)
    with (folder / "telemetry.csv").open("w", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["step", "tokens", "loss", "lr"])
        for end in range(every, len(losses) + 1, every):
            mean = sum(losses[end - every : end]) / every
            writer.writerow([end, end * per_step, repr(mean), repr(plan.lr * plan.lr_share(end - 1))])
    with (folder / "held_out.csv").open("w", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["step", "tokens", "loss"])
        writer.writerows([step, step * per_step, repr(loss)] for step, loss in history["held_out"])
