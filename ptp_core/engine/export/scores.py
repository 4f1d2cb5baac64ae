"""What a model scored, from the study's table: one number a score, over the seeds where there are several."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from ptp_core.engine.export.finished import FinishedStudy
from ptp_core.engine.outcomes import chance_levels
from ptp_core.engine.units import Outcome, Unit, VariantUnits
from ptp_core.engine.workflow import task_places
from ptp_core.spec.indicators import kind_of, subject_of
from ptp_core.table.schema import STEM, read_table


@dataclass(frozen=True)
class Score:
    """One number of a card."""

    name: str
    """As in the table."""
    task: str
    """What was asked: a task, or held-out text."""
    metric: str
    value: float
    """Mean over the seeds."""
    seed_error: float | None
    """Standard error over seeds; None for one seed."""
    item_error: float | None
    """Standard error over items, which all seeds share; None where it is not known."""
    items: int | None
    seeds: int
    chance: float | None
    """What a guesser scores."""
    trained_on: str | None = None
    """Task of the fine-tuning; None before any."""

    @property
    def is_after_finetuning(self) -> bool:
        return self.trained_on is not None


class Scores:
    """All scores of a study, read once."""

    def __init__(self, study: FinishedStudy) -> None:
        self.study = study
        self.table = read_table(study.folders.home / f"{STEM}.parquet")
        self.chance = chance_levels(task_places(study.workflow.graph), study.folders.store)

    def of(self, variant: VariantUnits, tuned: Sequence[Outcome]) -> list[Score]:
        """Of a pre-trained model its indicators, then what its fine-tuned copies score; of a fine-tuned one its own.

        ``tuned``: the evaluations of the fine-tuned model that is meant, none for the pre-trained one.
        """
        table = self.table[self.table["variant"] == variant.variant.name]
        before = [] if tuned else list(_indicators(self.study, variant, table, self.chance))
        return before + list(_outcomes(self.study, tuned or variant.outcomes, table, self.chance))


def _indicators(
    study: FinishedStudy, variant: VariantUnits, table: pd.DataFrame, chance: dict[str, float]
) -> Iterator[Score]:
    for name, unit in variant.indicators.items():
        kind = kind_of(name)
        task = "held-out text" if kind == "ppl" else subject_of(name) if kind in ("kshot", "tuned") else name
        for found, rows in _rows(table, [unit]):
            headline = found == name
            metric = _metric(study, unit) if headline else found.removeprefix(f"{name}.")
            yield _score(found, task, metric, rows, chance.get(task) if headline else None, None)


def _outcomes(
    study: FinishedStudy, outcomes: Sequence[Outcome], table: pd.DataFrame, chance: dict[str, float]
) -> Iterator[Score]:
    groups: dict[tuple[str, str, str | None], list[Unit]] = {}
    for outcome in outcomes:
        groups.setdefault((outcome.task, outcome.test, outcome.prompt_format), []).append(outcome.unit)
    for (trained_on, test, style), units in groups.items():
        for found, rows in _rows(table, units):
            headline = found == test
            metric = _metric(study, units[0]) if headline else found.removeprefix(f"{test}.")
            task = test if style is None else f"{test} ({style})"
            yield _score(found, task, metric, rows, chance.get(test) if headline else None, trained_on)


def _rows(table: pd.DataFrame, units: Sequence[Unit]) -> Iterator[tuple[str, pd.DataFrame]]:
    """Name → rows of some measurements, of one checkpoint each; domains are left to the table."""
    mine = table[table["source"].isin([unit.place for unit in units])]
    for name, rows in mine.groupby("name", sort=False):
        if "@" not in str(name):
            yield str(name), rows


def _metric(study: FinishedStudy, unit: Unit) -> str:
    metrics: dict[str, Any] = study.results[unit.fingerprint].receipt["metrics"]
    return str(metrics.get("headline", "score"))


def _score(
    name: str, task: str, metric: str, rows: pd.DataFrame, chance: float | None, trained_on: str | None
) -> Score:
    values, errors = rows["value"].astype(float), rows["stderr"].astype(float)
    seeds = len(rows)
    return Score(
        name, task, metric,
        value=float(values.mean()),
        seed_error=float(values.std(ddof=1)) / math.sqrt(seeds) if seeds > 1 else None,
        # The items are the same for every seed, so more seeds make this no smaller.
        item_error=None if errors.isna().any() else math.sqrt(float((errors**2).mean())),
        items=None if rows["n_items"].isna().any() else int(rows["n_items"].min()),
        seeds=seeds, chance=chance, trained_on=trained_on,
    )  # fmt: skip
