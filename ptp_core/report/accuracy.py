"""How often each indicator picks the better of two variants, against chance, plain baselines and published figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import compress
from typing import Any

from ptp_core.report.charts import Mark, Scale, Tick
from ptp_core.report.lines import rows_of
from ptp_core.report.numbers import DASH, decimals_for, ends, finite, fixed, interval, p_value, short
from ptp_core.report.study import Outcome, Study, mapping

CHANCE = 0.5
SCALE = Scale(0.0, 1.0)
TICKS = (Tick(0.0, "0"), Tick(25.0, "0.25"), Tick(50.0, "chance"), Tick(75.0, "0.75"), Tick(100.0, "1"))
COLUMNS = (
    "interval", "p", "Holm p", "within", "published", "SNR check\u00adpoints", "SNR items", "τ-b", "pairs", "ties",
    "rank of best", "regret@1",
)  # fmt: skip
MOST_OPEN = 12
"""With more indicators than these the further quantities of headlines are folded away."""
BASELINES = {
    "chance": "a coin",
    "setting": "a setting as it is, larger is better",
    "word": "group means of the training side, judged on the test side",
    "settings": "all settings together, learned on the training side",
    "flipped": "the indicator with its sign turned",
    "smallest": "rank at the smallest scale or budget",
    "tiny_finetune": "a tiny fine-tune",
}
LEARNED = {
    "catboost": "learned from {source}",
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
    full_name: str = ""
    """Of a further quantity of a headline: ``name`` is only what comes after the headline's then."""


@dataclass(frozen=True)
class Group:
    """Rows of one kind under a common heading."""

    title: str
    rows: tuple[AccuracyRow, ...]


@dataclass(frozen=True)
class Accuracies:
    """All predictors of one outcome; ``comparisons``: what the learned model is compared with -> p.

    ``n_further``: rows of further quantities; ``is_folded``: whether they are hidden at first; ``source``: what the
    learned model was taught on.
    """

    outcome: Outcome
    groups: tuple[Group, ...]
    comparisons: tuple[tuple[str, str], ...]
    columns: tuple[str, ...]
    n_further: int
    is_folded: bool
    source: str
    ticks: tuple[Tick, ...] = TICKS


