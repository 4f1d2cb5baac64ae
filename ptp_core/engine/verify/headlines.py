"""Numbers of receipts derived again from what is kept of every item or step."""

from __future__ import annotations

import csv
import json
import math
import statistics
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ptp_core.engine.verify.entries import Entry, again
from ptp_core.engine.verify.finding import Finding, number
from ptp_core.identity.receipts import OK, RECEIPT

Numbers = dict[str, float]
"""Key in the metrics, dotted, → value."""

SAME = 1e-9
"""Relative difference that the order of a sum may make."""
ITEMS = "items.parquet"
HIGHEST_LOG = 700.0
"""As in ``measure.perplexity``: exp of more is no finite number."""


def check_numbers(entry: Entry) -> list[Finding] | None:
    """A finding for each number that its items do not give; None if nothing is kept that numbers could be made of."""
    if entry.receipt["status"] != OK:
        return None
    try:
        derived = _derived(entry)
    except (OSError, ValueError, LookupError, TypeError, AttributeError, ArithmeticError) as error:
        what = f"the numbers of {entry.name} cannot be derived again from what it keeps"
        got = f"{type(error).__name__}: {error}"
        return [Finding(entry.folder, what, got=got, fix=again(entry.folder), place=entry.unit.place)]
    return [_wrong(entry, key, *values) for key, values in _differing(entry, derived)] if derived else None


def _differing(entry: Entry, derived: dict[str, tuple[float, str]]) -> Iterator[tuple[str, tuple[float, Any, str]]]:
    for key, (value, file) in derived.items():
        told = _at(entry.receipt["metrics"], key)
        if not isinstance(told, int | float) or not math.isclose(told, value, rel_tol=SAME, abs_tol=1e-12):
            yield key, (value, told, file)


def _wrong(entry: Entry, key: str, value: float, told: Any, file: str) -> Finding:
    what = f"metrics.{key.replace('/', '.')} of {entry.name} is not what its {file} gives: one of them was edited"
    path = entry.folder / RECEIPT
    return Finding(path, what, number(value), number(told), again(entry.folder), entry.unit.place)


def _at(metrics: Any, key: str) -> Any:
    for part in key.split("/"):
        metrics = metrics.get(part) if isinstance(metrics, dict) else None
    return metrics


def _derived(entry: Entry) -> dict[str, tuple[float, str]]:
    """Key in the metrics (parts parted by /) → (value, file that it was derived from)."""
    if entry.unit.stage in ("pretrain", "anneal"):
        return _of_training(entry.folder)
    if entry.unit.stage not in ("indicators", "evaluate"):
        return {}
    settings = entry.receipt["settings"]
    kind = next((kind for kind in _KINDS if settings.get(kind)), "kshot")
    own = {key: (value, ITEMS) for key, value in _of_items(entry, _KINDS[kind]).items()}
    reported = _of_harness(entry)
    return own | reported if kind == "harness" else reported | own


def _of_training(folder: Path) -> dict[str, tuple[float, str]]:
    """Loss over the last twentieth of the steps, and the held-out losses at both ends."""
    import pyarrow.parquet as pq

    losses = pq.read_table(folder / "telemetry.parquet", columns=["loss"])["loss"].to_pylist()
    with (folder / "held_out.csv").open(newline="") as stream:
        held_out = [float(row["loss"]) for row in csv.DictReader(stream)]
    last = losses[-max(len(losses) // 20, 1) :]
    return {
        "loss": (statistics.fmean(last), "telemetry.parquet"),
        "held_out_loss_at_start": (held_out[0], "held_out.csv"),
        "held_out_loss": (held_out[-1], "held_out.csv"),
    }


def _of_items(entry: Entry, derive: Callable[[list[dict[str, Any]]], Numbers]) -> Numbers:
    """The headline (and for perplexities that of each domain) from the scores of single items."""
    path = entry.folder / ITEMS
    if not path.is_file():
        return {}
    import pyarrow.parquet as pq

    headline = entry.receipt["metrics"]["headline"]
    derived = derive(pq.read_table(path).to_pylist())
    return {f"quantities/{headline}{suffix}": value for suffix, value in derived.items()}


def _mean(items: list[dict[str, Any]]) -> Numbers:
    from ptp_core.stats.clusters import mean_error

    scores = [item["score"] for item in items]
    documents = [item["document"] for item in items]
    clusters = documents if all(document is not None for document in documents) else None
    found: Numbers = {"/value": statistics.fmean(scores), "/n_items": len(items)}
    return found | ({"/stderr": mean_error(scores, clusters)} if len(items) > 1 else {})


def _value_alone(items: list[dict[str, Any]]) -> Numbers:
    # The harness has errors, groups and filters of its own: what it reports is compared with its own file instead.
    return {"/value": statistics.fmean(item["score"] for item in items)}


def _loss(items: list[dict[str, Any]]) -> Numbers:
    """Nats a token over all items: an item's score is its own, its log-probability the negative sum."""
    nats = [-item["logprob"] for item in items]
    tokens = [round(total / item["score"]) for total, item in zip(nats, items, strict=True) if item["score"]]
    whole = len(tokens) == len(items)
    return {"/value": sum(nats) / sum(tokens), "/n_items": len(items)} if whole else {}


def _perplexity(items: list[dict[str, Any]]) -> Numbers:
    """exp of nats a token: a piece's score is its own perplexity, which says how many tokens it has."""
    domains: dict[str, list[tuple[float, int]]] = {}
    for item in items:
        log, nats = math.log(item["score"]), -item["logprob"]
        if not 0 < log < HIGHEST_LOG:
            return {}
        domains.setdefault(item["id"].rpartition("/")[0], []).append((nats, round(nats / log)))
    found: Numbers = {}
    parts = {"": [piece for pieces in domains.values() for piece in pieces]}
    parts |= {f"@{name}": pieces for name, pieces in domains.items()}
    for suffix, pieces in parts.items():
        total, tokens = sum(nats for nats, _ in pieces), sum(count for _, count in pieces)
        found |= {f"{suffix}/value": math.exp(min(total / tokens, HIGHEST_LOG)), f"{suffix}/n_items": tokens}
    return found


_KINDS: dict[str, Callable[[list[dict[str, Any]]], Numbers]] = {
    "perplexity": _perplexity,
    "tuned": _loss,
    "harness": _value_alone,
    "plugin": _mean,
    "kshot": _mean,
}
"""Section of the settings → how its headline comes from its items; an evaluation on own items is like a ``kshot``."""


def _of_harness(entry: Entry) -> dict[str, tuple[float, str]]:
    """Quantities as the harness' own file reports them, under names as ``harness_results.reported`` gives them."""
    name = "lm_eval/results.json"
    path = entry.folder / name
    if not path.is_file():
        return {}
    results = json.loads(path.read_text(encoding="utf-8"))["results"]
    quantities = entry.receipt["metrics"]["quantities"]
    # A group and its tasks report the same metrics: the receipt says one of these values.
    candidates: dict[str, list[float]] = {}
    for task in results.values():
        metrics = [key.split(",", 1)[0] for key in task if "," in key]
        for key, value in task.items():
            metric, _, filtered = key.partition(",")
            own = f"{metric}_{filtered}" if metrics.count(metric) > 1 else metric
            if filtered and own in quantities and isinstance(value, int | float):
                candidates.setdefault(own, []).append(float(value))
    return {
        f"quantities/{own}/value": (_nearest(values, quantities[own]["value"]), name)
        for own, values in candidates.items()
    }


def _nearest(values: list[float], told: float) -> float:
    return min(values, key=lambda value: abs(value - told))
