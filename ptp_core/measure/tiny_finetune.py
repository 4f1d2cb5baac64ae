"""Loss after a tiny fine-tuning: how well a checkpoint learns a task from a handful of examples."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from ptp_core.data.items import Item, asked
from ptp_core.errors import UserError
from ptp_core.measure.measured import ItemScore, Measured, Quantity
from ptp_core.measure.nats import nats_of_rows
from ptp_core.objectives.batch import IGNORE, Ints
from ptp_core.spec.execution import Execution
from ptp_core.spec.tiny_finetune import TinyFinetuneSettings
from ptp_core.stats.clusters import mean_error
from ptp_core.training.answers import pad_pairs
from ptp_core.training.context import context_of
from ptp_core.training.finetune import Rows, rows_of, tune
from ptp_core.training.item_splits import hashed
from ptp_core.training.model import load_model

PURPOSE = "tiny fine-tuning"
"""What items are hashed with: what a fine-tuning's own subset holds has nothing to do with it."""


class Split(NamedTuple):
    """Items to tune on, and items to take the loss over."""

    examples: list[Item]
    scored: list[Item]


def tuned_loss(
    checkpoint: Path,
    items: list[Item],
    settings: TinyFinetuneSettings,
    execution: Execution | None = None,
    label: str = "",
) -> Measured:
    """``loss`` (headline) on the answers of other items after a tiny fine-tuning, in nats an answer token.

    Beside it ``loss_before`` and ``loss_drop``, which is the former less ``loss``. The loss after tuning on few
    examples is the cheap indicator of the rectified scaling law (Lin et al. 2024, arXiv 2402.02314). The checkpoint on
    disk stays as it is, and nothing is saved. Standard errors: ratio estimator over items, clustered by document where
    items name one. Raises UserError if there are too few items, and Diverged if the training comes to nothing.
    """
    parts, tuning = split_items(items, settings.examples, settings.max_items), settings.tiny
    device = "cuda" if torch.cuda.is_available() else "cpu"
    model = load_model(checkpoint).to(device)
    context = context_of(model.config)
    asked_rows = rows_of(checkpoint, parts.scored, [], tuning, context)
    before, counts = answer_nats(model, asked_rows)
    rows = rows_of(checkpoint, parts.examples, [], tuning, context)
    tuned = tune(model, rows, tuning, settings.seed, execution or Execution(), label)
    after, _ = answer_nats(tuned.model.to(device), asked_rows)
    clusters = [("document", item.document) if item.document else ("item", item.id) for item in parts.scored]

    def per_token(nats: NDArray[np.float64], higher_is_better: bool) -> Quantity:
        return Quantity(*ratio_error(nats, counts, clusters), len(nats), higher_is_better)

    quantities = {
        "loss": per_token(after, False),
        "loss_before": per_token(before, False),
        "loss_drop": per_token(before - after, True),
    }
    scores = [
        ItemScore(item.id, item.document, float(nats / count), float(-nats))
        for item, nats, count in zip(parts.scored, after, counts, strict=True)
    ]
    return Measured("loss", quantities, scores)


def split_items(items: list[Item], examples: int, max_items: int) -> Split:
    """At most so many items to tune on, of at most half of the questions; and at most so many that ask something else.

    Which ones depends on ids and questions alone, so it is the same for every checkpoint. Raises UserError if nothing
    is left to be asked.
    """
    questions = sorted({asked(item) for item in items}, key=lambda question: hashed(PURPOSE, *question))
    if len(questions) < 2:
        raise UserError(
            "there are too few training items to tune on some and ask others",
            expected="at least 2 different questions",
            got=len(questions),
            fix="give the task more training items",
        )
    to_teach = set(questions[: len(questions) // 2])
    ranked = sorted(items, key=lambda item: hashed(PURPOSE, item.id))
    taught = [item for item in ranked if asked(item) in to_teach][:examples]
    known = {asked(item) for item in taught}
    return Split(taught, [item for item in ranked if asked(item) not in known][:max_items])


def answer_nats(model: Any, rows: Rows) -> tuple[NDArray[np.float64], Ints]:
    """(loss in nats, tokens) of the answer of each row, eos included, each of shape (items,)."""
    # A row is cut to the context by itself, so among others too.
    alone = [pad_pairs([pair], rows.context, rows.pad) for pair in rows.training]
    lengths = np.array([batch.inputs.shape[1] for batch in alone])
    nats = nats_of_rows(model, lengths, lambda chosen: rows.batch([rows.training[i] for i in chosen]))
    return nats, np.array([(batch.targets != IGNORE).sum() for batch in alone])


def ratio_error(nats: NDArray[np.float64], counts: Ints, clusters: Sequence[Hashable]) -> tuple[float, float]:
    """Nats a token over all items, and its standard error: that of the mean of the linearised ratio, by clusters."""
    mean = float(nats.sum() / counts.sum())
    return mean, mean_error(((nats - mean * counts) / counts.mean()).tolist(), clusters)