def accuracies_of(study: Study, outcome: Outcome) -> Accuracies:
    """Indicators, configuration-only baselines and learned comparison of one outcome, best first in each group."""
    learned = mapping(outcome.data.get("learned"))
    source = _source(learned, mapping(outcome.data.get("indicators")))
    indicators = _indicator_rows(study, outcome)
    baselines = rows_of(outcome.data.get("baselines"))
    groups = (
        Group("Indicators", indicators),
        Group("Baselines: what costs next to nothing", tuple(_baseline_row(row) for row in baselines))
        if baselines
        else Group("Configuration alone", _single_rows(study, outcome, "configuration")),
        # The newer form of the learned comparison has a section of its own.
        Group(_learned_title(learned), () if "models" in learned else _learned_rows(learned, source)),
    )
    comparisons = (
        ("the best single indicator", p_value(learned.get("p_vs_best_single"))),
        ("the configuration only", p_value(learned.get("p_vs_config_only"))),
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
        source=source,
        comparisons=tuple((other, p) for other, p in comparisons if p != DASH),
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
    rows = {row.name: row for row in _single_rows(study, outcome, "indicators")}
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


def _single_rows(study: Study, outcome: Outcome, section: str) -> tuple[AccuracyRow, ...]:
    rows = [(str(name), mapping(row)) for name, row in mapping(outcome.data.get(section)).items()]
    ordered = sorted(rows, key=lambda item: -(finite(item[1].get("accuracy")) or 0.0))
    decimals = decimals_for(mapping(outcome.data.get("values")).values())
    published = published_of(study, outcome)
    return tuple(
        _single_row(name, row, study.noise(section, name), decimals, published.get(name, DASH)) for name, row in ordered
    )


def published_of(study: Study, outcome: Outcome) -> dict[str, str]:
    """Accuracies that somebody else has published for this outcome: name of the predictor -> text."""
    given = mapping(mapping(study.selection.get("settings")).get("published"))
    return {str(name): fixed(x) for name, row in given.items() if (x := mapping(row).get(outcome.name)) is not None}


def _within(outcome: Outcome) -> str:
    rows = [mapping(mapping(row).get("within")) for row in mapping(outcome.data.get("indicators")).values()]
    return next((str(row["factor"]) for row in rows if row.get("factor")), "")


def _baseline_row(row: Mapping[str, Any]) -> AccuracyRow:
    filled = {
        "interval": interval(row.get("ci95")),
        "p": p_value(row.get("p")),
        "pairs": short(row.get("n_pairs"), 7),
    }
    note, kind = str(row.get("note") or ""), BASELINES.get(str(row.get("kind")), "")
    return AccuracyRow(
        name=str(row.get("name") or row.get("kind") or ""),
        note=note or kind,
        mark=mark_of(row.get("accuracy"), row.get("ci95")),
        accuracy=fixed(row.get("accuracy")),
        cells=tuple(filled.get(column, DASH) for column in COLUMNS),
    )


def _single_row(
    name: str, row: Mapping[str, Any], noise: Mapping[str, Any], decimals: int, published: str
) -> AccuracyRow:
    ties = [number for key in ("n_indicator_ties", "n_outcome_ties") if (number := finite(row.get(key)))]
    q, within = finite(row.get("q")), mapping(row.get("within"))
    direction = "lower is better" if row.get("higher_is_better") is False else ""
    return AccuracyRow(
        name=name,
        note=" · ".join(note for note in (direction, str(row.get("words") or "")) if note),
        mark=mark_of(row.get("accuracy"), row.get("ci95")),
        accuracy=fixed(row.get("accuracy")),
        cells=(
            interval(row.get("ci95")),
            p_value(row.get("p")),
            p_value(row.get("p_holm")) if q is None else f"q {p_value(q)}",
            fixed(within.get("accuracy")),
            published,
            fixed(noise.get("snr_checkpoints"), 1),
            fixed(noise.get("snr_items"), 1),
            fixed(row.get("tau_b"), 2),
            short(row.get("n_pairs"), 7),
            short(sum(ties)) if ties else DASH,
            short(row.get("rank_of_best")),
            fixed(row.get("regret_at_1"), decimals),
        ),
    )


def _source(learned: Mapping[str, Any], indicators: Mapping[str, Any]) -> str:
    """What the learned model was taught on."""
    taught = learned.get("indicators")
    some = isinstance(taught, Sequence) and len(taught) < len(indicators)
    return f"the {len(taught)} headline indicators" if taught and some else "all indicators"


def _learned_title(learned: Mapping[str, Any]) -> str:
    splits = [n for row in learned.values() if (n := finite(mapping(row).get("n_splits")))]
    return f"Learned, on variants held out ({short(splits[0])} splits)" if splits else "Learned, on variants held out"


def _learned_rows(learned: Mapping[str, Any], source: str) -> tuple[AccuracyRow, ...]:
    known = [name for name in LEARNED if name in learned]
    others = [name for name in learned if name not in LEARNED and "mean" in mapping(learned[name])]
    return tuple(_learned_row(name, mapping(learned[name]), source) for name in (*known, *others) if learned[name])


def _learned_row(name: str, row: Mapping[str, Any], source: str) -> AccuracyRow:
    chosen = sorted(mapping(row.get("names")).items(), key=lambda item: (-(finite(item[1]) or 0), item[0]))
    spread = finite(row.get("sd"))
    notes = [", ".join(f"{indicator} {short(count)}×" for indicator, count in chosen)]
    notes += [] if spread is None else [f"sd over splits {fixed(spread)}"]
    return AccuracyRow(
        name=LEARNED.get(name, name).replace("{source}", source),
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
