"""``ptp import``: results measured elsewhere become one tidy table, with the scores of single items beside it."""

from __future__ import annotations

import argparse
import glob
import io
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from ptp_core.errors import UserError, Where
from ptp_core.files import disk_full_is_said, write_atomically
from ptp_core.progress import Progress
from ptp_core.spec.quantities import parse_count
from ptp_core.table.item_rules import TYPES
from ptp_core.table.items import write_items
from ptp_core.table.lm_eval import Choices, Collection
from ptp_core.table.lm_eval_results import NotResults, read_results
from ptp_core.table.lm_eval_samples import Items, stray_samples
from ptp_core.table.metrics import MetricRules
from ptp_core.table.models import Naming, compile_naming

FORMATS = (".parquet", ".csv")


def import_lm_eval(paths: Sequence[str], out: Path, choices: Choices, force: bool = False) -> None:
    """Read result files of lm-evaluation-harness into ``out``, and their samples into ``<out stem>.items.parquet``.

    ``paths`` are files, folders (searched for result files, with all their subfolders) and globs. Prints what was
    imported. Raises UserError before it writes anything: nothing found, a file that cannot be read, is cut off or no
    result file, numbers out of range or contradicting each other, samples of another run, a table that is there.
    """
    beside = out.with_name(f"{out.stem}.items.parquet")
    _check_target(out, beside, force)
    named, found = _result_files(paths)
    collection, taken, other = Collection(choices), [], 0
    with Progress(len(named) + len(found), "files", "import") as progress:
        for path in [*named, *found]:
            try:
                results = read_results(path)
            except NotResults:
                # A folder of results may hold other JSON as well; a file that was named must be one.
                if path in named:
                    raise
                other += 1
            else:
                collection.add(results)
                taken.append(path)
            progress.advance(1)
    if not taken:
        raise UserError("no result files here", subject=" ".join(paths), got=f"{other} other JSON files")
    if choices.items:
        _refuse_strays({path.parent for path in taken})
    _write(collection, out, beside)
    _say(collection, len(taken), other, out, beside)


def choices_of(options: argparse.Namespace) -> Choices:
    """What the options of the command line mean together. Raises UserError."""
    higher, lower = frozenset(options.higher), frozenset(options.lower)
    for metric in sorted(higher & lower):
        raise UserError("both --higher and --lower name this metric", got=metric, fix="leave one of them out")
    try:
        tokens = None if options.tokens_per_step is None else int(parse_count(options.tokens_per_step))
    except ValueError as error:
        raise UserError(str(error), subject="--tokens-per-step", got=options.tokens_per_step) from None
    pattern = compile_naming(options.variant) if options.variant else None
    return Choices(
        naming=Naming(pattern, tokens, options.checkpoints),
        rules=MetricRules(higher, lower, frozenset(options.percent), tuple(options.prefer)),
        kind=options.kind,
        metrics=frozenset(options.metric),
        items=not options.no_items,
    )


def _check_target(out: Path, beside: Path, force: bool) -> None:
    if out.suffix not in FORMATS:
        raise UserError("the table is written as .parquet or .csv", subject="--out", got=str(out))
    home = next(parent for parent in out.absolute().parents if parent.exists())
    if not home.is_dir():
        raise UserError("this is a file, not a folder", where=Where(home), subject="--out", fix="name another folder")
    for path in (out, beside):
        if path.is_dir():
            raise UserError("this is a folder", where=Where(path), subject="--out", fix="name a file")
        if path.exists() and not force:
            raise UserError("this file is there already", where=Where(path), fix="say --force to replace it")


def _result_files(paths: Sequence[str]) -> tuple[list[Path], list[Path]]:
    """Files that were named, and those that were found in folders; each once."""
    named: dict[Path, None] = {}
    found: dict[Path, None] = {}
    for text in paths:
        # An empty word, of a variable that is not set, would be the folder we are in.
        matches = [text] if text and Path(text).exists() else _matches(text)
        if not matches:
            raise UserError("no such file or folder", subject=text, fix="check the path or the glob")
        for match in map(Path, matches):
            if match.is_dir():
                found |= dict.fromkeys(_json_files(match))
            else:
                named[match] = None
    return list(named), [path for path in found if path not in named]


def _matches(pattern: str) -> list[str]:
    # pathlib's glob has no ** over an absolute pattern.
    return sorted(glob.glob(pattern, recursive=True))  # noqa: PTH207


def _json_files(folder: Path) -> Iterator[Path]:
    def refuse(error: OSError) -> None:
        raise UserError("cannot be read", where=Where(str(error.filename)), got=error.strerror, fix="check its rights")

    for home, folders, names in os.walk(folder, onerror=refuse):
        folders.sort()
        yield from (Path(home) / name for name in sorted(names) if name.endswith(".json"))


def _refuse_strays(folders: Iterable[Path]) -> None:
    for path in (path for folder in sorted(folders) for path in stray_samples(folder)):
        raise UserError(
            "samples of another run", where=Where(path), expected="a result file of the same time beside them",
            fix="put it there, move them away, or say --no-items",
        )  # fmt: skip


def _write(collection: Collection, out: Path, beside: Path) -> None:
    """Both files, or none: all that can be wrong with the rows is found before the first is written."""
    from ptp_core.table.schema import from_rows

    table = from_rows(collection.rows(), Where(out))
    content = table.to_csv(index=False, lineterminator="\n") if out.suffix == ".csv" else _parquet(table)
    items = collection.items()
    with disk_full_is_said(out.parent):
        if items:
            write_items((_labelled(row, scores) for row, scores in items), beside)
        else:
            # Items of an earlier import would be taken for those of this one.
            beside.unlink(missing_ok=True)
        write_atomically(out, content)


def _labelled(row: dict[str, Any], items: Items) -> Any:
    """The items of one number in the columns of ``ITEM_COLUMNS``."""
    import pyarrow as pa

    own = {field.name: getattr(items, field.name) for field in fields(Items)}
    columns = {
        field.name: pa.array(own[field.name], field.type)
        if field.name in own
        else pa.repeat(pa.scalar(row.get(field.name), field.type), len(items.item))
        for field in TYPES
    }
    return pa.table(columns)


def _parquet(table: Any) -> bytes:
    binary = io.BytesIO()
    table.to_parquet(binary, index=False, engine="pyarrow", compression="zstd")
    return binary.getvalue()


def _say(collection: Collection, files: int, other: int, out: Path, beside: Path) -> None:
    rows = [row for row in collection.rows() if row["kind"] != "config"]
    variants, names = {row["variant"] for row in rows}, {row["name"] for row in rows}
    print(
        f"{out}: {len(rows):,} numbers of {len(variants):,} variants under {len(names):,} names, from {files:,} files"
    )
    if collection.items():
        count = sum(len(items.item) for _, items in collection.items())
        print(f"{beside}: {count:,} scores of single items")
    if other:
        print(f"JSON files that hold no results and were left out: {other:,}")
    print(
        f"Read it in a spec: measurements: [{{path: {out.name}, tidy: {{indicators: [NAME, …], outcomes: [NAME, …]}}}}]"
    )
