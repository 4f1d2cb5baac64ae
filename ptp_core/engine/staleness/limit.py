"""A limit on what one run may cost: ``--config max_gpu_hours=100``."""

from __future__ import annotations

import math
from typing import Any

from ptp_core.engine.price_text import hours
from ptp_core.engine.staleness.command import UTILISATION, peak_of
from ptp_core.engine.staleness.planned import Planned, planned
from ptp_core.engine.staleness.planned_text import cause_line
from ptp_core.engine.staleness.stale import Staleness
from ptp_core.engine.workflow import Workflow
from ptp_core.errors import UserError

SHOWN = 3
"""The dearest causes, which are named."""


def hours_allowed(written: Any) -> float | None:
    """The limit of the command line or a profile, None where there is none. Raises UserError if it is not above 0."""
    if written is None:
        return None
    try:
        value = math.nan if isinstance(written, bool) else float(written)
    except (TypeError, ValueError):
        value = math.nan
    if not 0 < value < math.inf:
        raise UserError(
            "this is no limit", subject="--config max_gpu_hours", expected="a number of hours above 0", got=written,
            fix="write max_gpu_hours=100, or leave it out",
        )  # fmt: skip
    return value


def refuse_above(workflow: Workflow, limit: float) -> None:
    """Raises UserError if what would run now costs more than so many hours of devices, or if nobody can tell."""
    found = planned(Staleness(workflow), UTILISATION, peak_of(workflow.study))
    if found.unpriced:
        raise UserError(
            f"what {found.unpriced:,} of the missing results cost is not known; nothing has been started",
            subject=str(workflow.study.path), expected=f"at most max_gpu_hours={limit:g}",
            fix="run one of them without a limit: its receipt says how long such a result takes",
        )  # fmt: skip
    if found.amount.hours > limit:
        raise UserError(
            f"this run would cost {hours(found.amount.hours)} {found.amount.unit}; nothing has been started",
            subject=str(workflow.study.path), expected=f"at most max_gpu_hours={limit:g}", fix=_advice(found),
        )  # fmt: skip


def _advice(found: Planned) -> str:
    raised = f"raise it to max_gpu_hours={_above(found.amount.hours):g}, or undo what costs most:"
    dear = [
        f"\n  {hours(group.amount.hours)} {group.amount.unit}: {cause_line(group.cause)}"
        for group in found.groups[:SHOWN]
    ]
    kept = {group.cause.kind for group in found.groups} & {"code", "package"}
    adopt = (
        "\nIf the changed code or packages do no harm, `ptp adopt SPEC --reason …` keeps what there is." if kept else ""
    )
    return raised + "".join(dear) + adopt


def _above(value: float) -> float:
    """The next number of two digits that is not below."""
    step = 10.0 ** (math.floor(math.log10(value)) - 1)
    return math.ceil(value / step) * step
