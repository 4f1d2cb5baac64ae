"""One table of all numbers of a study, and the selection made from it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
from pydantic import TypeAdapter

from ptp_core.engine.folders import Folders
from ptp_core.engine.outcomes import chance_levels, failures, is_sound
from ptp_core.engine.rows import check_headlines, items_of, rows_of
from ptp_core.errors import UserError, Where
from ptp_core.files import pretty_json, write_atomically
from ptp_core.predict.analysis import NothingToSelect, analyze
from ptp_core.progress import Progress
from ptp_core.spec.measurements import EVERY, Table
from ptp_core.spec.select import Select
from ptp_core.table.items import ITEMS_FILE, write_items
from ptp_core.table.metrics import suggests_lower
from ptp_core.table.reading import join, read_measurements
from ptp_core.table.schema import from_rows, read_table, write_table

Settings = dict[str, Any]
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
        try:
            chance = chance_levels(settings["tasks"], folders.store)
            select = Select.model_validate(settings["select"])
            selection = analyze(table, select, settings["study"], progress.share, chance)
        except NothingToSelect as error:
            if not settings["further"]:
                raise
            # The study is about something else as well, which four variants are not needed for.
            why = f"No variant is selected: {error.subject}: {error.what}."
            nothing = {"study": settings["study"], "outcomes": {}, "verdict": {"headline": why, "details": []}}
            write_atomically(folders.home / "audit.json", pretty_json(None))
            write_atomically(folders.home / "selection.json", pretty_json(nothing))
            return
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
