"""A study's own files: the table against the receipts it was made of, the others against what their jobs wrote."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ptp_core.engine.folders import Folders
from ptp_core.engine.stages import OUTPUTS
from ptp_core.engine.verify.finding import Finding, short
from ptp_core.engine.verify.hashing import Digests
from ptp_core.engine.workflow import Workflow
from ptp_core.errors import UserError, UserErrors, Where
from ptp_core.identity.digests import file_digest

AGAIN = "remove it and run the study again: it is made anew"


def summary_files(workflow: Workflow) -> dict[Path, str]:
    """File → stage, of the files that finished summaries have written and that are there."""
    return {
        path: stage
        for stage in workflow.summaries
        if _receipt(workflow, stage) is not None
        for name in _files(workflow, stage)
        if (path := workflow.folders.home / name).is_file()
    }


def _files(workflow: Workflow, stage: str) -> tuple[str, ...]:
    return OUTPUTS.get(stage) or tuple(workflow.pages.values())


def _receipt(workflow: Workflow, stage: str) -> dict[str, Any] | None:
    """The receipt of a summary as it is to be now; None if it has not been made, or is stale."""
    path = workflow.folders.receipt(stage, workflow.summaries[stage]["id"])
    try:
        receipt = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return receipt if isinstance(receipt, dict) else None


def _written(receipt: dict[str, Any]) -> dict[str, str]:
    """File → sha256, as a summary's receipt has it; an older one has none."""
    told = receipt.get("artifacts")
    files = told.items() if isinstance(told, dict) else ()
    return {name: str(file.get("sha256")) if isinstance(file, dict) else "nothing" for name, file in files}


def check_summaries(workflow: Workflow, digests: Digests) -> Iterator[Finding]:
    """A finding for each file that is lost or is not what its job wrote."""
    home = workflow.folders.home
    for stage in workflow.summaries:
        receipt = _receipt(workflow, stage)
        written = _written(receipt or {})
        for name in _files(workflow, stage) if receipt else ():
            path = home / name
            if not path.is_file():
                yield Finding(
                    path, f"this file is missing, though the job {stage} has written it", fix="run the study again"
                )
            elif name in written and digests.get(path) != written[name]:
                found = digests.get(path)
                got = short(found) if isinstance(found, str) else f"{found}"
                what = f"this file was edited after the job {stage} had written it"
                yield Finding(path, what, short(written[name]), got, AGAIN)


def refuse_edited_files(workflow: Workflow) -> None:
    """Raise UserErrors if one of the study's own files is lost or is not what its job wrote."""
    digests: Digests = {path: file_digest(path) for path in summary_files(workflow)}
    wrong = [
        UserError(found.what, where=Where(found.path), expected=found.expected, got=found.got, fix=found.fix)
        for found in check_summaries(workflow, digests)
    ]
    if wrong:
        raise UserErrors(wrong)


def check_table(workflow: Workflow) -> Iterator[Finding]:
    """Make the table once more from the receipts in the store, elsewhere, and compare; the results must be sound."""
    if "table" not in workflow.summaries or _receipt(workflow, "table") is None:
        return
    # Imported here: pandas takes half a second, and a study without a table does not need it.
    from ptp_core.engine.summaries import make_table

    with tempfile.TemporaryDirectory(prefix="ptp-verify-") as scratch:
        folders = Folders(Path(scratch), workflow.folders.study)
        folders.store.symlink_to(workflow.folders.store.resolve(), target_is_directory=True)
        folders.home.mkdir()
        try:
            make_table(workflow.summaries["table"]["settings"], folders)
        except UserError as error:
            home = workflow.folders.home / "measurements.csv"
            yield Finding(home, "the table cannot be made again from the results", got=str(error))
            return
        for name in OUTPUTS["table"]:
            yield from _compare(workflow.folders.home / name, folders.home / name)


def _compare(path: Path, right: Path) -> Iterator[Finding]:
    if not path.is_file() or path.read_bytes() == right.read_bytes():
        return
    what = "this table is not what the receipts in the store give"
    expected, got = _first_difference(path, right)
    yield Finding(path, what, expected, got, AGAIN)


def _first_difference(path: Path, right: Path) -> tuple[str, str]:
    """The first line in which a CSV differs; of other files nothing that people could read."""
    if path.suffix != ".csv":
        return "", ""
    told, expected = (file.read_text(encoding="utf-8", errors="replace").splitlines() for file in (path, right))
    for i in range(max(len(told), len(expected))):
        pair = [lines[i] if i < len(lines) else "no such line" for lines in (expected, told)]
        if pair[0] != pair[1]:
            return f"in line {i + 1} {pair[0]}", pair[1]
    return "", ""


def check_outcomes(workflow: Workflow) -> Iterator[Finding]:
    """The outcomes in ``selection.json`` are means over the seeds of the table."""
    path, table = workflow.folders.home / "selection.json", workflow.folders.home / "measurements.parquet"
    if (
        "select" not in workflow.summaries
        or _receipt(workflow, "select") is None
        or not (path.is_file() and table.is_file())
    ):
        return
    from ptp_core.predict.quantities import measured
    from ptp_core.table.schema import read_table

    try:
        outcomes = json.loads(path.read_bytes())["outcomes"]
        columns = measured(read_table(table))
    except (ValueError, KeyError, TypeError, UserError) as error:
        yield Finding(path, "this file is no selection any more", got=f"{type(error).__name__}: {error}", fix=AGAIN)
        return
    for name, outcome in outcomes.items():
        column = columns.outcomes.get(name)
        right = dict(zip(columns.variants, column.values.tolist(), strict=True)) if column else {}
        for variant, value in outcome.get("values", {}).items():
            if variant not in right or not abs(right[variant] - value) <= 1e-9 * max(1.0, abs(value)):
                what = f"outcomes.{name}.values.{variant} was edited: it is not the mean over the table's seeds"
                yield Finding(path, what, repr(right.get(variant)), repr(value), AGAIN)
