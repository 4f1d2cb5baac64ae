"""How the numbers were made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from ptp_core.report.numbers import duration, finite_all, memory, short
from ptp_core.report.run import Run


@dataclass(frozen=True)
class Making:
    """Rows of the jobs table (stage, jobs, reused, core time, peak memory), their total, and links as label, href."""

    jobs: tuple[tuple[str, ...], ...]
    total: tuple[str, ...] | None
    links: tuple[tuple[str, str], ...]
    run: Run


def making_of(run: Run) -> Making:
    """Jobs with readable times, and links that can only lead to files beside the page."""
    return Making(
        jobs=tuple(_job(row) for row in run.jobs),
        total=_total(run.jobs) if len(run.jobs) > 1 else None,
        links=tuple((label, relative_href(path)) for label, path in run.links.items()),
        run=run,
    )


def relative_href(path: str) -> str:
    """A path as a link that stays relative: ``javascript:`` or ``//host`` become odd file names, nothing more."""
    return "./" + quote(path, errors="replace")


def _job(row: Mapping[str, Any]) -> tuple[str, ...]:
    return (
        str(row.get("stage", "")),
        short(row.get("jobs")),
        short(row.get("reused")),
        duration(row.get("core_seconds")),
        memory(row.get("peak_memory_mb")),
    )


def _total(rows: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """Counts and times add up; of memory the largest counts."""
    jobs, reused, seconds = (
        sum(finite_all(row.get(name) for row in rows)) for name in ("jobs", "reused", "core_seconds")
    )
    peak = max(finite_all(row.get("peak_memory_mb") for row in rows), default=None)
    return ("all", short(jobs, 6), short(reused, 6), duration(seconds), memory(peak))
