"""What several commands take."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

Commands: TypeAlias = "argparse._SubParsersAction[Any]"
Run = Callable[[argparse.Namespace], int | None]
"""What runs a command; returns its exit code, if it has one of its own."""


def add_command(commands: Commands, name: str, run: Run, text: str, more: str = "") -> argparse.ArgumentParser:
    """A command with the words that its help says of it."""
    said = f"{text[0].upper()}{text[1:]}. {more}".strip()
    command: argparse.ArgumentParser = commands.add_parser(name, help=text, description=said)
    command.set_defaults(run=run)
    return command


def add_spec(command: argparse.ArgumentParser) -> None:
    """The spec of one study."""
    command.add_argument("spec", type=Path, help="the YAML file of a study, such as specs/demo.yaml")


def add_results(command: argparse.ArgumentParser) -> None:
    """Where results are."""
    command.add_argument("--results", type=Path, default=Path("results"), help="folder of results (default: results)")


def add_json(command: argparse.ArgumentParser, text: str = "print all numbers as JSON") -> None:
    """For programs."""
    command.add_argument("--json", action="store_true", help=text)


def number(text: str) -> float:
    """A finite number of at least 0."""
    value = float(text)
    if not 0 <= value < math.inf:
        raise argparse.ArgumentTypeError(f"{text} is not a number of at least 0")
    return value


def positive_number(text: str) -> float:
    """A finite number above 0."""
    value = float(text)
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"{text} is not a number above 0")
    return value
