"""What measuring a checkpoint gives: quantities with their errors, and the scores of single items behind them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from ptp_core.work import Metrics

ITEMS_FILE = "items.parquet"


@dataclass(frozen=True)
class Quantity:
    """One number of a checkpoint."""

    value: float
    stderr: float | None
    """Standard error over items (windows, for a perplexity), clustered by document where items name one."""
    n_items: int
    """Items behind it; tokens, for a perplexity."""
    higher_is_better: bool


class ItemScore(NamedTuple):
    """One item under the metric of the headline."""

    id: str
    document: str | None
    score: float
    logprob: float | None
    """Of the right answer given the prompt, in nats; None where it was not asked for."""


@dataclass(frozen=True)
class Measured:
    """All that one measurement gives; ``headline`` is the quantity that goes by the measurement's own name."""

    headline: str
    quantities: Mapping[str, Quantity]
    items: Sequence[ItemScore] = ()


def metrics_of(measured: Measured) -> Metrics:
    """The metrics of a receipt: ``headline``, and value, stderr, n_items, higher_is_better of each quantity."""
    quantities = {name: vars(quantity) for name, quantity in measured.quantities.items()}
    return {"headline": measured.headline, "quantities": json.loads(json.dumps(quantities))}


def write_items(items: Sequence[ItemScore], folder: Path) -> None:
    """Write ``items.parquet``: id, document, score, logprob of every item; nothing if there are none."""
    if items:
        import pyarrow as pa
        import pyarrow.parquet as pq

        columns: dict[str, Any] = {name: [getattr(item, name) for item in items] for name in ItemScore._fields}
        types = {"id": pa.string(), "document": pa.string(), "score": pa.float64(), "logprob": pa.float64()}
        table = pa.table({name: pa.array(values, types[name]) for name, values in columns.items()})
        pq.write_table(table, folder / ITEMS_FILE, compression="zstd")
