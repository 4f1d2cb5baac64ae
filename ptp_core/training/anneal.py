"""Stage ``anneal``: a short branch from a checkpoint on the way, whose learning rate falls to 0.

A checkpoint in the middle of a schedule has not had its rate decayed, so it scores below what training up to there
can reach (EvoLM, Qi et al. 2025). The branch goes on with the batches and the optimiser of its run.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

from ptp_core.spec.pretrain import AnnealSettings, Recipe
from ptp_core.training import launch
from ptp_core.training.history import History
from ptp_core.training.model import load_model, load_tensors
from ptp_core.training.optimisation import Optimisation, optimisation_of
from ptp_core.training.run import MOMENTS_FILE, Plan
from ptp_core.training.run import train as train_run
from ptp_core.training.state import State
from ptp_core.training.whole import MOMENTS, whole_weights
from ptp_core.work import Metrics, Work


def run(work: Work) -> Metrics:
    """Train the branch in as many processes as its execution says; files and metrics as those of ``pretrain``."""
    return launch.start("ptp_core.training.anneal:train", work)


def train(work: Work) -> Metrics:
    """What each process of a branch does."""
    settings = AnnealSettings.model_validate(work.settings)
    recipe = settings.run.recipe
    model = load_model(work.parents["checkpoint"])
    start = _start(work.parents["checkpoint"], whole_weights(model))
    optimisation = branch(recipe, int(start["step"]))
    plan = Plan(
        settings=settings.run,
        model=model,
        optimisation=optimisation,
        exports={optimisation.steps: Path()},
        start=start,
    )
    return train_run(work, plan)


def branch(recipe: Recipe, step: int) -> Optimisation:
    """The rate that the run had reached at a step, falling linearly to 0 in ``anneal_share`` as many steps."""
    trunk = optimisation_of(recipe)
    length = recipe.branch_steps(step)
    return dataclasses.replace(
        trunk,
        lr=trunk.lr * trunk.lr_share(step),
        steps=step + length,
        warmup_steps=0,
        schedule="wsd",
        decay_steps=length,
        final_lr_share=0.0,
    )


def _start(checkpoint: Path, weights: State) -> State:
    flat, notes = load_tensors(checkpoint / MOMENTS_FILE)
    moments = {
        moment: {name.removeprefix(f"{moment}."): t for name, t in flat.items() if name.startswith(f"{moment}.")}
        for moment in MOMENTS
    }
    return {
        "step": int(notes["step"]),
        "digest": notes["digest"],
        "weights": weights,
        "moments": moments,
        "history": History().state(),
    }
