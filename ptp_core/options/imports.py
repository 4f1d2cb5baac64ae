"""The options of ``ptp import``; what they mean together is settled in ``engine/importing.py``."""

from __future__ import annotations

from pathlib import Path

from ptp_core.options.common import Commands, Run, add_command

KINDS = "what the numbers are until a spec says otherwise (default: indicator, measured before fine-tuning)"
CHECKPOINTS = (
    "variants (default): each step of a model is a variant of its own, called MODEL-stepN, as when the checkpoints "
    "of one run are compared; points: all steps of a model are one variant, measured after so many tokens"
)
VARIANT = (
    "searched in a file's path, else in its model's arguments, with any of the groups (?P<variant>…), (?P<step>…), "
    "(?P<tokens>…) and (?P<seed>…); a pattern that names the variant names its step as well, if it has one; default: "
    "pretrained=ORG/VARIANT,revision=stepN or pretrained=VARIANT/checkpoint-N"
)
PREFER = (
    "the metric that goes by the task's own name; others are called TASK.METRIC (repeatable, best first; default: "
    "acc_norm, acc, exact_match, em, f1, …, or a task's first)"
)
REPEATABLE = {
    "--metric": "import only NAME, such as acc (repeatable)",
    "--prefer": PREFER,
    "--higher": "a higher NAME is better, whatever the files say (repeatable)",
    "--lower": "a lower NAME is better, whatever the files say (repeatable)",
    "--percent": "NAME is written as 0 to 100, and is kept so (repeatable)",
}


def add_import(commands: Commands, run: Run) -> None:
    """Add ``ptp import lm-eval`` to the commands."""
    text = "turn results measured elsewhere into a table that a spec can read"
    parser = commands.add_parser("import", help=text, description=f"{text.capitalize()}.")
    formats = parser.add_subparsers(required=True, metavar="FORMAT")
    text = "result files of lm-evaluation-harness, current or older than 0.4, and the samples beside them"
    lm_eval = add_command(formats, "lm-eval", run, text)
    add = lm_eval.add_argument
    add("paths", nargs="+", metavar="PATH", help="result files, folders that are searched for them, or globs")
    add("--out", type=Path, required=True, help="the table to write, .parquet or .csv; scores of items go beside it")
    add("--force", action="store_true", help="replace a table that is there")
    add("--kind", choices=("indicator", "outcome"), default="indicator", help=KINDS)
    add("--checkpoints", choices=("variants", "points"), default="variants", help=CHECKPOINTS)
    add("--variant", metavar="REGEX", help=VARIANT)
    add("--tokens-per-step", metavar="N", help="tokens of one training step, such as 2097152")
    for name, meaning in REPEATABLE.items():
        add(name, action="append", default=[], metavar="NAME", help=meaning)
    add("--no-items", action="store_true", help="leave the samples of single items aside")
