"""The options of ``ptp verify`` and ``ptp gc``."""

from __future__ import annotations

import argparse
from pathlib import Path

from ptp_core.options.common import Commands, Run, add_command, add_json, add_results, add_spec, number

GRACE_DAYS = 14.0
"""So long an edit can be undone for nothing, though the store is swept."""


def add_verify(commands: Commands, run: Run) -> None:
    """``ptp verify``."""
    text = "re-hash the results of a study, derive its numbers again, and name what is not as it was recorded"
    more = "Writes nothing but a cache of digests. Exit code 0 if all is as recorded, 1 if something was found."
    command = add_command(commands, "verify", run, text, more)
    add_spec(command)
    command.add_argument(
        "--rerun",
        type=_count,
        default=0,
        metavar="N",
        help="repeat N random cheap results elsewhere and compare: bit for bit, or within the lock's tolerance",
    )
    command.add_argument("--seed", type=int, default=0, help="which ones are repeated (default: 0)")
    command.add_argument(
        "--no-cache",
        dest="cache",
        action="store_false",
        help="read every file, also those that have not changed since the last look by size, times and inode; nothing "
        "else finds bits that a disk has lost",
    )
    add_json(command, "print everything as JSON")
    add_results(command)


def add_gc(commands: Commands, run: Run) -> None:
    """``ptp gc``."""
    text = "list the results of the store that no lock and no study needs, with size and age; --delete removes them"
    more = (
        "Kept are what a lock mentions (in --specs, or beside the spec of a study under the results), what the jobs of "
        "any study under the results were when it was planned last, what a process is writing, and the parents of all "
        "that. What a study no longer needs is kept for some days more (--older-than), so that undoing an edit costs "
        "nothing. To let go of a study, remove its folder under the results."
    )
    command = add_command(commands, "gc", run, text, more)
    command.add_argument(
        "--specs",
        type=Path,
        action="append",
        help="folder whose locks count, with those below it (repeatable; default: specs)",
    )
    command.add_argument("--delete", action="store_true", help="remove what is listed")
    command.add_argument(
        "--older-than",
        type=number,
        default=GRACE_DAYS,
        metavar="DAYS",
        help="keep what was needed, or made, less than so many days ago (default: %(default)g)",
    )
    add_json(command, "print everything as JSON")
    add_results(command)


def _count(text: str) -> int:
    value = int(text)
    if value < 0:
        raise argparse.ArgumentTypeError(f"{text} is less than 0")
    return value
