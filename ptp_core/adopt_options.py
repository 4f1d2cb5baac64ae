"""The options of ``ptp adopt``; what they mean is settled in ``engine/adopt.py``."""

from __future__ import annotations

import argparse


def add_adopt(command: argparse.ArgumentParser) -> None:
    """The options of the command."""
    command.add_argument("--reason", required=True, help="one line: why the change is harmless; the lock keeps it")
    command.add_argument(
        "--stage", action="append", default=[], metavar="NAME[=DIGEST]",
        help="only the code of this stage, as of this older digest if there are several (repeatable; default: all)",
    )  # fmt: skip
    command.add_argument(
        "--package", action="append", default=[], metavar="NAME[=VERSION]",
        help="the installed version of this package, instead of code (repeatable)",
    )  # fmt: skip
