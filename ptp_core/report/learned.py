"""The learned model: how well it does on variants it never saw, beside plain rules and published figures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ptp_core.report.accuracy import AccuracyRow, Group, mark_of
from ptp_core.report.charts import LinePlot, Mark, Scale, Tick, interval_mark
from ptp_core.report.lines import Calibration, calibration_of, learning_curve_of, rows_of
from ptp_core.report.numbers import DASH, finite, finite_all, fixed, interval, p_value, short
from ptp_core.report.study import Outcome, Study, mapping

MODELS = {
    "catboost": "boosted trees on the indicators",
    "catboost_config": "boosted trees on indicators and settings",
    "config_only": "boosted trees on the settings only",
    "logistic": "logistic regression on the indicators",
    "mlp": "neural network on the indicators",
    "best_single": "best single indicator of the training side",
    "setting": "best single setting",
    "sum": "plain sum of the indicators",
}
BRIEF = {
    "catboost": "trees on indicators",
    "catboost_config": "trees on indicators and settings",
    "config_only": "trees on settings",
    "logistic": "logistic regression",
    "mlp": "neural network",
    "best_single": "best single indicator",
    "setting": "best single setting",
    "sum": "plain sum",
}
COLUMNS = ("interval", "sd over splits")


@dataclass(frozen=True)
class Difference:
    """A difference of two accuracies with its place on an axis around nought."""

    label: str
    mark: Mark
    difference: str
    interval: str
    p: str


@dataclass(frozen=True)
class Differences:
    """Differences on one axis."""

    rows: tuple[Difference, ...]
    ticks: tuple[Tick, ...]

    @property
    def is_tested(self) -> bool:
        """Whether any of them has a p."""
        return any(row.p != DASH for row in self.rows)


@dataclass(frozen=True)
class Family:
    """Accuracy on a family of variants that was left out whole, and that of each of its levels."""

    row: AccuracyRow
    levels: tuple[tuple[str, str, str, str], ...]


@dataclass(frozen=True)
class Learned:
    """All that is known of the learned model for one outcome."""

    outcome: Outcome
    facts: tuple[tuple[str, str], ...]
    indicators: str
    groups: tuple[Group, ...]
    columns: tuple[str, ...]
    comparisons: Differences | None
    curve: LinePlot | None
    calibration: Calibration | None
    families: tuple[Family, ...]
    importance: Differences | None


def learned_of(study: Study, outcome: Outcome) -> Learned | None:
    """The learned models of one outcome; None where nothing was learned."""
    block = mapping(outcome.data.get("learned"))
    if not mapping(block.get("models")):
        return None
    return Learned(
        outcome=outcome,
        facts=_facts(block),
        indicators=", ".join(map(str, block.get("indicators") or ())),
        groups=tuple(_groups(study, outcome, block)),
        columns=COLUMNS,
        comparisons=differences_of(block.get("comparisons"), BRIEF),
        curve=learning_curve_of(block.get("learning_curve")),
        calibration=calibration_of(mapping(block.get("calibration"))),
        families=tuple(_families(block)),
        importance=_importance(block.get("importance")),
    )


def _facts(block: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    splits = next((row["n_splits"] for row in mapping(block.get("models")).values() if row.get("n_splits")), None)
    facts = (
        ("variants learned from", short(block.get("n_train"))),
        ("held out", short(block.get("n_test"))),
        ("splits", short(splits)),
    )
    return tuple((label, text) for label, text in facts if text != DASH)


def _groups(study: Study, outcome: Outcome, block: Mapping[str, Any]) -> Iterator[Group]:
    """Models as analysed; models with every variant kept, and beside them what somebody else has published.

    Whoever published an accuracy kept every variant.
    """
    given = mapping(study.selection.get("as_given"))
    whole = mapping(mapping(mapping(given.get("outcomes")).get(outcome.name)).get("learned"))
    yield Group(f"As analysed: {short(outcome.data.get('n_variants'))} variants", _models(block))
    if whole:
        n = short(given.get("n_variants"))
        yield Group(f"Everything kept: {n} variants", (*_models(whole), *_published(whole)))
    elif published := _published(block):
        yield Group("Published", published)


def _models(block: Mapping[str, Any]) -> tuple[AccuracyRow, ...]:
    models = {str(name): mapping(row) for name, row in mapping(block.get("models")).items()}
    names = [*(name for name in MODELS if models.get(name)), *(n for n in models if n not in MODELS and models[n])]
    return tuple(_model(name, models[name]) for name in names)


def _model(name: str, row: Mapping[str, Any]) -> AccuracyRow:
    chosen = sorted(mapping(row.get("names")).items(), key=lambda item: (-(finite(item[1]) or 0), item[0]))
    note = ", ".join(f"{indicator} {short(count)}×" for indicator, count in chosen) or str(row.get("name") or "")
    cells = (interval(row.get("ci95")), fixed(row.get("sd")))
    return AccuracyRow(
        MODELS.get(name, name), note, mark_of(row.get("mean"), row.get("ci95")), fixed(row.get("mean")), cells
    )


def _published(block: Mapping[str, Any]) -> tuple[AccuracyRow, ...]:
    """Accuracies of somebody else, each with how far it is from the best single setting of the same variants."""
    return tuple(
        AccuracyRow(
            name=str(row.get("name", "")),
            note=_against_setting(row),
            mark=mark_of(row.get("accuracy"), None),
            accuracy=fixed(row.get("accuracy")),
            cells=(DASH,) * len(COLUMNS),
        )
        for row in rows_of(block.get("published"))
    )


def _against_setting(row: Mapping[str, Any]) -> str:
    difference = _signed(row.get("difference"))
    against = f"; less {row.get('setting')} alone {difference}, p {p_value(row.get('p'))}"
    return "published" + (against if difference != DASH else "")


def differences_of(block: object, labels: Mapping[str, str]) -> Differences | None:
    """Paired differences a − b; None where there are none."""
    rows = rows_of(block)
    reach = max(
        (abs(x) for row in rows for x in finite_all([row.get("difference"), *(row.get("ci95") or ())])), default=0.0
    )
    if not rows:
        return None
    scale = Scale(-1.08 * (reach or 1.0), 1.08 * (reach or 1.0))
    shown = [
        Difference(
            label=f"{labels.get(str(row.get('a')), row.get('a'))} − {labels.get(str(row.get('b')), row.get('b'))}",
            mark=interval_mark(row.get("difference"), row.get("ci95"), scale, 0.0),
            difference=_signed(row.get("difference")),
            interval=interval(row.get("ci95")),
            p=p_value(row.get("p")),
        )
        for row in rows
    ]
    return Differences(tuple(shown), _around_nought(scale))


def _around_nought(scale: Scale) -> tuple[Tick, ...]:
    return tuple(Tick(tick.at, tick.label, abs(tick.at - 50) < 0.01) for tick in scale.ticks(5))


def _signed(value: object) -> str:
    number = finite(value)
    return DASH if number is None else ("+" if number > 0 else "") + fixed(number)


def _families(block: Mapping[str, Any]) -> list[Family]:
    """Leave one variant out, then leave one family out, factor by factor."""
    one = mapping(block.get("leave_one_out"))
    found = [Family(_left_out("one variant at a time", one, f"{short(one.get('n_folds'))} folds"), ())] if one else []
    for entry in rows_of(block.get("leave_family_out")):
        levels = tuple(
            (
                str(level.get("value", "")),
                fixed(level.get("accuracy")),
                short(level.get("n_variants")),
                short(level.get("n_pairs"), 7),
            )
            for level in rows_of(entry.get("levels"))
        )
        row = _left_out(
            f"all of one {entry.get('factor', '')} at a time", entry, f"{short(entry.get('n_pairs'), 7)} pairs"
        )
        found.append(Family(row, levels))
    return found


def _left_out(name: str, row: Mapping[str, Any], note: str) -> AccuracyRow:
    mark = mark_of(row.get("accuracy"), row.get("ci95"))
    return AccuracyRow(name, "", mark, fixed(row.get("accuracy")), (interval(row.get("ci95")), note))


def _importance(block: object) -> Differences | None:
    rows = [{"a": row.get("name"), "difference": row.get("drop"), "ci95": row.get("ci95")} for row in rows_of(block)]
    view = differences_of([{**row, "b": ""} for row in rows], {})
    if view is None:
        return None
    named = tuple(
        Difference(str(row["a"]), shown.mark, shown.difference, shown.interval, DASH)
        for row, shown in zip(rows, view.rows, strict=True)
    )
    return Differences(named, view.ticks)
