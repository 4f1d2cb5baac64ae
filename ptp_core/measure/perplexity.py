"""Perplexity of held-out text, as next tokens (PPL-CLM) or as hidden spans (PPL-SC)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ptp_core.data.shards import Tokens
from ptp_core.draws import Draws, key
from ptp_core.errors import UserError
from ptp_core.measure.held_out_text import Borders, Scale, is_markup, rows_of, scale_of
from ptp_core.measure.measured import ItemScore, Measured, Quantity
from ptp_core.measure.nats import nats_of_batch, nats_of_rows
from ptp_core.objectives.batch import IGNORE, Ints
from ptp_core.objectives.mix import make_batch
from ptp_core.spec.objective import terms
from ptp_core.training.loss import windows

CORRUPTION_SEED = 0
"""Every checkpoint is asked for the same hidden spans, so that perplexities can be compared."""
HIGHEST_LOG = 700.0
"""exp of more is no finite number."""


class Losses(NamedTuple):
    """Loss and length of some pieces of text (documents or windows), each of shape (pieces,)."""

    nats: NDArray[np.float64]
    tokens: Ints
    sizes: Ints
    """Bytes."""
    words: NDArray[np.float64] | None
    """None where pieces hold no whole words."""


def perplexities(
    model: Any,
    streams: Mapping[str, Tokens],
    tokenizer: Path,
    objective: str,
    length: int,
    limit: int,
    documents: Borders = "separate",
) -> Measured:
    """``ppl`` (headline), ``bits_per_byte`` and for CLM ``word_ppl`` of the first ``limit`` tokens of each stream.

    ``streams``: domain → ``[bos] tokens eos`` of one document after the other; ``tokenizer``: folder of the tokenizer
    they are in; ``length``: tokens that a window shows the model. Each quantity is over all domains together, and
    ``<quantity>@<domain>`` over one. ``ppl`` is exp of nats a token, ``word_ppl`` exp of nats a white-space separated
    word.

    Under CLM every token of the text is predicted once, and totals over documents are those of the rolling
    log-likelihood of lm-evaluation-harness (``rows_of``). ``documents: joined`` reads them as one stream instead. Other
    objectives read windows of the stream that see nothing of one another, as in pre-training. Only text counts, never
    markup (bos, eos, sentinels): a model that has never met a sentinel is asked about text.

    Standard errors: ratio estimator over documents, or over windows under other objectives, where ``joined``, and
    within a domain of a single document; then the delta method. Raises UserError if a domain has too little text.
    """
    scale = scale_of(tokenizer)
    rolling = [(term.kind, term.mode) for term in terms(objective)] == [("clm", "")]
    found: dict[str, Losses] = {}
    for domain, stream in sorted(streams.items()):
        if rolling:
            found[domain] = _rolling(model, stream, scale, length, limit, documents)
        else:
            found[domain] = _windows(model, stream, scale, length, limit, objective, domain)
        if not found[domain].sizes.sum():
            raise UserError(f'domain "{domain}" has no held-out text to be asked for')
    quantities = _quantities(_together(list(found.values())), "")
    for domain, losses in found.items():
        quantities |= _quantities(losses, f"@{domain}")
    items = [item for domain, losses in found.items() for item in _items(losses, domain)]
    return Measured("ppl", quantities, items)


def _rolling(model: Any, stream: Tokens, scale: Scale, length: int, limit: int, borders: Borders) -> Losses:
    rows = rows_of(stream, scale, length, limit, borders)
    nats = nats_of_rows(model, rows.lengths, rows.batch)
    pieces = rows.text if rows.text.any() else np.arange(len(nats))

    def total(amounts: NDArray[Any]) -> NDArray[np.float64]:
        return np.bincount(pieces, amounts).astype(np.float64)

    tokens, sizes = (total(amounts).astype(np.int64) for amounts in (rows.tokens, rows.sizes))
    return Losses(total(nats), tokens, sizes, total(rows.words))


def _windows(model: Any, stream: Tokens, scale: Scale, length: int, limit: int, objective: str, domain: str) -> Losses:
    rows = windows(stream, length, limit, domain)
    draws = Draws(key(CORRUPTION_SEED, domain), np.arange(len(rows)))
    batch = make_batch(objective, rows, draws, scale.special)
    batch = batch._replace(targets=np.where(is_markup(batch.targets, scale.special), IGNORE, batch.targets))
    asked = batch.targets != IGNORE
    sizes = np.where(asked, scale.sizes[np.where(asked, batch.targets, 0)], 0).sum(axis=1)
    return Losses(nats_of_batch(model, batch), asked.sum(axis=1), sizes, None)


def _together(parts: list[Losses]) -> Losses:
    nats, tokens, sizes = (np.concatenate([part[k] for part in parts]) for k in range(3))
    words = [part.words for part in parts if part.words is not None]
    return Losses(nats, tokens, sizes, np.concatenate(words) if words else None)


def _quantities(losses: Losses, suffix: str) -> dict[str, Quantity]:
    count = int(losses.tokens.sum())
    bits, spread = (number / math.log(2) for number in ratio(losses.nats, losses.sizes))
    found = {
        "ppl": exponential(*ratio(losses.nats, losses.tokens), count),
        "bits_per_byte": Quantity(bits, spread, count, higher_is_better=False),
    }
    if losses.words is not None:
        found["word_ppl"] = exponential(*ratio(losses.nats, losses.words), count)
    return {name + suffix: quantity for name, quantity in found.items()}


def ratio(sums: NDArray[np.float64], amounts: NDArray[Any]) -> tuple[float, float]:
    """Sum of ``sums`` over sum of ``amounts``, both of shape (pieces,), and its standard error over pieces.

    The ratio estimator of survey sampling (Cochran 1977, section 6.4); 0 for a single piece.
    """
    total, n = float(amounts.sum()), len(sums)
    mean = float(sums.sum()) / total
    return mean, float(np.sqrt(((sums - mean * amounts) ** 2).sum() * n / max(n - 1, 1)) / total)


def exponential(mean: float, stderr: float, count: int) -> Quantity:
    """exp of a mean loss in nats, with its error by the delta method; finite for a hopeless model too."""
    value = math.exp(min(mean, HIGHEST_LOG))
    return Quantity(value, value * stderr, count, higher_is_better=False)


def _items(losses: Losses, domain: str) -> list[ItemScore]:
    """Each piece of text: its own perplexity, and the log-probability of all of it."""
    pieces = zip(losses.nats.tolist(), losses.tokens.tolist(), strict=True)
    return [
        ItemScore(f"{domain}/{i}", None, math.exp(min(nats / tokens, HIGHEST_LOG)), -nats)
        for i, (nats, tokens) in enumerate(pieces)
        if tokens
    ]
