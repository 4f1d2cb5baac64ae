"""The last three jobs of a study: one table of all numbers, the selection made from it, and the report."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml
from pydantic import TypeAdapter

from ptp_core.engine.folders import Folders
from ptp_core.engine.outcomes import chance_levels, diverged_notes, failed_notes, failures, is_sound
from ptp_core.engine.rows import check_headlines, items_of, rows_of
from ptp_core.errors import UserError, Where
from ptp_core.files import pretty_json, write_atomically
from ptp_core.predict.analysis import analyze
from ptp_core.progress import Progress
from ptp_core.report.page import write_report
from ptp_core.report.run import Run
from ptp_core.spec.measurements import EVERY, Table
from ptp_core.spec.select import Select
from ptp_core.table.items import ITEMS_FILE, write_items
from ptp_core.table.metrics import suggests_lower
from ptp_core.table.reading import join, read_measurements
from ptp_core.table.schema import from_rows, read_table, write_table

Settings = dict[str, Any]
CURVE_POINTS = 200
SHARED = (
    "Few-shot indicators were scored on the very items that the outcomes are (items: shared), so that an indicator "
    "looks better than it would on items of its own."
)
TABLE: TypeAdapter[Table] = TypeAdapter(Table)


def make_table(settings: Settings, folders: Folders) -> None:
    """Collect configuration, indicators and outcomes of every variant, and tables measured elsewhere."""
    frames = [
        read_measurements(
            TABLE.validate_python(entry["table"]), Path(entry["base"]), Where(entry["spec"], entry["line"])
        )
        for entry in settings["tables"]
    ]
    sound = [v for v in settings["variants"] if is_sound(folders.store, v["checkpoint"])]
    check_headlines(sound, folders.store)
    rows = [row for variant in sound for row in rows_of(variant, folders.store)]
    if rows:
        frames.append(from_rows(rows))
    if not frames:
        what = "every variant has diverged, so there is nothing to compare"
        raise UserError(what, got=[v["name"] for v in settings["variants"]], fix="lower lr, or raise loss_bound")
    write_table(join(frames), folders.home)
    write_items((items for variant in sound for items in items_of(variant, folders.store)), folders.home / ITEMS_FILE)


def make_selection(settings: Settings, folders: Folders) -> None:
    """Judge every indicator, compare the variants, and write ``selection.json`` and ``audit.json``."""
    table = read_table(folders.home / "measurements.parquet")
    with Progress(100, "%", "analyse") as progress:

        def advance(what: str, share: float) -> None:
            progress.advance(max(0, round(100 * share) - progress.done), what)

        try:
            chance = chance_levels(settings["tasks"], folders.store)
            selection = analyze(table, Select.model_validate(settings["select"]), settings["study"], advance, chance)
        except UserError as error:
            lost = [v["name"] for v in settings["variants"] if not is_sound(folders.store, v["checkpoint"])]
            left_out = [f"diverged and left out: {', '.join(lost)}"] if lost else []
            left_out += _failed(set(table.loc[table["kind"] == "indicator", "name"]), folders)
            if not left_out:
                raise
            raise UserError("; ".join([str(error), *left_out])) from None
    selection["warnings"] = [*direction_notes(table, settings["stated"]), *selection["warnings"]]
    write_atomically(folders.home / "audit.json", pretty_json(selection.pop("audit")))
    write_atomically(folders.home / "selection.json", pretty_json(selection))


def _failed(found: set[str], folders: Folders) -> list[str]:
    """What to say of indicators that failed everywhere, so that the table does not have them."""
    receipts = folders.receipt("indicators", "any").parent.glob("*.json")
    failed = failures(json.loads(path.read_text(encoding="utf-8")) for path in sorted(receipts))
    return list(dict.fromkeys(f"indicator {name} failed: {why}" for name, why, _ in failed if name not in found))


def make_report(settings: Settings, folders: Folders) -> None:
    """Write ``report.html`` from the table, the selection and the receipts."""
    selection = json.loads((folders.home / "selection.json").read_text(encoding="utf-8"))
    audit = json.loads((folders.home / "audit.json").read_text(encoding="utf-8"))
    table = read_table(folders.home / "measurements.parquet")
    write_report(folders.home / "report.html", selection, table, _run(settings, folders), audit)


def _run(settings: Settings, folders: Folders) -> Run | None:
    if not settings["variants"]:
        return None
    receipts = [json.loads(folders.receipt(*job).read_text(encoding="utf-8")) for job in settings["jobs"]]
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
        links={"measurements": "measurements.csv", "selection": "selection.json", "audit": "audit.json"},
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


def direction_notes(table: pd.DataFrame, stated: list[str]) -> list[str]:
    """A sentence if numbers measured elsewhere are read against what their names suggest, and nobody has said so."""
    read_up = table[table["digest"].notna() & table["higher_is_better"].fillna(False).astype(bool)]
    odd = [name for name in read_up["name"].unique() if suggests_lower(name) and name not in stated]
    if not odd or EVERY in stated:
        return []
    return [
        f"{' and '.join(odd)} {'is' if len(odd) == 1 else 'are'} read as higher is better, since the spec does not say "
        "otherwise, and named like what is better when lower: say which in the spec (`higher_is_better`, for a long "
        "table `lower_is_better`)."
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
    table = pd.read_parquet(checkpoint / "telemetry.parquet", columns=["tokens", "loss"])
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
