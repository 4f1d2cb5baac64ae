"""What the commands of ``ptp`` do."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ptp_core.engine.folders import Folders
from ptp_core.engine.jobfiles import read_job
from ptp_core.engine.outcomes import chance_levels, notes
from ptp_core.engine.runner import run_job, set_up_libraries
from ptp_core.engine.stages import OUTPUTS, STAGES, SUMMARIES
from ptp_core.engine.together import running, summing_up
from ptp_core.engine.workflow import Workflow, plan, plan_study, task_places
from ptp_core.errors import UserError, Where
from ptp_core.files import pretty_json, write_atomically
from ptp_core.identity.receipts import artifact
from ptp_core.spec.loaded import LoadedStudy
from ptp_core.spec.quantities import format_count

ANALYSES = {"select": "selection.json", "scaling": "scaling.json", "dynamics": "dynamics.json"}
"""What is made of the table → the file whose verdict has a headline."""
MAX_ROWS = 200
"""Variants that ``ptp check`` prints before it says how many more there are."""
_ANEW = "remove it and run the study again"


def check(spec: Path) -> None:
    """Validate a spec and all files it names, and print its variants. Writes nothing. Raises UserError."""
    from ptp_core.engine.check import check_study

    study = check_study(spec)
    print(f"{spec}: study {study.spec.study} is valid", end="")
    if study.variants:
        print(f"; {len(study.variants)} variants\n")
        _print_table(_variant_table(study))
    if study.spec.checkpoints:
        print(f"; {len(study.spec.checkpoints)} existing checkpoints\n")
        _print_table(
            [["checkpoint", "from"], *([c.name, c.path or f"{c.hub}@{c.revision}"] for c in study.spec.checkpoints)]
        )
    for table in study.spec.measurements:
        print(f"; reads {table.path}", end="")
    print()


def analyze_tables(spec: Path, results: Path) -> None:
    """Table, selection and report of a study that only reads measurements. Raises UserError before it writes."""
    # Before anything imports numpy: matrix products that are shared out over cores cost more than they save here.
    set_up_libraries(1)
    from ptp_core.engine.check import check_study

    study = check_study(spec)
    section = "pretrain" if study.spec.pretrain else "checkpoints"
    if study.spec.pretrain or study.spec.checkpoints:
        raise UserError("this study trains models", where=study.where(section), fix=f"snakemake --config study={spec}")
    workflow = plan_study(study, results)
    with running(workflow.folders):
        for job in workflow.summaries.values():
            _run_summary(job, workflow.folders)
    print(_headline(workflow))


def run_job_file(file: Path, results: Path) -> None:
    """Run a job file of any stage."""
    job = read_job(file)
    if job["stage"] in STAGES:
        run_job(job, Folders(results, file.parent.parent.parent.name))
    else:
        set_up_libraries(1)
        _run_summary(job, Folders(results, job["settings"]["study"]))


def _run_summary(job: dict[str, Any], folders: Folders) -> None:
    """Write a summary's files; its only receipt is that of what the files hold now."""
    with summing_up(folders) as lease:
        _write_summary(job, folders, lease.check)


def _write_summary(job: dict[str, Any], folders: Folders, check: Callable[[], None]) -> None:
    receipt = folders.receipt(job["stage"], job["id"])
    for old in receipt.parent.glob("*.*"):
        old.unlink(missing_ok=True)
    module, function = SUMMARIES[job["stage"]].entry.split(":")
    getattr(importlib.import_module(module), function)(job["settings"], folders)
    if job["stage"] == "report":
        # Under names of their own, as a rule's outputs must be: what `snakemake --report` shows.
        for page in job["settings"]["pages"].values():
            write_atomically(receipt.with_suffix(f".{page}"), (folders.home / page).read_bytes())
    files = OUTPUTS.get(job["stage"]) or job["settings"]["pages"].values()
    made = {name: artifact(folders.home / name) for name in files}
    # Whoever has taken this one for dead says by its own receipt what the files hold.
    check()
    write_atomically(
        receipt, pretty_json({key: job[key] for key in ("id", "stage", "fingerprint")} | {"artifacts": made})
    )


def status(spec: Path, results: Path) -> None:
    """Print, by stage, how many jobs are done, and what each unfinished one with a log said last."""
    workflow = plan(spec, results)
    missing = {(job.stage, job.id) for job in workflow.missing()}
    stages = list(dict.fromkeys(job.stage for job in workflow.graph.jobs))
    rows = [["stage", "done", "of"]]
    for stage in stages:
        mine = [job for job in workflow.graph.jobs if job.stage == stage]
        rows.append([stage, str(sum((stage, job.id) not in missing for job in mine)), str(len(mine))])
    _print_table(rows)
    for job in workflow.graph.jobs:
        if (job.stage, job.id) in missing:
            line = _last_line(workflow.folders.log(job.stage, job.id))
            if line:
                print(f"not done: {line}" if job.label in line else f"not done: {job.stage} {job.label}: {line}")
    for note in notes(workflow.graph, workflow.folders):
        print(note)


