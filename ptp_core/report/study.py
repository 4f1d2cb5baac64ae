"""The selection and the table as the page needs them: outcomes in order, what varies, who has which colour."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from ptp_core.report.numbers import short
from ptp_core.table.names import headline_of

N_COLOURS = 8
OTHER = N_COLOURS - 1
"""The last colour is grey: all groups beyond the first seven, when there are more than eight."""


@dataclass(frozen=True)
class Outcome:
    """One outcome of the selection; ``key`` counts from 0 in page order and is safe as an HTML id."""

    key: int
    name: str
    data: Mapping[str, Any]
    is_primary: bool

    @property
    def higher_is_better(self) -> bool:
        """True unless the selection says otherwise."""
        return self.data.get("higher_is_better") is not False

    @property
    def better(self) -> str:
        """``higher is better`` or ``lower is better``."""
        return "higher is better" if self.higher_is_better else "lower is better"


@dataclass(frozen=True)
class Colouring:
    """Groups of variants: the column they come from, one label a colour, and each variant's colour."""

    column: str | None
    labels: tuple[str, ...]
    of: Mapping[str, int]

    def tone(self, variant: str) -> str:
        """CSS class of a variant's colour."""
        return f"s{self.of.get(variant, 0 if self.column is None else OTHER)}"


@dataclass(frozen=True)
class Study:
    """What every section reads. ``config``: varying configuration column -> variant -> text."""

    selection: Mapping[str, Any]
    outcomes: tuple[Outcome, ...]
    primary_indicator: str | None
    config: Mapping[str, Mapping[str, str]]
    colouring: Colouring
    indicator_rows: pd.DataFrame

    @property
    def headline_outcomes(self) -> tuple[Outcome, ...]:
        """The outcomes that claims are about, not the further quantities of one."""
        claimed = mapping(self.selection.get("confirmatory")).get("outcomes") or ()
        return tuple(outcome for outcome in self.outcomes if outcome.name in claimed)

    def headline(self, outcome: Outcome, indicator: str) -> str:
        """The indicator that ``indicator`` is a further quantity of; itself where it is among the claims."""
        claimed = mapping(self.selection.get("confirmatory")).get("indicators") or ()
        return indicator if indicator in claimed else headline_of(indicator, mapping(outcome.data.get("indicators")))

    def noise(self, section: str, name: str) -> Mapping[str, Any]:
        """Signal and noise of a name in ``section`` (indicators or outcomes); empty where the selection has none."""
        return mapping(mapping(mapping(self.selection.get("noise")).get(section)).get(name))

    def indicator_values(self, indicator: str) -> dict[str, float]:
        """Mean of an indicator at each variant's last checkpoint."""
        rows = self.indicator_rows
        named = rows[rows["name"] == indicator]
        chosen = named if len(named) else rows[rows["family"] == indicator]
        # Within a seed first, so that a seed with more splits or prompts does not weigh more.
        per_seed = chosen.groupby([chosen["variant"], chosen["seed"].fillna(-1)], sort=False)["value"].mean()
        means = per_seed.groupby(level=0, sort=False).mean().dropna()
        return {str(variant): float(value) for variant, value in means.items() if math.isfinite(value)}


def read_study(selection: Mapping[str, Any], table: pd.DataFrame) -> Study:
    """Order the outcomes (primary first), find what varies and colour the variants by it."""
    primary = mapping(selection.get("primary"))
    outcomes = mapping(selection.get("outcomes"))
    names = sorted(outcomes, key=lambda name: name != primary.get("outcome"))
    variants = [str(variant) for variant in selection.get("variants") or ()]
    config = varying_config(table, variants)
    return Study(
        selection=selection,
        outcomes=tuple(
            Outcome(key, name, mapping(outcomes[name]), name == primary.get("outcome"))
            for key, name in enumerate(names)
        ),
        primary_indicator=primary.get("indicator"),
        config=config,
        colouring=colour_by(config, variants),
        indicator_rows=last_checkpoints(table[table["kind"] == "indicator"]),
    )


def varying_config(table: pd.DataFrame, variants: Iterable[str]) -> dict[str, dict[str, str]]:
    """Configuration columns with more than one value among the variants, in the table's order."""
    wanted = set(variants)
    columns: dict[str, dict[str, str]] = {}
    rows = table[table["kind"] == "config"]
    for variant, name, value, text in zip(rows["variant"], rows["name"], rows["value"], rows["text"], strict=True):
        if variant in wanted:
            shown = text if isinstance(text, str) and text else short(value)
            columns.setdefault(str(name), {}).setdefault(variant, shown)
    return {name: column for name, column in columns.items() if len(set(column.values())) > 1}


def colour_by(config: Mapping[str, Mapping[str, str]], variants: Iterable[str]) -> Colouring:
    """Colour by the objective where it varies, else by the first column with few enough values, else by none."""
    objective = [name for name in config if name.lower().rsplit(".", 1)[-1] == "objective"]
    few = [name for name, column in config.items() if len(set(column.values())) <= N_COLOURS]
    column = next(iter([*objective, *few, *config]), None)
    if column is None:
        return Colouring(None, (), {})
    groups = {variant: config[column][variant] for variant in variants if variant in config[column]}
    labels = group_labels(groups.values())
    return Colouring(column, labels, {v: labels.index(g) if g in labels else OTHER for v, g in groups.items()})


def group_labels(groups: Iterable[str]) -> tuple[str, ...]:
    """The groups in order of number or appearance; beyond eight, the seven largest and ``other``."""
    sizes = Counter(groups)
    order = sorted(sizes, key=lambda group: (_as_number(group) is None, _as_number(group) or 0.0))
    if len(order) <= N_COLOURS:
        return tuple(order)
    largest = {group for group, _ in sizes.most_common(OTHER)}
    return (*(group for group in order if group in largest), "other")


def last_checkpoints(rows: pd.DataFrame) -> pd.DataFrame:
    """Only the rows of each variant's and indicator's last checkpoint; missing tokens mean the end of training."""
    tokens = rows["checkpoint_tokens"].astype("Float64").fillna(float("inf")).astype("float64")
    return rows[tokens == tokens.groupby([rows["variant"], rows["name"]], sort=False).transform("max")]


def untold(words: object, verdict: object) -> tuple[str, ...]:
    """The sentences of a section that neither the headline nor the details of the verdict has said already."""
    told = mapping(verdict)
    said = {_bare(sentence) for sentence in (told.get("headline"), *(told.get("details") or ()))}
    sentences = words if isinstance(words, (list, tuple)) else ()
    return tuple(str(sentence) for sentence in sentences if _bare(sentence) not in said)


def _bare(sentence: object) -> str:
    return " ".join(str(sentence).split()).rstrip(".")


def mapping(value: object) -> Mapping[str, Any]:
    """The value if it is a mapping, else an empty one: null and absent sections of a selection read alike."""
    return value if isinstance(value, Mapping) else {}


def _as_number(text: str) -> float | None:
    try:
        return float(text.replace("\u2212", "-"))
    except ValueError:
        return None
