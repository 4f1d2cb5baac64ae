"""The job behind ``dynamics.json``: checkpoints before and after fine-tuning."""

from __future__ import annotations

from typing import Any

from ptp_core.engine.folders import Folders
from ptp_core.engine.located import told_with_its_line
from ptp_core.files import pretty_json, write_atomically
from ptp_core.predict.dynamics.analysis import NothingToDerive, analyze_dynamics
from ptp_core.progress import Progress
from ptp_core.spec.dynamics import Dynamics
from ptp_core.table.schema import read_table

Settings = dict[str, Any]


def make_dynamics(settings: Settings, folders: Folders) -> None:
    """Derive what Sun & Dredze 2024 do, and write ``dynamics.json``."""
    table = read_table(folders.home / "measurements.parquet")
    spec = Dynamics.model_validate(settings["dynamics"])
    with Progress(100, "%", "dynamics") as progress, told_with_its_line(settings["places"]):
        try:
            found = analyze_dynamics(table, spec, settings["study"], progress.share)
        except NothingToDerive as error:
            # All training is done by now, and the report has other pages.
            found = {
                "study": settings["study"],
                "verdict": {"headline": f"Nothing is derived: {error}.", "details": []},
            }
    write_atomically(folders.home / "dynamics.json", pretty_json(found))
