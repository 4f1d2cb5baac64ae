"""The options of ``ptp scale``."""

from __future__ import annotations

import argparse
import math

from ptp_core.options.common import Commands, Run, add_command, add_json, add_results, add_spec


def add_scale(commands: Commands, run: Run) -> None:
    """``ptp scale``."""
    text = "what the laws of a study predict, and what reaches a score for the least compute"
    command = add_command(commands, "scale", run, text)
    add_spec(command)
    command.add_argument(
        "--target", type=goal, metavar="NAME=VALUE", help="the score or loss to reach, such as hellaswag=0.6"
    )
    command.add_argument("--params", type=sizes, metavar="LOW..HIGH", help="sizes to look at, such as 100M..10B")
    command.add_argument("--group", help="whose laws, where they differ by group")
    command.add_argument("--form", help="the law to use, such as flp+linear (default: the chosen one)")
    add_json(command)
    add_results(command)


def goal(text: str) -> tuple[str, float]:
    """``hellaswag=0.6`` → name and value."""
    name, _, value = text.rpartition("=")
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not name or not math.isfinite(number):
        raise argparse.ArgumentTypeError(f"{text} is not NAME=VALUE with a number, such as hellaswag=0.6")
    return name, number


def sizes(text: str) -> tuple[float, float]:
    """``100M..10B`` → (100e6, 10e9)."""
    from ptp_core.spec.quantities import parse_count

    try:
        low, high = (float(parse_count(end)) for end in text.split(".."))
    except ValueError:
        low, high = math.nan, math.nan
    if not 0 < low <= high:
        raise argparse.ArgumentTypeError(f"{text} is not a range from small to large, such as 100M..10B")
    return low, high
