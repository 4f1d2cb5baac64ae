"""What ``ptp verify`` prints."""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping
from pathlib import Path

from ptp_core.engine.lock.diff import tolerance_of
from ptp_core.engine.lock.reading import read_study_lock
from ptp_core.engine.price_text import size
from ptp_core.engine.verify.finding import Finding
from ptp_core.engine.verify.locked import BITWISE, DIFFERENT, STATISTICAL
from ptp_core.engine.verify.rerun import Repeated, choose, repeat
from ptp_core.engine.verify.verifying import Verified, verify
from ptp_core.engine.workflow import plan
from ptp_core.errors import UserError
from ptp_core.files import pretty_json
from ptp_core.identity.lockfile import lock_path

EXIT_FOUND = 1


def run_verify(options: argparse.Namespace) -> None:
    """Verify a study and print what was found; leaves with code 1 if anything was. Raises UserError."""
    began = time.monotonic()
    workflow = plan(options.spec, options.results)
    path = lock_path(options.spec)
    if not workflow.folders.store.is_dir():
        raise UserError(
            "there are no results yet", subject=str(options.results), fix="run the study, or give --results"
        )
    lock = read_study_lock(path)
    found = verify(workflow, (path, lock), options.cache)
    chosen = choose(found.sound, options.rerun, options.seed)
    repeated = repeat(workflow, chosen, tolerance_of(lock)) if chosen else []
    findings = [*found.findings, *(one.finding for one in repeated if one.finding)]
    seconds = time.monotonic() - began
    print(
        _json(found, repeated, findings, seconds) if options.json else _text(found, repeated, findings, seconds, path)
    )
    if findings:
        raise SystemExit(EXIT_FOUND)


def _json(found: Verified, repeated: list[Repeated], findings: list[Finding], seconds: float) -> str:
    counts = {key: getattr(found, key) for key in ("results", "not_made", "files", "bytes", "derived")}
    return pretty_json(
        counts
        | {
            "findings": [finding.json() for finding in findings],
            "lock": dict(found.levels),
            "repeated": [one.json() for one in repeated],
            "seconds": round(seconds, 3),
        }
    ).rstrip()


def _text(found: Verified, repeated: list[Repeated], findings: list[Finding], seconds: float, lock: Path) -> str:
    lines = [str(finding) for finding in findings]
    lines += [str(one) for one in repeated if not one.finding]
    if found.not_made:
        lines.append(f"{found.not_made} results of this study have not been made yet.")
    if found.levels:
        lines.append(_lock_line(found.levels, lock))
    return "\n".join([*lines, _summary(found, len(findings), seconds)])


def _lock_line(counts: Mapping[str, int], lock: Path) -> str:
    words = {BITWISE: "bitwise equal", STATISTICAL: "equal within the tolerance", DIFFERENT: "different"}
    told = ", ".join(f"{counts[level]} {words[level]}" for level in words if counts[level])
    return f"{lock}: {told or 'it records none of these results'}."


def _summary(found: Verified, wrong: int, seconds: float) -> str:
    """Such as: 72 results, 1.2 GB, 312 files, 40 numbers derived again: all as recorded; 4.1 s."""
    result = f"{wrong} finding{'s' * (wrong > 1)}" if wrong else "all as recorded"
    return (
        f"{found.results:,} results, {size(found.bytes)}, {found.files:,} files, numbers of {found.derived:,} derived "
        f"again: {result}; {seconds:.1f} s"
    )
