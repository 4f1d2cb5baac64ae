"""Strata and gaps: does an indicator still tell variants apart that share a setting, and those that are close?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ptp_core.report.accuracy import CHANCE
from ptp_core.report.charts import LinePlot, side
from ptp_core.report.lines import gaps_of, rows_of
from ptp_core.report.numbers import finite, fixed, interval, short
from ptp_core.report.scatter import headlines_in_order
from ptp_core.report.study import N_COLOURS, Outcome, Study, mapping

KINDS = {"equal": "same {factor}", "only": "only {factor} differs"}
MOST_LEVELS = 60


@dataclass(frozen=True)
class Cell:
    """An accuracy with its interval; ``tone`` says on which side of chance the interval lies, if on one."""

    accuracy: str
    interval: str
    tone: str


@dataclass(frozen=True)
class Stratum:
    """A row: which pairs count, how many there are, one cell an indicator."""

    label: str
    n_pairs: str
    n_variants: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Strata:
    """All strata of an outcome over the same ``indicators``, their levels, and accuracy by gap."""

    outcome: Outcome
    indicators: tuple[str, ...]
    rows: tuple[Stratum, ...]
    levels: tuple[Stratum, ...]
    n_more_levels: int
    gaps: LinePlot | None


def strata_of(study: Study, outcome: Outcome) -> Strata | None:
    """The strata and gaps of one outcome; None where it has neither."""
    blocks = rows_of(outcome.data.get("strata"))
    order = headlines_in_order(study, outcome)
    known = {name for block in blocks for name in mapping(block.get("indicators"))}
    names = tuple(name for name in order if name in known)[:N_COLOURS]
    gaps = gaps_of(outcome.data.get("gaps"), order)
    rows = [_stratum(label_of(block), block, names) for block in blocks]
    levels = [
        _stratum(f"{block.get('factor', '')} = {level.get('value', '')}", level, names)
        for block in blocks
        if block.get("kind") != "only"
        for level in rows_of(block.get("levels"))
    ]
    if not rows and gaps is None:
        return None
    if rows:
        rows.insert(0, _stratum("all pairs", _whole(outcome, names), names))
    return Strata(outcome, names, tuple(rows), tuple(levels[:MOST_LEVELS]), max(0, len(levels) - MOST_LEVELS), gaps)


def _whole(outcome: Outcome, names: Sequence[str]) -> Mapping[str, Any]:
    indicators = mapping(outcome.data.get("indicators"))
    n_pairs = max((finite(mapping(indicators.get(name)).get("n_pairs")) or 0 for name in names), default=0)
    return {"n_pairs": n_pairs, "n_variants": outcome.data.get("n_variants"), "indicators": indicators}


def label_of(block: Mapping[str, Any]) -> str:
    """Which pairs a stratum counts."""
    label = block.get("label")
    return (
        str(label)
        if label
        else KINDS.get(str(block.get("kind")), "{factor}").replace("{factor}", str(block.get("factor", "")))
    )


def _stratum(label: str, block: Mapping[str, Any], names: Sequence[str]) -> Stratum:
    cells = tuple(_cell(mapping(mapping(block.get("indicators")).get(name))) for name in names)
    return Stratum(label, short(block.get("n_pairs"), 7), short(block.get("n_variants")), cells)


def _cell(row: Mapping[str, Any]) -> Cell:
    bounds = row.get("ci95")
    return Cell(fixed(row.get("accuracy")), interval(bounds, 2, missing=""), side(bounds, CHANCE))
