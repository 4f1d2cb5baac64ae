"""The options of ``ptp plan`` and ``ptp explain``."""

from __future__ import annotations

import argparse

from ptp_core.options.common import Commands, Run, add_command, add_json, add_results, add_spec, positive_number


def add_plan(commands: Commands, run: Run) -> None:
    """``ptp plan``."""
    command = add_command(
        commands, "plan", run, "what would run now, why, and what it costs: FLOPs, GPU-hours, storage"
    )
    add_spec(command)
    command.add_argument(
        "--mfu", type=share_of_peak, default=0.4, help="share of the peak that training reaches (default: 0.4)"
    )
    command.add_argument(
        "--peak",
        type=positive_number,
        help="FLOP/s of one device (default: execution.peak_flops, or else 989e12, an H100 or H200 in bf16)",
    )
    add_json(command)
    add_results(command)


def add_explain(commands: Commands, run: Run) -> None:
    """``ptp explain``."""
    command = add_command(
        commands, "explain", run, "why a job would run, or since when it is done and what it is made of"
    )
    add_spec(command)
    command.add_argument("job", help="a label, stage/label, or an id or its beginning")
    add_results(command)


def share_of_peak(text: str) -> float:
    """A share above 0 and of at most 1."""
    value = positive_number(text)
    if value > 1:
        raise argparse.ArgumentTypeError(f"{text} is more than the whole; write a share such as 0.4")
    return value
