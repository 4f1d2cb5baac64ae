"""Section 3: how often each indicator picks the better of two variants, against chance and against the plain
configuration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import compress
from typing import Any

from ptp_core.report.charts import Mark, Scale, Tick
from ptp_core.report.numbers import DASH, decimals_for, ends, finite, fixed, interval, p_value, short
from ptp_core.report.study import Outcome, Study, mapping

CHANCE = 0.5
SCALE = Scale(0.0, 1.0)
TICKS = (Tick(0.0, "0"), Tick(25.0, "0.25"), Tick(50.0, "chance"), Tick(75.0, "0.75"), Tick(100.0, "1"))
COLUMNS = ("interval", "p", "Holm p", "τ-b", "pairs", "ties", "rank of best", "regret@1")
LEARNED = {
    "catboost": "learned from all indicators",
    "config_only": "learned from the configuration only",
    "best_single": "best single indicator of the training side",
}


@dataclass(frozen=True)
class AccuracyRow:
    """One predictor; ``cells`` run along the columns, ``note`` stands small below the name."""

    name: str
    note: str
    mark: Mark
    accuracy: str
    cells: tuple[str, ...]
    is_primary: bool = False


@dataclass(frozen=True)
class Group:
    """Rows of one kind under a common heading."""

    title: str
    rows: tuple[AccuracyRow, ...]


@dataclass(frozen=True)
class Accuracies:
    """All predictors of one outcome; ``comparisons``: what the learned model is compared with -> p."""

    outcome: Outcome
    groups: tuple[Group, ...]
    comparisons: tuple[tuple[str, str], ...]
    columns: tuple[str, ...]
    ticks: tuple[Tick, ...] = TICKS


def accuracies_of(study: Study, outcome: Outcome) -> Accuracies:
    """Indicators, configuration-only baselines and learned comparison of one outcome, best first in each group."""
    learned = mapping(outcome.data.get("learned"))
    primary = study.primary_indicator if outcome.is_primary else None
    groups = (
        Group("Indicators", _single_rows(outcome, "indicators", primary)),
        Group("Configuration alone", _single_rows(outcome, "configuration", None)),
        Group(_learned_title(learned), _learned_rows(learned)),
    )
    comparisons = (
        ("the best single indicator", p_value(learned.get("p_vs_best_single"))),
        ("the configuration only", p_value(learned.get("p_vs_config_only"))),
    )
    columns, shown = _without_empty_columns([group for group in groups if group.rows])
    return Accuracies(
        outcome=outcome,
        groups=shown,
        columns=columns,
        comparisons=tuple((other, p) for other, p in comparisons if p != DASH),
    )


def _without_empty_columns(groups: Sequence[Group]) -> tuple[tuple[str, ...], tuple[Group, ...]]:
    """The columns that at least one row fills, and the groups with only those cells."""
    filled = [any(row.cells[at] != DASH for group in groups for row in group.rows) for at in range(len(COLUMNS))]
    shown = (
        Group(g.title, tuple(replace(row, cells=tuple(compress(row.cells, filled))) for row in g.rows)) for g in groups
    )
    return tuple(compress(COLUMNS, filled)), tuple(shown)


def _single_rows(outcome: Outcome, section: str, primary: str | None) -> tuple[AccuracyRow, ...]:
    rows = [(str(name), mapping(row)) for name, row in mapping(outcome.data.get(section)).items()]
    ordered = sorted(rows, key=lambda item: -(finite(item[1].get("accuracy")) or 0.0))
    decimals = decimals_for(mapping(outcome.data.get("values")).values())
    return tuple(_single_row(name, row, name == primary, decimals) for name, row in ordered)


def _single_row(name: str, row: Mapping[str, Any], is_primary: bool, decimals: int) -> AccuracyRow:
    ties = [number for key in ("n_indicator_ties", "n_outcome_ties") if (number := finite(row.get(key)))]
    return AccuracyRow(
        name=name,
        note="lower is better" if row.get("higher_is_better") is False else "",
        mark=mark_of(row.get("accuracy"), row.get("ci95")),
        accuracy=fixed(row.get("accuracy")),
        cells=(
            interval(row.get("ci95")),
            p_value(row.get("p")),
            p_value(row.get("p_holm")),
            fixed(row.get("tau_b"), 2),
            short(row.get("n_pairs")),
            short(sum(ties)) if ties else DASH,
            short(row.get("rank_of_best")),
            fixed(row.get("regret_at_1"), decimals),
        ),
        is_primary=is_primary,
    )


def _learned_title(learned: Mapping[str, Any]) -> str:
    splits = [n for row in learned.values() if (n := finite(mapping(row).get("n_splits")))]
    return f"Learned, on variants held out ({short(splits[0])} splits)" if splits else "Learned, on variants held out"


def _learned_rows(learned: Mapping[str, Any]) -> tuple[AccuracyRow, ...]:
    known = [name for name in LEARNED if name in learned]
    others = [name for name in learned if name not in LEARNED and "mean" in mapping(learned[name])]
    return tuple(_learned_row(name, mapping(learned[name])) for name in (*known, *others) if learned[name])


def _learned_row(name: str, row: Mapping[str, Any]) -> AccuracyRow:
    chosen = sorted(mapping(row.get("names")).items(), key=lambda item: (-(finite(item[1]) or 0), item[0]))
    spread = finite(row.get("sd"))
    notes = [", ".join(f"{indicator} {short(count)}×" for indicator, count in chosen)]
    notes += [] if spread is None else [f"sd over splits {fixed(spread)}"]
    return AccuracyRow(
        name=LEARNED.get(name, name),
        note=" · ".join(note for note in notes if note),
        mark=mark_of(row.get("mean"), row.get("ci95")),
        accuracy=fixed(row.get("mean")),
        cells=(interval(row.get("ci95")), *(DASH for _ in COLUMNS[1:])),
    )


def mark_of(accuracy: object, bounds: object) -> Mark:
    """The mark of an accuracy; its tone says on which side of chance the whole interval lies, if on one."""
    value, (low, high) = finite(accuracy), ends(bounds)
    if low is None or high is None:
        return Mark(None if value is None else SCALE.at(value), None, None, "open")
    tone = "good" if low > CHANCE else "bad" if high < CHANCE else "open"
    return Mark(None if value is None else SCALE.at(value), SCALE.at(low), SCALE.at(high), tone)
