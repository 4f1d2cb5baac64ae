"""The options of ``ptp verify`` and ``ptp gc``."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

GRACE_DAYS = 14.0
"""So long an edit can be undone for nothing, though the store is swept."""


def add_verify(commands: argparse._SubParsersAction[Any], run: object) -> None:
    """``ptp verify``."""
    text = "re-hash the results of a study, derive its numbers again, and name what is not as it was recorded"
    more = "Writes nothing but a cache of digests. Exit code 0 if all is as recorded, 1 if something was found."
    command = _command(commands, "verify", run, text, more)
    command.add_argument("spec", type=Path, help="the YAML file of a study, such as specs/demo.yaml")
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


def add_gc(commands: argparse._SubParsersAction[Any], run: object) -> None:
    """``ptp gc``."""
    text = "list the results of the store that no lock and no study needs, with size and age; --delete removes them"
    more = (
        "Kept are what a lock mentions, what the jobs of any study under the results were when it was planned last, "
        "what a process is writing, and the parents of all that. What a study no longer needs is kept for some days "
        "more (--older-than), so that undoing an edit costs nothing. To let go of a study, remove its folder under the "
        "results."
    )
    command = _command(commands, "gc", run, text, more)
    command.add_argument(
        "--specs",
        type=Path,
        action="append",
        help="folder whose locks count, with those below it (repeatable; default: specs)",
    )
    command.add_argument("--delete", action="store_true", help="remove what is listed")
    command.add_argument(
        "--older-than",
        type=_days,
        default=GRACE_DAYS,
        metavar="DAYS",
        help="keep what was needed, or made, less than so many days ago (default: %(default)g)",
    )


def _command(
    commands: argparse._SubParsersAction[Any], name: str, run: object, text: str, more: str
) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = commands.add_parser(
        name, help=text, description=f"{text[0].upper()}{text[1:]}. {more}"
    )
    command.add_argument("--results", type=Path, default=Path("results"), help="folder of results (default: results)")
    command.add_argument("--json", action="store_true", help="print everything as JSON")
    command.set_defaults(run=run)
    return command


def _count(text: str) -> int:
    value = int(text)
    if value < 0:
        raise argparse.ArgumentTypeError(f"{text} is less than 0")
    return value


def _days(text: str) -> float:
    value = float(text)
    if not value >= 0:
        raise argparse.ArgumentTypeError(f"{text} is less than 0")
    return value
