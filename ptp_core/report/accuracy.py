"""How often each indicator picks the better of two variants, against chance and plain baselines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import compress
from typing import Any

from ptp_core.report.charts import Mark, Tick, interval_mark
from ptp_core.report.lines import UNIT, rows_of
from ptp_core.report.numbers import DASH, finite, fixed, interval, p_value, short
from ptp_core.report.study import Outcome, Study, mapping

CHANCE = 0.5
TICKS = (Tick(0.0, "0"), Tick(25.0, "0.25"), Tick(50.0, "chance"), Tick(75.0, "0.75"), Tick(100.0, "1"))
COLUMNS = ("interval", "p", "Holm p", "within", "SNR check\u00adpoints", "SNR items", "τ-b", "pairs")
MOST_OPEN = 12
"""With more indicators than these the further quantities of headlines are folded away."""
TONES = {"better": "good", "worse": "bad", "leak": "bad", "confounded": "bad"}
"""Colour of a verdict; the others leave the question open."""


@dataclass(frozen=True)
class AccuracyRow:
    """One predictor; ``cells`` run along the columns, ``note`` stands small below the name, ``words`` below the row."""

    name: str
    note: str
    mark: Mark
    accuracy: str
    cells: tuple[str, ...]
    verdict: str = ""
    words: str = ""
    is_primary: bool = False
    full_name: str = ""
    """Of a further quantity of a headline: ``name`` is only what comes after the headline's then."""

    @property
    def tone(self) -> str:
        """Colour class of the verdict."""
        return TONES.get(self.verdict, "open")


@dataclass(frozen=True)
class Group:
    """Rows of one kind under a common heading."""

    title: str
    rows: tuple[AccuracyRow, ...]


@dataclass(frozen=True)
class Accuracies:
    """All predictors of one outcome.

    ``n_further``: rows of further quantities; ``is_folded``: whether they are hidden at first.
    """

    outcome: Outcome
    groups: tuple[Group, ...]
    columns: tuple[str, ...]
    n_further: int
    is_folded: bool
    ticks: tuple[Tick, ...] = TICKS


def accuracies_of(study: Study, outcome: Outcome) -> Accuracies:
    """Indicators of one outcome, best first, and the baselines in the order of the selection."""
    indicators = _indicator_rows(study, outcome)
    groups = (
        Group("Indicators", indicators),
        Group(
            "Baselines: what costs next to nothing", tuple(map(_baseline_row, rows_of(outcome.data.get("baselines"))))
        ),
    )
    columns, shown = _without_empty_columns([group for group in groups if group.rows])
    within = _within(outcome)
    n_further = sum(bool(row.full_name) for row in indicators)
    return Accuracies(
        outcome=outcome,
        groups=shown,
        columns=tuple(f"within {within}" if name == "within" else name for name in columns),
        n_further=n_further,
        is_folded=n_further > 0 and len(indicators) > MOST_OPEN,
    )


def _without_empty_columns(groups: Sequence[Group]) -> tuple[tuple[str, ...], tuple[Group, ...]]:
    """The columns that at least one row fills, and the groups with only those cells."""
    filled = [any(row.cells[at] != DASH for group in groups for row in group.rows) for at in range(len(COLUMNS))]
    shown = (
        Group(g.title, tuple(replace(row, cells=tuple(compress(row.cells, filled))) for row in g.rows)) for g in groups
    )
    return tuple(compress(COLUMNS, filled)), tuple(shown)


def _indicator_rows(study: Study, outcome: Outcome) -> tuple[AccuracyRow, ...]:
    """Headlines from best to worst, each with its further quantities below it, again from best to worst."""
    rows = {row.name: row for row in _single_rows(study, outcome)}
    families: dict[str, list[AccuracyRow]] = {}
    for name, row in rows.items():
        head = study.headline(outcome, name)
        families.setdefault(head, [])
        if head == name:
            is_primary = outcome.is_primary and name == study.primary_indicator
            families[head].insert(0, replace(row, is_primary=is_primary))
        else:
            note = "" if row.note == rows[head].note else row.note or "higher is better"
            families[head].append(replace(row, name=name.removeprefix(head), full_name=name, note=note))
    return tuple(row for head in rows if head in families for row in families[head])


def _single_rows(study: Study, outcome: Outcome) -> tuple[AccuracyRow, ...]:
    rows = [(str(name), mapping(row)) for name, row in mapping(outcome.data.get("indicators")).items()]
    ordered = sorted(rows, key=lambda item: -(finite(item[1].get("accuracy")) or 0.0))
    return tuple(_single_row(name, row, study.noise("indicators", name)) for name, row in ordered)


def _within(outcome: Outcome) -> str:
    rows = [mapping(mapping(row).get("within")) for row in mapping(outcome.data.get("indicators")).values()]
    return next((str(row["factor"]) for row in rows if row.get("factor")), "")


def _baseline_row(row: Mapping[str, Any]) -> AccuracyRow:
    filled = {
        "interval": interval(row.get("ci95")),
        "p": p_value(row.get("p")),
        "pairs": short(row.get("n_pairs"), 7),
    }
    return AccuracyRow(
        name=str(row.get("name") or row.get("kind") or ""),
        note="",
        mark=mark_of(row.get("accuracy"), row.get("ci95")),
        accuracy=fixed(row.get("accuracy")),
        cells=tuple(filled.get(column, DASH) for column in COLUMNS),
        words=str(row.get("note") or ""),
    )


def _single_row(name: str, row: Mapping[str, Any], noise: Mapping[str, Any]) -> AccuracyRow:
    q, within = finite(row.get("q")), mapping(row.get("within"))
    return AccuracyRow(
        name=name,
        note="lower is better" if row.get("higher_is_better") is False else "",
        mark=mark_of(row.get("accuracy"), row.get("ci95")),
        accuracy=fixed(row.get("accuracy")),
        cells=(
            interval(row.get("ci95")),
            p_value(row.get("p")),
            p_value(row.get("p_holm")) if q is None else f"q {p_value(q)}",
            fixed(within.get("accuracy")),
            fixed(noise.get("snr_checkpoints"), 1),
            fixed(noise.get("snr_items"), 1),
            fixed(row.get("tau_b"), 2),
            short(row.get("n_pairs"), 7),
        ),
        verdict=str(row.get("verdict") or ""),
        words=str(row.get("words") or ""),
    )


def mark_of(accuracy: object, bounds: object) -> Mark:
    """The mark of an accuracy; its tone says on which side of chance the whole interval lies, if on one."""
    return interval_mark(accuracy, bounds, UNIT, CHANCE)


SNR_MEANING = (
    "SNR is how far the variants differ (largest less smallest value) as a multiple of how far one variant's number "
    "wanders: from checkpoint to checkpoint in the last fifth of training, and over the items that are scored."
)
SNR_NEEDS = "it takes three checkpoints in the last fifth of a training, or standard errors over items"


def signal_note(study: Study) -> str:
    """What the SNR columns mean and why some or all of it is lacking; empty for a selection that never looked."""
    entries = [mapping(entry) for entry in mapping(mapping(study.selection.get("noise")).get("indicators")).values()]
    known = [finite(entry.get(key)) is not None for entry in entries for key in ("snr_checkpoints", "snr_items")]
    if not known or all(known):
        return SNR_MEANING if known else ""
    if not any(known):
        return f"Signal-to-noise is not known here: {SNR_NEEDS}."
    return f"{SNR_MEANING} A dash: not known; {SNR_NEEDS}."
