"""Perplexity of held-out text, as next tokens (PPL-CLM) or as hidden spans (PPL-SC)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from ptp_core.data.shards import Tokens
from ptp_core.draws import Draws, key
from ptp_core.measure.rows import rows_at_once
from ptp_core.objectives.batch import IGNORE, Batch
from ptp_core.objectives.mix import make_batch
from ptp_core.spec.objective import terms
from ptp_core.special import SpecialTokens
from ptp_core.training.loss import to_tensors, token_losses, windows

CORRUPTION_SEED = 0
"""Every checkpoint is asked for the same hidden spans, so that perplexities can be compared."""


class Perplexity(NamedTuple):
    """exp of the mean loss in nats; its standard error over windows; how many tokens were predicted."""

    value: float
    stderr: float
    tokens: int


def perplexities(
    model: Any,
    streams: Mapping[str, Tokens],
    objective: str,
    length: int,
    limit: int,
    special: SpecialTokens,
) -> dict[str, Perplexity]:
    """Domain → perplexity of the first ``limit`` tokens of its stream, and ``overall`` over all of them together.

    Windows of ``length`` tokens do not overlap and see nothing of one another. Under span corruption only the hidden
    tokens count, not the sentinels: a model that has never met a sentinel is asked about text, not about our markup.
    """
    found: dict[str, tuple[NDArray[np.float64], NDArray[np.int64]]] = {}
    hides = any(term.kind == "sc" for term in terms(objective))
    for domain, tokens in sorted(streams.items()):
        rows = windows(tokens, length, limit, domain)
        batch = make_batch(objective, rows, Draws(key(CORRUPTION_SEED, domain), np.arange(len(rows))), special)
        found[domain] = _window_losses(model, _without_markup(batch, special) if hides else batch)
    result = {domain: _perplexity(*losses) for domain, losses in found.items()}
    totals = (np.concatenate([pair[k] for pair in found.values()]) for k in (0, 1))
    return result | {"overall": _perplexity(*totals)}


def _without_markup(batch: Batch, special: SpecialTokens) -> Batch:
    first, last = special.first_sentinel, special.first_sentinel + special.sentinels
    markup = ((batch.targets >= first) & (batch.targets < last)) | (batch.targets == special.eos)
    # A real <eos> inside a hidden span is text, but one a window is no loss.
    return batch._replace(targets=np.where(markup, IGNORE, batch.targets))


@torch.no_grad()
def _window_losses(model: Any, batch: Batch) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """(sum of the losses in nats, number of targets) of each window."""
    sums = []
    size = rows_at_once(batch.inputs.shape[1], model.config.vocab_size)
    for start in range(0, len(batch.inputs), size):
        part = Batch(*(array[start : start + size] for array in batch))
        sums.append(token_losses(model, to_tensors(part)).double().sum(dim=1).numpy())
    return np.concatenate(sums), (batch.targets != IGNORE).sum(axis=1)


def _perplexity(sums: NDArray[np.float64], counts: NDArray[np.int64]) -> Perplexity:
    total = int(counts.sum())
    mean = float(sums.sum() / total)
    n = len(sums)
    # Ratio estimator over windows, then the delta method through exp.
    spread = float(np.sqrt(((sums - mean * counts) ** 2).sum() * n / max(n - 1, 1)) / total)
    value = math.exp(min(mean, 700.0))
    return Perplexity(value, value * spread, total)
