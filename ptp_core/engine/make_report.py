"""The last job of a study: its report, a page for each analysis."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

from ptp_core.engine.folders import Folders
from ptp_core.engine.outcomes import diverged_notes, failed_notes, read_job_receipt
from ptp_core.errors import UserError, Where
from ptp_core.report.dynamics.page import write_dynamics
from ptp_core.report.page import write_report
from ptp_core.report.run import Run
from ptp_core.report.scaling.page import write_scaling
from ptp_core.table.schema import read_table

Settings = dict[str, Any]
CURVE_POINTS = 200
SHARED = (
    "Few-shot indicators were scored on the very items that the outcomes are (items: shared), so that an indicator "
    "looks better than it would on items of its own."
)
NO_SELECTION = "Nothing was fine-tuned, so no variant is selected."


def make_report(settings: Settings, folders: Folders) -> None:
    """Write ``report.html`` and a page for each further analysis, from the table, what was made of it, and receipts."""
    pages, home = settings["pages"], folders.home
    if "select" in settings["made_of_it"]:
        selection, audit = _read(home / "selection.json"), _read(home / "audit.json")
    else:
        found = [_read(home / f"{stage}.json")["verdict"]["headline"] for stage in settings["made_of_it"]]
        first, *more = [*found, NO_SELECTION]
        selection, audit = {"study": settings["study"], "verdict": {"headline": first, "details": more}}, None
    table = read_table(home / "measurements.parquet")
    write_report(home / "report.html", selection, table, _run(settings, folders), audit, pages)
    if "scaling" in settings["made_of_it"]:
        write_scaling(home / "scaling.html", _read(home / "scaling.json"), pages)
    if "dynamics" in settings["made_of_it"]:
        write_dynamics(home / "dynamics.html", _read(home / "dynamics.json"), pages)


def _read(path: Path) -> Settings:
    found: Settings = json.loads(path.read_text(encoding="utf-8"))
    return found


def _run(settings: Settings, folders: Folders) -> Run | None:
    if not settings["variants"]:
        return None
    receipts = [read_job_receipt(folders.receipt(*job)) for job in settings["jobs"]]
    # Who trained an existing checkpoint kept its curves.
    trained = [v for v in settings["variants"] if not v["checkpoint"].startswith("import/")]
    return Run(
        curves={v["name"]: _training_curve(folders.store / v["checkpoint"]) for v in trained},
        held_out={v["name"]: _curve(folders.store / v["checkpoint"] / "held_out.csv") for v in trained},
        jobs=jobs_by_stage(receipts),
        spec_text=yaml.safe_dump(settings["spec"], sort_keys=False, allow_unicode=True, width=100),
        spec_name=settings["study"],
        packages=settings["packages"],
        study_fingerprint=settings["fingerprint"],
        warnings=[
            *diverged_notes(receipts, {v["checkpoint"]: v["name"] for v in settings["variants"]}, folders.store),
            *failed_notes(receipts),
            *overlap_notes(receipts),
            *tokenizer_notes(settings["variants"], settings["perplexities"]),
            *([SHARED] if settings["items"] == "shared" else []),
        ],
        notes=[time_note(receipts)],
        links={"measurements": "measurements.csv"}
        | ({"selection": "selection.json", "audit": "audit.json"} if "select" in settings["made_of_it"] else {}),
    )


def overlap_notes(receipts: list[dict[str, Any]]) -> list[str]:
    """A sentence for each task whose training items ask what its test items ask."""
    return [
        f"{found} training items of {receipt['label']} ask what its test items ask; they are tested and not trained "
        f"on, which leaves {unit['metrics']['train_items']}."
        for receipt in receipts
        for unit in receipt["units"]
        if receipt["stage"] == "task" and (found := unit["metrics"].get("train_items_in_test"))
    ]


def tokenizer_notes(variants: list[dict[str, Any]], perplexities: list[str]) -> list[str]:
    """A sentence if perplexities are compared that are not of the same tokens."""
    number = len({v["tokenizer"] for v in variants})
    if number == 1 or not perplexities:
        return []
    return [
        f"The variants have {number} different tokenizers, and {' and '.join(perplexities)} are per token: a model "
        "with longer tokens has the larger perplexity for the same text. Compare them by their bits_per_byte."
    ]


def _training_curve(checkpoint: Path) -> list[tuple[float, float]]:
    """At most CURVE_POINTS points of the loss, each the mean since the one before."""
    path = checkpoint / "telemetry.parquet"
    try:
        table = pd.read_parquet(path, columns=["tokens", "loss"])
    except (ValueError, OSError) as error:  # pyarrow's own errors are these
        raise UserError(
            "this file of the store is damaged", where=Where(path), got=str(error).splitlines()[0],
            fix="`ptp verify` says what else is",
        ) from None  # fmt: skip
    every = max(1, len(table) // CURVE_POINTS)
    thin = table.groupby(np.arange(len(table)) // every).agg({"tokens": "last", "loss": "mean"})
    return list(zip(thin["tokens"].astype(float), thin["loss"], strict=True))


def _curve(path: Path) -> list[tuple[float, float]]:
    with path.open(newline="") as stream:
        return [(float(row["tokens"]), float(row["loss"])) for row in csv.DictReader(stream)]


def jobs_by_stage(receipts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One row a stage: jobs, how many of them found everything in the store, core-seconds, peak memory in MB."""
    rows: dict[str, dict[str, Any]] = {}
    for receipt in receipts:
        empty = {"stage": receipt["stage"], "jobs": 0, "reused": 0, "core_seconds": 0.0, "peak_memory_mb": 0.0}
        row = rows.setdefault(receipt["stage"], empty)
        row["jobs"] += 1
        row["reused"] += all(unit["reused"] for unit in receipt["units"])
        row["core_seconds"] += receipt["cpu_seconds"]
        row["peak_memory_mb"] = max(row["peak_memory_mb"], receipt["peak_memory_mb"])
    return list(rows.values())


def training_share(receipts: list[dict[str, Any]]) -> tuple[float, float]:
    """(core-seconds inside training steps, core-seconds of all jobs), of the work that was done and not reused."""
    training = sum(
        unit["metrics"].get("step_cpu_seconds", 0.0)
        for receipt in receipts
        for unit in receipt["units"]
        if not unit["reused"]
    )
    return training, sum(receipt["cpu_seconds"] for receipt in receipts)


def time_note(receipts: list[dict[str, Any]]) -> str:
    """A sentence on where the time went."""
    training, total = training_share(receipts)
    reused = sum(all(unit["reused"] for unit in receipt["units"]) for receipt in receipts)
    found = f" {reused} of them found their results in the store, made by an earlier run." if reused else ""
    share = f", {training / total:.0%} of them in training steps" if total else ""
    return f"{len(receipts)} jobs took {total:,.0f} core-seconds{share}.{found}"
