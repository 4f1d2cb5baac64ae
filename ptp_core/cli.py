"""The command line: thin; every command is one function of another module."""

from __future__ import annotations

import argparse
import math
import os
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from ptp_core.adopt_options import add_adopt
from ptp_core.engine.lock_options import add_diff, add_lock
from ptp_core.errors import EXIT_RETRY, EXIT_USER_ERROR, UserError
from ptp_core.export_options import add_export
from ptp_core.import_options import add_import
from ptp_core.store_options import add_gc, add_verify
from ptp_core.work import Interrupted


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code: 0, 2 for a mistake in what the user gave, 75 for work to go on with.

    Commands that compare return 1 for what differs.
    """
    options = _parser().parse_args(arguments)
    try:
        return int(options.run(options) or 0)
    except UserError as error:
        print(error, file=sys.stderr)
        return EXIT_USER_ERROR
    except Interrupted as interrupted:
        print(f"{interrupted}; run it again and it goes on", file=sys.stderr)
        return EXIT_RETRY
    except BrokenPipeError:
        # `ptp check … | head` closes our output early; that is no fault.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (PermissionError, NotADirectoryError) as error:
        # Results on a disk that is not ours, or a file where a folder should be.
        print(f"{error.filename}: {error.strerror}", file=sys.stderr)
        return EXIT_USER_ERROR
    except SystemExit as stop:
        # Lightning turns SIGTERM into an exit without a code, which would pass for success.
        if stop.code is None:
            print("terminated", file=sys.stderr)
            return 143
        raise
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="ptp", description="Choose the pre-training variant that fine-tunes best.")
    parser.add_argument("--version", action="version", version=f"ptp {version('ptp_core')}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add(commands, "check", _check, "validate a spec and print its variants; writes nothing")
    price = _add(commands, "plan", _plan, "what would run now, why, and what it costs: FLOPs, GPU-hours, storage")
    price.add_argument(
        "--mfu", type=share_of_peak, default=0.4, help="share of the peak that training reaches (default: 0.4)"
    )
    price.add_argument(
        "--peak",
        type=positive_number,
        help="FLOP/s of one device (default: execution.peak_flops, or else 989e12, an H100 or H200 in bf16)",
    )
    price.add_argument("--json", action="store_true", help="print all numbers as JSON")
    analyze = _add(commands, "analyze", _analyze, "analyse a spec that only reads measurements, without Snakemake")
    status = _add(commands, "status", _status, "what is done, what is running and what is missing")
    summary = _add(commands, "summary", _summary, "the verdict, the spread of the outcomes and where the time went")
    scale = _add(
        commands, "scale", _scale, "what the laws of a study predict, and what reaches a score for the least compute"
    )
    scale.add_argument(
        "--target", type=_goal, metavar="NAME=VALUE", help="the score or loss to reach, such as hellaswag=0.6"
    )
    scale.add_argument("--params", type=_sizes, metavar="LOW..HIGH", help="sizes to look at, such as 100M..10B")
    scale.add_argument("--group", help="whose laws, where they differ by group")
    scale.add_argument("--form", help="the law to use, such as flp+linear (default: the chosen one)")
    scale.add_argument("--json", action="store_true", help="print all numbers as JSON")
    adopt = _add(commands, "adopt", _adopt, "keep results across a change of code that is declared harmless")
    add_adopt(adopt)
    shared = _add(commands, "export", _export, "a finished study as an RO-Crate, its models as Hugging Face folders")
    add_export(shared)
    why = _add(commands, "explain", _explain, "why a job would run, or since when it is done and what it is made of")
    why.add_argument("job", help="a label, stage/label, or an id or its beginning")
    for command in (price, why, analyze, status, summary, scale, adopt, shared):
        _results(command)
    job = commands.add_parser("job", help="run one job file (called by the rules)", description="Run one job file.")
    job.add_argument("file", type=Path, help="a file under results/<study>/jobs/")
    job.set_defaults(run=_job)
    _results(job)
    add_import(commands, _import_lm_eval)
    add_verify(commands, _verify)
    add_gc(commands, _gc)
    add_lock(commands)
    add_diff(commands)
    schema = commands.add_parser("schema", help="print the JSON schema of a spec, for editors")
    schema.set_defaults(run=_schema)
    return parser


def _add(commands: argparse._SubParsersAction, name: str, run: object, text: str) -> argparse.ArgumentParser:  # type: ignore[type-arg]
    command: argparse.ArgumentParser = commands.add_parser(
        name, help=text, description=text[0].upper() + text[1:] + "."
    )
    command.add_argument("spec", type=Path, help="the YAML file of a study, such as specs/demo.yaml")
    command.set_defaults(run=run)
    return command


def _results(command: argparse.ArgumentParser) -> None:
    command.add_argument("--results", type=Path, default=Path("results"), help="folder of results (default: results)")


def positive_number(text: str) -> float:
    value = float(text)
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"{text} is not a number above 0")
    return value


def share_of_peak(text: str) -> float:
    value = positive_number(text)
    if value > 1:
        raise argparse.ArgumentTypeError(f"{text} is more than the whole; write a share such as 0.4")
    return value


def _goal(text: str) -> tuple[str, float]:
    """``hellaswag=0.6`` → name and value."""
    name, _, value = text.rpartition("=")
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not name or not math.isfinite(number):
        raise argparse.ArgumentTypeError(f"{text} is not NAME=VALUE with a number, such as hellaswag=0.6")
    return name, number


def _sizes(text: str) -> tuple[float, float]:
    """``100M..10B`` → (100e6, 10e9)."""
    from ptp_core.spec.quantities import parse_count

    try:
        low, high = (float(parse_count(end)) for end in text.split(".."))
    except ValueError:
        low, high = math.nan, math.nan
    if not 0 < low <= high:
        raise argparse.ArgumentTypeError(f"{text} is not a range from small to large, such as 100M..10B")
    return low, high


def _check(options: argparse.Namespace) -> None:
    from ptp_core.engine.commands import check

    check(options.spec)


def _plan(options: argparse.Namespace) -> None:
    from ptp_core.engine.staleness.command import print_plan

    print_plan(options.spec, options.results, options.mfu, options.peak, options.json)


def _explain(options: argparse.Namespace) -> None:
    from ptp_core.engine.staleness.explain import print_explanation

    print_explanation(options.spec, options.results, options.job)


def _analyze(options: argparse.Namespace) -> None:
    from ptp_core.engine.commands import analyze_tables

    analyze_tables(options.spec, options.results)


def _status(options: argparse.Namespace) -> None:
    from ptp_core.engine.commands import status

    status(options.spec, options.results)


def _summary(options: argparse.Namespace) -> None:
    from ptp_core.engine.commands import summary

    summary(options.spec, options.results)


def _scale(options: argparse.Namespace) -> None:
    from ptp_core.engine.scale import print_scale

    limits = {"params": options.params, "group": options.group, "form": options.form}
    print_scale(options.spec, options.results, options.target, limits, options.json)


def _adopt(options: argparse.Namespace) -> None:
    from ptp_core.engine.adopt import adopt

    adopt(options.spec, options.results, options.reason, options.stage, options.package)


def _export(options: argparse.Namespace) -> None:
    from ptp_core.engine.export.command import export

    export(options)


def _job(options: argparse.Namespace) -> None:
    from ptp_core.engine.commands import run_job_file

    run_job_file(options.file, options.results)


def _import_lm_eval(options: argparse.Namespace) -> None:
    from ptp_core.engine.importing import choices_of, import_lm_eval

    import_lm_eval(options.paths, options.out, choices_of(options), options.force)


def _verify(options: argparse.Namespace) -> None:
    from ptp_core.engine.verify.command import run_verify

    run_verify(options)


def _gc(options: argparse.Namespace) -> None:
    from ptp_core.engine.collect import run_gc

    run_gc(options)


def _schema(_options: argparse.Namespace) -> None:
    from ptp_core.spec.schema import schema_text

    print(schema_text(), end="")


if __name__ == "__main__":
    sys.exit(main())
