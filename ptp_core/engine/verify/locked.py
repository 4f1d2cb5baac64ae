"""The results of a study against those that its lock records: the same bits, the same numbers, or other ones."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ptp_core.engine.lock.diff import Tolerance
from ptp_core.engine.lock.results import headline_metrics
from ptp_core.engine.verify.entries import Entry, again
from ptp_core.engine.verify.finding import Finding
from ptp_core.engine.verify.repeatable import repeatable_artifacts
from ptp_core.identity.canonical import digest

BITWISE, STATISTICAL, DIFFERENT = "bitwise", "statistical", "different"
"""How two results of one fingerprint compare: every file that can be repeated is equal; the numbers are, within the
tolerance; neither."""


@dataclass(frozen=True)
class Compared:
    """One result against another one of the same fingerprint."""

    level: str
    number: str = ""
    """The first number that differs, by more than the tolerance if any does; empty if none."""
    told: Any = None
    found: Any = None


def artifacts_digest(receipt: Mapping[str, Any]) -> str:
    """One digest of all files of a result that a second run makes bit for bit, as a lock has it."""
    return digest(repeatable_artifacts(receipt["artifacts"]))


def compare_metrics(told: Mapping[str, Any], found: Mapping[str, Any], tolerance: Tolerance) -> Compared:
    """Two results by their headline numbers: STATISTICAL or DIFFERENT."""
    differing = [name for name in sorted({*told, *found}) if told.get(name) != found.get(name)]
    beyond = [name for name in differing if not tolerance.holds(told.get(name), found.get(name))]
    level = DIFFERENT if beyond else STATISTICAL
    return next(
        (Compared(level, name, told.get(name), found.get(name)) for name in beyond or differing), Compared(level)
    )


def check_lock(
    path: Path, lock: Mapping[str, Any], entries: Iterable[Entry], tolerance: Tolerance
) -> tuple[dict[str, int], list[Finding]]:
    """(level → how many results of the lock compare so, a finding for each that differs)."""
    levels = {BITWISE: 0, STATISTICAL: 0, DIFFERENT: 0}
    findings = []
    results = [value for key, value in lock.items() if key.startswith("result/") and isinstance(value, dict)]
    # By fingerprint: names are not identity.
    recorded = {value.get("fingerprint"): value for value in results}
    for entry in entries:
        told = recorded.get(entry.unit.fingerprint)
        if told is None:
            continue
        compared = _compare(told, entry, tolerance)
        levels[compared.level] += 1
        if compared.level == DIFFERENT:
            what = f"{compared.number} of {entry.name} is not what {path} records"
            fix = (
                f"if it was made on another kind of machine, write the lock anew (ptp lock); else {again(entry.folder)}"
            )
            told_and_found = repr(compared.told), repr(compared.found)
            findings.append(Finding(entry.folder, what, *told_and_found, fix, entry.unit.place))
    return levels, findings


def _compare(told: Mapping[str, Any], entry: Entry, tolerance: Tolerance) -> Compared:
    if told.get("status") != entry.receipt["status"]:
        return Compared(DIFFERENT, "status", told.get("status"), entry.receipt["status"])
    if told.get("artifacts") == artifacts_digest(entry.receipt):
        return Compared(BITWISE)
    return compare_metrics(told.get("metrics") or {}, headline_metrics(entry.receipt["metrics"]), tolerance)
