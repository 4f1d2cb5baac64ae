"""What the command line takes for `ptp lock` and `ptp diff`."""

from __future__ import annotations

from pathlib import Path

from ptp_core.options.common import Commands, Run, add_command, add_json, add_results


def add_lock(commands: Commands, run: Run) -> None:
    """``ptp lock``."""
    text = "write what a study resolves to, and what came out, into the lock beside its spec"
    command = add_command(commands, "lock", run, text, "Exit code 1 with --check if a lock is out of date.")
    command.add_argument("specs", type=Path, nargs="+", metavar="SPEC", help="YAML files of studies")
    command.add_argument("--check", action="store_true", help="write nothing; say which entries are out of date")
    add_results(command)


def add_diff(commands: Commands, run: Run) -> None:
    """``ptp diff``."""
    text = "in what two locks differ: what was asked, sources, code, packages, units, results"
    more = (
        "A spec stands for its study as it is planned and has run here. Exit code 1 if anything differs by more than "
        "the tolerance that the first lock declares."
    )
    command = add_command(commands, "diff", run, text, more)
    command.add_argument("one", type=Path, metavar="A", help="a lock, or a spec")
    command.add_argument("other", type=Path, metavar="B", help="another lock, or a spec")
    add_json(command, "print all differences as JSON")
    add_results(command)
