"""The results of a study against those that its lock records: the same bits, the same numbers, or other ones."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ptp_core.engine.lock_results import headline_metrics
from ptp_core.engine.verify.entries import Entry, again
from ptp_core.engine.verify.finding import Finding
from ptp_core.engine.verify.repeatable import repeatable_artifacts, repeatable_metrics
from ptp_core.identity.canonical import digest

BITWISE, STATISTICAL, DIFFERENT = "bitwise", "statistical", "different"
"""How two results of one fingerprint compare: every file that can be repeated is equal; the numbers are, within the
tolerance; neither."""


@dataclass(frozen=True)
class Compared:
    """One result against another one of the same fingerprint."""

    level: str
    largest: float = 0.0
    """Relative difference of the number that differs most."""
    number: str = ""
    told: Any = None
    found: Any = None


def artifacts_digest(receipt: Mapping[str, Any]) -> str:
    """One digest of all files of a result that a second run makes bit for bit."""
    return digest(repeatable_artifacts(receipt["artifacts"]))


def compare_metrics(told: Mapping[str, Any], found: Mapping[str, Any], tolerance: float) -> Compared:
    """STATISTICAL if all numbers in both agree within a relative tolerance, or within two of their standard errors."""
    worst = Compared(STATISTICAL)
    for name, one, other, error in _pairs(repeatable_metrics(told), repeatable_metrics(found), ""):
        gap = _gap(one, other)
        within = gap <= tolerance or (error is not None and abs(one - other) <= 2 * error)
        level = worst.level if within else DIFFERENT
        if gap > worst.largest or level != worst.level:
            worst = Compared(level, max(gap, worst.largest), name, one, other)
    return worst


def _pairs(told: Any, found: Any, key: str) -> Iterator[tuple[str, Any, Any, float | None]]:
    """(name, one number, the other, standard error if there is one) of what is a number, or text, in both."""
    if isinstance(told, dict) and isinstance(found, dict):
        error = told.get("stderr") if isinstance(told.get("stderr"), int | float) else None
        for name in sorted({*told} & {*found} - {"stderr"}):
            for pair in _pairs(told[name], found[name], f"{key}.{name}" if key else name):
                yield (*pair[:3], error if name == "value" else pair[3])
    else:
        yield key, told, found, None


def _gap(one: Any, other: Any) -> float:
    if one == other:
        return 0.0
    if isinstance(one, int | float) and isinstance(other, int | float):
        scale = max(abs(one), abs(other))
        return abs(one - other) / scale if scale else 0.0
    return math.inf


def check_lock(
    path: Path, lock: Mapping[str, Any], entries: Iterable[Entry], tolerance: float
) -> tuple[dict[str, int], list[Finding]]:
    """(level → how many results of the lock compare so, a finding for each that differs)."""
    levels = {BITWISE: 0, STATISTICAL: 0, DIFFERENT: 0}
    findings = []
    # By fingerprint: names are not identity.
    recorded = {
        value["fingerprint"]: value for key, value in lock.items() if key.startswith("result/") and _whole(value)
    }
    for entry in entries:
        told = recorded.get(entry.unit.fingerprint)
        if told is None:
            continue
        compared = _compare(told, entry, tolerance)
        levels[compared.level] += 1
        if compared.level == DIFFERENT:
            what = f"{compared.number} of {entry.name} is not what {path} records"
            findings.append(
                Finding(
                    entry.folder, what, repr(compared.told), repr(compared.found),
                    f"if it was made on another kind of machine, write the lock anew; else {again(entry.folder)}",
                    entry.unit.place,
                )
            )  # fmt: skip
    return levels, findings


def _whole(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("fingerprint"), str)


def _compare(told: Mapping[str, Any], entry: Entry, tolerance: float) -> Compared:
    if told.get("status") != entry.receipt["status"]:
        return Compared(DIFFERENT, math.inf, "status", told.get("status"), entry.receipt["status"])
    if told.get("artifacts") == artifacts_digest(entry.receipt):
        return Compared(BITWISE)
    return compare_metrics(told.get("metrics") or {}, headline_metrics(entry.receipt["metrics"]), tolerance)
