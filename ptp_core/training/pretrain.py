"""Stage ``pretrain``: one variant, from random weights to a checkpoint, resumable at any step."""

from __future__ import annotations

from pathlib import Path

from ptp_core.data import tokenizer as tokenizers
from ptp_core.spec.pretrain import PretrainSettings
from ptp_core.training import launch
from ptp_core.training.model import new_model
from ptp_core.training.optimisation import optimisation_of
from ptp_core.training.run import Plan
from ptp_core.training.run import train as train_run
from ptp_core.work import Metrics, Work

REPEATS = 4.0
"""Passes over a source beyond which repeating it is worth much less than new text (Muennighoff et al. 2023)."""


def run(work: Work) -> Metrics:
    """Train one variant, in as many processes as its execution says, and save it as a Hugging Face directory.

    Besides the model: ``telemetry.parquet`` (every step), ``held_out.csv``, and ``checkpoints/<tokens>/`` for each
    declared token count. Metrics: see ``train``. Raises Diverged, Interrupted, and UserError if a domain is too short
    or the disk is full.
    """
    return launch.start("ptp_core.training.pretrain:train", work)


def train(work: Work) -> Metrics:
    """What each process of a pre-training does.

    Metrics: mean loss of the last twentieth of the steps and held-out loss before and after (nats a target, under the
    variant's own objective), parameters, tokens in all and by domain, epochs over each domain, digest of the order of
    the batches, tokens a second, layout.
    """
    settings = PretrainSettings.model_validate(work.settings)
    recipe = settings.recipe
    assert recipe.seed is not None, "a recipe in a job has its seed resolved"
    vocabulary = tokenizers.load(work.parents["tokenizer"]).get_vocab_size()
    model = new_model(settings.model, vocabulary, recipe.seed)
    exports = {recipe.step_of(tokens): Path(f"checkpoints/{tokens}") for tokens in recipe.checkpoints}
    plan = Plan(
        settings=settings,
        model=model,
        optimisation=optimisation_of(recipe),
        exports=exports | {recipe.steps: Path()},
        keep_moments=recipe.anneal,
    )
    metrics = train_run(work, plan)
    warn_of_repeats(metrics["epochs"], work.label)
    return metrics


def warn_of_repeats(epochs: dict[str, float], label: str) -> None:
    """Print a line for every source that is repeated so often that it teaches little that is new."""
    for domain, passes in epochs.items():
        if passes > REPEATS:
            print(
                f"{label}: {domain} is repeated {passes:.1f} times; beyond {REPEATS:.0f} new text is worth more",
                flush=True,
            )
