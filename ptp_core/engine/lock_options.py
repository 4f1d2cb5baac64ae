"""What the command line takes for `ptp lock` and `ptp diff`."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_lock(commands: argparse._SubParsersAction) -> None:  # type: ignore[type-arg]
    """Add the command `lock`."""
    command = commands.add_parser(
        "lock",
        help="write what a study resolves to, and what came out, into the lock beside its spec",
        description="Write what a study resolves to, and what came out, into the lock beside its spec. "
        "Exit code 1 with --check if a lock is out of date.",
    )
    command.add_argument("specs", type=Path, nargs="+", metavar="SPEC", help="YAML files of studies")
    command.add_argument("--check", action="store_true", help="write nothing; say which entries are out of date")
    _results(command)
    command.set_defaults(run=_lock)


def add_diff(commands: argparse._SubParsersAction) -> None:  # type: ignore[type-arg]
    """Add the command `diff`."""
    command = commands.add_parser(
        "diff",
        help="in what two locks differ: what was asked, sources, code, packages, units, results",
        description="In what two locks differ. A spec stands for its study as it is planned and has run here. "
        "Exit code 1 if anything differs by more than the tolerance that the first lock declares.",
    )
    command.add_argument("one", type=Path, metavar="A", help="a lock, or a spec")
    command.add_argument("other", type=Path, metavar="B", help="another lock, or a spec")
    command.add_argument("--json", action="store_true", help="print all differences as JSON")
    _results(command)
    command.set_defaults(run=_diff)


def _results(command: argparse.ArgumentParser) -> None:
    command.add_argument("--results", type=Path, default=Path("results"), help="folder of results (default: results)")


def _lock(options: argparse.Namespace) -> int:
    from ptp_core.engine.lock import check_locks, write_locks

    return (check_locks if options.check else write_locks)(options.specs, options.results)


def _diff(options: argparse.Namespace) -> int:
    from ptp_core.engine.lock_diff import print_diff

    return print_diff(options.one, options.other, options.results, options.json)