def summary(spec: Path, results: Path) -> None:
    """Print the verdict, the spread of every outcome over variants and seeds, and where the time went."""
    from ptp_core.engine.make_report import time_note

    workflow = plan(spec, results)
    if not (workflow.folders.home / "report.html").exists():
        raise UserError("this study has no results yet", subject=str(spec), fix=_how_to_run(workflow.study, spec))
    print(_headline(workflow))
    if "select" in workflow.summaries:
        _print_table(_spreads(workflow))
    for note in notes(workflow.graph, workflow.folders):
        print(note)
    missing = workflow.missing()
    if missing:
        print(f"\n{len(missing)} jobs of this study are not done; all figures are those of the last finished run.")
    receipts = [_json(Path(path)) for path in workflow.receipts(*STAGES) if Path(path).exists()]
    if receipts:
        with _as_written(workflow.folders.home / "receipts", "`ptp verify` names it"):
            peak = max(receipt["peak_memory_mb"] for receipt in receipts)
            print(f"\n{time_note(receipts)} The largest held {peak:,.0f} MB.")


def _spreads(workflow: Workflow) -> list[list[str]]:
    rows = [["outcome", "chance", "mean", "lowest", "highest", "sd between variants", "sd between seeds", "ratio"]]
    chance = chance_levels(task_places(workflow.graph), workflow.folders.store)
    path = workflow.folders.home / "selection.json"
    with _as_written(path, _ANEW):
        for name, outcome in _json(path)["outcomes"].items() if path.exists() else ():
            rows.append([name, f"{chance[name]:.3f}" if name in chance else "-", *_spread(outcome)])
    return rows


def _how_to_run(study: LoadedStudy, spec: Path) -> str:
    trains = study.spec.pretrain or study.spec.checkpoints
    return f"snakemake --config study={spec}" if trains else f"ptp analyze {spec}"


def _spread(outcome: dict[str, Any]) -> list[str]:
    values = list(outcome["values"].values())
    between, seed = outcome["between_sd"], outcome["seed_sd"]
    ratio = f"{between / seed:.1f}" if seed else "-"
    numbers = [sum(values) / len(values), min(values), max(values), between, seed]
    return [*("-" if x is None else f"{x:.3f}" for x in numbers), ratio]


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        raise UserError("this file is damaged", where=Where(path), fix=_ANEW) from None


@contextmanager
def _as_written(path: Path, fix: str) -> Iterator[None]:
    """What is read inside has been edited by hand if it has not the shape in which it was written."""
    try:
        yield
    except (LookupError, TypeError, ValueError, AttributeError):
        raise UserError("something here has been edited by hand", where=Where(path), fix=fix) from None


def _headline(workflow: Workflow) -> str:
    """What was found, a sentence an analysis, and where to read on."""
    home = workflow.folders.home
    files = [ANALYSES[stage] for stage in workflow.summaries if stage in ANALYSES]
    found = [_verdict(home / file) for file in files]
    return "\n".join([*found, f"Report: {home / 'report.html'}"])


def _verdict(path: Path) -> str:
    """The headline of an analysis; a section may be newer than the last run."""
    if not path.exists():
        return f"{path.name} is not there yet; run the study again."
    with _as_written(path, _ANEW):
        return str(_json(path)["verdict"]["headline"])


def _last_line(path: Path) -> str:
    if not path.exists():
        return ""
    lines = path.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return lines[-1] if lines else ""


def _variant_table(study: LoadedStudy) -> list[list[str]]:
    keys = ["objective", "mixture", *(key for key in study.varied_fields if key not in ("objective", "mixture"))]
    keys += [key for key in ("tokens", "lr") if key not in keys]
    rows = [["variant", *keys]]
    for variant in study.variants[:MAX_ROWS]:
        rows.append([variant.name, *(_shown(getattr(variant.recipe, key)) for key in keys)])
    if len(study.variants) > MAX_ROWS:
        rows.append([f"… and {len(study.variants) - MAX_ROWS:,} more", *("" for _ in keys)])
    return rows


def _shown(value: Any) -> str:
    return format_count(value) if isinstance(value, int) else f"{value:g}" if isinstance(value, float) else str(value)


def _print_table(rows: list[list[str]]) -> None:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
