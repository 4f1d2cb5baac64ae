"""``ptp plan``: what would run now and why, then the price of the whole study."""

from __future__ import annotations

import gc
import json
from collections.abc import Iterator
from pathlib import Path

from ptp_core import cost
from ptp_core.engine.folders import Folders
from ptp_core.engine.price import Price, price
from ptp_core.engine.price_text import price_json, price_lines, price_rows
from ptp_core.engine.staleness.planned import Planned, planned, planned_json
from ptp_core.engine.staleness.planned_text import planned_lines
from ptp_core.engine.staleness.stale import Staleness
from ptp_core.engine.workflow import plan_study
from ptp_core.errors import UserError
from ptp_core.spec.load import load_study
from ptp_core.spec.loaded import LoadedStudy

MAX_ROWS = 200
"""Variants whose price is printed; JSON has all."""
UTILISATION = 0.4
"""Share of the peak that training is taken to reach where nothing has been timed."""


def print_plan(spec: Path, results: Path, utilisation: float, peak: float | None, as_json: bool) -> None:
    """Print what would run and what the study costs; asks no hub and writes nothing but digests. Raises UserError."""
    # Nothing of a plan is thrown away before its end: looking for it costs a quarter of the time.
    gc.disable()
    try:
        _print(spec, results, utilisation, peak, as_json)
    finally:
        gc.enable()


def _print(spec: Path, results: Path, utilisation: float, peak: float | None, as_json: bool) -> None:
    study = load_study(spec)
    peak = peak_of(study, peak)
    whole = price(study, utilisation, peak)
    try:
        staleness: Planned | str = _planned(study, results, whole, utilisation, peak)
    except UserError as error:
        staleness = str(error)
    if as_json:
        print(_json(whole, staleness))
        return
    for line in _page(spec, whole, staleness):
        print(line)


def peak_of(study: LoadedStudy, peak: float | None = None) -> float:
    """FLOP/s of one device: what was asked for, what the spec says, or an H100's."""
    return peak or study.spec.execution.peak_flops or cost.PEAK_FLOPS["H100"]


def staleness_of(study: LoadedStudy, results: Path) -> Staleness:
    """Why what is missing is missing. Raises UserError for files that are not there."""
    return Staleness(plan_study(study, results))


def _planned(study: LoadedStudy, results: Path, whole: Price, utilisation: float, peak: float) -> Planned | str:
    """What would run; or why that cannot be told."""
    folders = Folders(results, study.spec.study)
    if not folders.store.is_dir() and not folders.home.is_dir():
        # Nobody's corpus is read through to say so.
        return "all of it; nothing has been made yet"
    if whole.missing:
        return "cannot be told, since files are missing (below)"
    return planned(staleness_of(study, results), utilisation, peak)


def _page(spec: Path, whole: Price, staleness: Planned | str) -> Iterator[str]:
    what = f"{len(whole.variants)} variants to pre-train" if whole.variants else "nothing is pre-trained"
    yield f"{spec}: study {whole.study}, {what}\n"
    if isinstance(staleness, str):
        yield f"Would run now: {staleness}"
    else:
        yield from planned_lines(staleness)
    yield ""
    if whole.variants:
        yield "The whole study, as if nothing of it were there"
        yield from _aligned(_shortened(price_rows(whole)))
        yield ""
    yield from price_lines(whole)


def _shortened(rows: list[list[str]]) -> list[list[str]]:
    """The head, the first variants and the total."""
    more = len(rows) - 2 - MAX_ROWS
    return (
        rows if more <= 0 else [*rows[: MAX_ROWS + 1], [f"… and {more:,} more", *[""] * (len(rows[0]) - 1)], rows[-1]]
    )


def _aligned(rows: list[list[str]]) -> Iterator[str]:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def _json(whole: Price, staleness: Planned | str) -> str:
    stale = {"untold": staleness} if isinstance(staleness, str) else planned_json(staleness)
    return json.dumps(json.loads(price_json(whole)) | {"stale": stale}, indent=1)
