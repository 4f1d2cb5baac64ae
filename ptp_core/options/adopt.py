"""The options of ``ptp adopt``; what they mean is settled in ``engine/adopt.py``."""

from __future__ import annotations

from ptp_core.options.common import Commands, Run, add_command, add_results, add_spec


def add_adopt(commands: Commands, run: Run) -> None:
    """``ptp adopt``."""
    command = add_command(commands, "adopt", run, "keep results across a change of code that is declared harmless")
    add_spec(command)
    command.add_argument("--reason", required=True, help="one line: why the change is harmless; the lock keeps it")
    command.add_argument(
        "--stage", action="append", default=[], metavar="NAME[=DIGEST]",
        help="only the code of this stage, as of this older digest if there are several (repeatable; default: all)",
    )  # fmt: skip
    command.add_argument(
        "--package", action="append", default=[], metavar="NAME[=VERSION]",
        help="the installed version of this package, instead of code (repeatable)",
    )  # fmt: skip
    add_results(command)
