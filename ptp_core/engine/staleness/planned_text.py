"""What would run now, as people read it: the answer first, then its causes, then what the hours rest on."""

from __future__ import annotations

from collections.abc import Iterator

from ptp_core.engine.price_text import hours, size
from ptp_core.engine.resources import CPU_FLOPS
from ptp_core.engine.staleness.causes import Cause
from ptp_core.engine.staleness.planned import Group, Planned
from ptp_core.engine.staleness.rates import Amount
from ptp_core.engine.staleness.stale import names_of

SHOWN = 10
"""Causes that are printed; JSON has all."""
WIDTH = 60
"""Columns of a cause before its place in the spec."""


def planned_lines(found: Planned) -> Iterator[str]:
    """The page, short whatever the study."""
    there = f"the results of all {found.of:,} jobs are in the store" if found.of else ""
    if found.nothing:
        yield f"Nothing to be done{there and ': ' + there}."
        return
    summaries = ", ".join(found.summaries)
    if found.jobs:
        then = f"; then {summaries}" if summaries else ""
        yield f"Would run now: {found.jobs:,} of {found.of:,} jobs, {amount_text(found.amount)}{then}"
    else:
        yield f"Would run now: {summaries}{there and '; ' + there}"
    if found.begun:
        yield f"  {found.begun:,} of its results are begun already; a training goes on where it stopped."
    for group in found.groups[:SHOWN]:
        yield from _group_lines(group)
    if len(found.groups) > SHOWN:
        yield f"  … and {len(found.groups) - SHOWN:,} more causes; --json has all"
    if any(group.alone != group.amount for group in found.groups):
        yield "  What has several causes is counted under each of them."
    if not found.jobs:
        yield from _summary_lines(found.summaries)
    yield from _basis(found)


def _group_lines(group: Group) -> Iterator[str]:
    yield "  " + cause_line(group.cause, [label for stage, label in group.jobs if stage in ("pretrain", "import")])
    stages = ", ".join(f"{stage} {count:,}" for stage, count in group.by_stage.items())
    alone = ""
    if group.alone != group.amount:
        alone = f" (by this alone: {hours(group.alone.hours)} {group.alone.unit})"
    yield f"      {_count(len(group.jobs), 'job')} ({stages}): {amount_text(group.amount)}{alone}"


def cause_line(cause: Cause, variants: list[str] | None = None) -> str:
    """A cause and the line of the spec that it comes from."""
    text = str(cause)
    if cause.kind == "new" and cause.where and variants:
        text += f": {names_of(variants)}"
    return f"{text:<{WIDTH}}  {cause.where}" if cause.where else text


def _summary_lines(summaries: dict[str, tuple[Cause, ...]]) -> Iterator[str]:
    for stage, causes in summaries.items():
        yield from (f"  {stage + ':':<10}{cause_line(cause)}" for cause in causes)


def _basis(found: Planned) -> Iterator[str]:
    """What the hours rest on."""
    rates = {stage: rate for stage, rate in found.rates.items() if stage}
    if rates:
        yield "  Hours by what earlier receipts took: " + ", ".join(f"{s} ({r.receipts:,})" for s, r in rates.items())
    if found.assumed:
        rate = f"{CPU_FLOPS / 1e9:g} GFLOP/s a core" if found.on_cpus else "the MFU and the peak assumed below"
        yield f"  Hours of {', '.join(found.assumed)}: no receipts yet, so by {rate}"
    if found.amount.untimed:
        yield f"  {_count(found.amount.untimed, 'result')} in no hours: neither FLOPs nor an earlier time are known"


def amount_text(amount: Amount) -> str:
    """FLOPs, hours and bytes of some results, as far as they are known."""
    parts = [f"{amount.flops:.3g} FLOPs"] if amount.flops else []
    if amount.hours:
        parts.append(f"{hours(amount.hours)} {amount.unit}")
    parts += [size(round(amount.bytes))] if amount.bytes else []
    return ", ".join(parts) or "nothing known of its price"


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'s' * (number != 1)}"
