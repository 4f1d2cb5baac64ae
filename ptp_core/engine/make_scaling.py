"""The job behind ``scaling.json``: from the table to laws of size, compute and mixture."""

from __future__ import annotations

from typing import Any

from ptp_core.engine.folders import Folders
from ptp_core.engine.located import told_with_its_line
from ptp_core.engine.outcomes import chance_levels
from ptp_core.errors import UserError
from ptp_core.files import pretty_json, write_atomically
from ptp_core.predict.scaling.analysis import Analysis, analyze_scaling
from ptp_core.progress import Progress
from ptp_core.spec.scaling import Scaling
from ptp_core.table.schema import read_table

Settings = dict[str, Any]


def make_scaling(settings: Settings, folders: Folders) -> None:
    """Fit the laws and write ``scaling.json`` and ``scaling_laws.json``.

    Raises UserError where nothing can be fitted to tables measured elsewhere. Where models were trained for it, the
    files say so instead: the training is done, and the report has other pages.
    """
    table = read_table(folders.home / "measurements.parquet")
    spec = Scaling.model_validate(settings["scaling"])
    try:
        with Progress(100, "%", "scaling") as progress, told_with_its_line(settings["places"]):
            chance = chance_levels(settings["tasks"], folders.store)
            found = analyze_scaling(table, spec, settings["study"], progress.share, chance)
    except UserError as error:
        if not settings["trained"]:
            raise
        print(error, flush=True)
        verdict = {"headline": f"No law is fitted: {error.what}.", "details": [str(error)]}
        found = Analysis({"study": settings["study"], "verdict": verdict}, {"groups": {}, "mixture": None})
    write_atomically(folders.home / "scaling_laws.json", pretty_json(found.laws))
    write_atomically(folders.home / "scaling.json", pretty_json(found.summary))
