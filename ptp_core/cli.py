"""The command line: thin; every command is one function of another module."""

from __future__ import annotations

import argparse
import errno
import os
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from ptp_core.errors import EXIT_RETRY, EXIT_USER_ERROR, UserError
from ptp_core.options.adopt import add_adopt
from ptp_core.options.common import add_command, add_results, add_spec
from ptp_core.options.export import add_export
from ptp_core.options.imports import add_import
from ptp_core.options.lock import add_diff, add_lock
from ptp_core.options.plan import add_explain, add_plan
from ptp_core.options.scale import add_scale
from ptp_core.options.store import add_gc, add_verify
from ptp_core.work import Interrupted

OF_THE_DISK = (
    errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EISDIR, errno.ENOSPC, errno.EDQUOT, errno.ENAMETOOLONG,
    errno.ELOOP,
)  # fmt: skip
"""What is no fault of ours: a disk that is not the user's, read only or full, a file where a folder should be, …"""


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
    except OSError as error:
        if error.errno not in OF_THE_DISK:
            raise
        print(f"{error.filename or 'writing'}: {error.strerror}", file=sys.stderr)
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
    add_spec(add_command(commands, "check", _check, "validate a spec and print its variants; writes nothing"))
    add_plan(commands, _plan)
    add_explain(commands, _explain)
    analyze = "analyse a spec that only reads measurements, without Snakemake"
    summary = "the verdict, the spread of the outcomes and where the time went"
    for name, run, text in (
        ("analyze", _analyze, analyze),
        ("status", _status, "what is done, what is running and what is missing"),
        ("summary", _summary, summary),
    ):
        command = add_command(commands, name, run, text)
        add_spec(command)
        add_results(command)
    add_scale(commands, _scale)
    add_lock(commands, _lock)
    add_diff(commands, _diff)
    add_adopt(commands, _adopt)
    add_verify(commands, _verify)
    add_gc(commands, _gc)
    add_export(commands, _export)
    add_import(commands, _import_lm_eval)
    job = add_command(commands, "job", _job, "run one job file (called by the rules)")
    job.add_argument("file", type=Path, help="a file under results/<study>/jobs/")
    add_results(job)
    add_command(commands, "schema", _schema, "print the JSON schema of a spec, for editors")
    return parser


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


def _lock(options: argparse.Namespace) -> int:
    from ptp_core.engine.lock.write import check_locks, write_locks

    return (check_locks if options.check else write_locks)(options.specs, options.results)


def _diff(options: argparse.Namespace) -> int:
    from ptp_core.engine.lock.diff import print_diff

    return print_diff(options.one, options.other, options.results, options.json)


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
