"""The options of ``ptp export``; what they mean together is settled in ``engine/export/command.py``."""

from __future__ import annotations

import argparse
from datetime import date
from pathlib import Path

from ptp_core.options.common import Commands, Run, add_command, add_results, add_spec

CRATE = "a Workflow Run RO-Crate: a folder, or a file that ends in .zip"
MODELS = "checkpoints as Hugging Face folders with a model card, DIR/STUDY/VARIANT/"
DATE = "day of publication that the crate states (default: when the last job ended)"


def add_export(commands: Commands, run: Run) -> None:
    """``ptp export``."""
    text = "a finished study as an RO-Crate, its models as Hugging Face folders"
    command = add_command(commands, "export", run, text)
    add_spec(command)
    add = command.add_argument
    add("--crate", type=Path, metavar="TARGET", help=CRATE)
    add(
        "--with-weights",
        action="store_true",
        help="copy weights, text and every other file of the store into the crate, however large",
    )
    add("--date", type=_day, metavar="YYYY-MM-DD", help=DATE)
    add("--license", metavar="ID", help="licence of what is exported, such as CC-BY-4.0; left out unless given")
    add("--models", type=Path, metavar="DIR", help=MODELS)
    add("--variant", action="append", default=[], metavar="PATTERN", help="only these, * is wild (repeatable)")
    add("--finetuned", action="store_true", help="the fine-tuned models as well")
    add("--force", action="store_true", help="replace what an earlier export wrote; never anything else")
    add_results(command)


def _day(text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text} is not a day, such as 2026-01-31") from None
