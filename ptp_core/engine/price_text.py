"""The price of a study as people and as programs read it."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from typing import Any

from ptp_core import cost
from ptp_core.engine.price import Price
from ptp_core.engine.price_measuring import Estimate

SHOWN_MISSING = 3
"""Missing files that are named before ``ptp check`` is left to name the others."""


def price_rows(price: Price) -> list[list[str]]:
    """The table of variants, its head first and the total last."""
    processes = price.variants[0].layout.processes
    rows = [["variant", "parameters", "tokens", "FLOPs", "GPU-hours", f"days on {processes}", "layout", "kept"]]
    for v in price.variants:
        days = hours(v.device_hours / v.layout.processes / 24)
        layout = f"{v.layout.processes} × {v.layout.accumulation} × {v.layout.rows}"
        amounts = [short(v.parameters), short(v.tokens), f"{v.flops:.3g}", hours(v.device_hours)]
        rows.append([v.name, *amounts, days, layout, str(v.checkpoints)])
    tokens, checkpoints = (sum(getattr(v, key) for v in price.variants) for key in ("tokens", "checkpoints"))
    total = [short(tokens), f"{price.flops:.3g}", hours(price.hours(price.flops))]
    return [*rows, ["total", "", *total, "", "", str(checkpoints)]]


def price_lines(price: Price) -> Iterator[str]:
    """What stands below the table: how it was reckoned, the rest of the compute, storage, and what is missing."""
    if price.variants:
        yield from _reckoning(price)
        yield from _compute(price)
        yield from _storage(price)
    if price.existing:
        yield f"{price.existing} existing checkpoints are not priced: their size is known when they are loaded."
    yield from (f"missing: {text}" for text in price.missing[:SHOWN_MISSING])
    if len(price.missing) > SHOWN_MISSING:
        yield f"… and {len(price.missing) - SHOWN_MISSING:,} more that are missing; `ptp check` names them all"


def price_json(price: Price) -> str:
    """All numbers of the price, and their sums under ``totals``."""
    found: dict[str, Any] = dataclasses.asdict(price)
    for entry, v in zip(found["variants"], price.variants, strict=True):
        entry["layout"] = v.layout._asdict()
    return json.dumps(found | {"flops_formula": f"tokens · ({cost.FORMULA})", "totals": totals(price)}, indent=1)


def totals(price: Price) -> dict[str, Any]:
    """Sums over the study; ``shard_bytes`` is None if the tokens of a domain are not known."""
    shards = [source.bytes for source in price.sources]
    everything = price.flops + price.tuning.flops + price.measuring.flops
    return {
        "variants": len(price.variants),
        "tokens": sum(v.tokens for v in price.variants),
        "pretraining_flops": price.flops,
        "flops": everything,
        "device_hours": price.hours(everything),
        "checkpoint_bytes": sum(v.checkpoint_bytes for v in price.variants),
        "state_bytes_of_the_largest": max((v.state_bytes for v in price.variants), default=0),
        "state_bytes_of_all_at_once": sum(v.state_bytes for v in price.variants),
        "shard_bytes": None if None in shards else sum(size for size in shards if size is not None),
        "tuned_models": sum(v.tuned_models for v in price.variants),
        "tuned_bytes": sum(v.tuned_bytes for v in price.variants),
    }


def _reckoning(price: Price) -> Iterator[str]:
    yield f"FLOPs = tokens · ({cost.FORMULA}), forward and backward (Chowdhery et al. 2023, appendix B)"
    yield (
        f"GPU-hours = FLOPs / ({price.utilisation:g} · {price.peak_flops / 1e12:g} TFLOP/s); MFU and peak are "
        "assumptions: set them by --mfu and --peak"
    )
    yield "layout = processes × micro-batches × rows of a micro-batch; parameters count a vocabulary of " + (
        f"{price.vocabulary:,}"
    )
    yield "Nothing that the store may hold already is taken off."


def _compute(price: Price) -> Iterator[str]:
    yield "\nCompute"
    for what, estimate in (
        ("pre-training", Estimate(price.flops, ())),
        ("fine-tuning, at most", price.tuning),
        ("measuring, about", price.measuring),
    ):
        yield f"  {what:<22}{estimate.flops:>9.3g} FLOPs {hours(price.hours(estimate.flops)):>9} GPU-hours"
    yield "  Items are counted as if each filled the context."
    for what, estimate in (("fine-tuning", price.tuning), ("measuring", price.measuring)):
        if estimate.left_out:
            yield f"  Left out of {what}, since the spec does not tell their items: {', '.join(estimate.left_out)}"


def _storage(price: Price) -> Iterator[str]:
    sums = totals(price)
    largest = size(sums["state_bytes_of_the_largest"])
    unknown = [source.domain for source in price.sources if source.bytes is None]
    known = sum(source.bytes or 0 for source in price.sources)
    yield "\nStorage"
    yield f"  checkpoints           {size(sums['checkpoint_bytes']):>9}  fp32 safetensors, kept"
    yield f"  saved states          {largest:>9}  while the largest variant trains: two kept, a third being written;"
    yield f"{'':<35}{size(sums['state_bytes_of_all_at_once'])} if all train at once"
    if known:
        per_token = cost.token_bytes(price.vocabulary or 0)
        yield f"  token shards          {size(known):>9}  at most, {per_token} bytes a token, shared by all variants"
    if unknown:
        yield f"  token shards of {', '.join(unknown)}: unknown until read"
    if sums["tuned_models"]:
        yield f"  fine-tuned models     {size(sums['tuned_bytes']):>9}  {sums['tuned_models']:,} of them"
    total = size(sums["checkpoint_bytes"] + known + sums["tuned_bytes"])
    yield f"  kept in all           {total:>9}" + ("  and the shards that are unknown" if unknown else "")


def short(value: float) -> str:
    """Three significant digits with a suffix: 1_100_048_384 → ``1.1B``."""
    for suffix, scale in (("T", 1e12), ("B", 1e9), ("M", 1e6), ("k", 1e3)):
        # Rounded first: 999,999 is 1M, not 1e+03k.
        if float(f"{value:.3g}") >= scale:
            return f"{float(f'{value:.3g}') / scale:g}{suffix}"
    return f"{value:.3g}"


def size(count: float) -> str:
    """Bytes in decimal units: 4_400_193_536 → ``4.4 GB``."""
    text = short(count)
    return f"{text[:-1]} {text[-1].replace('B', 'G')}B" if text[-1] in "TBMk" else f"{text} B"


def hours(value: float) -> str:
    """Hours, to three digits where there are few of them."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
