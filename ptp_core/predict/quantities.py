"""The tidy table turned into columns over variants: indicators, outcomes (mean over seeds) and configuration."""

from __future__ import annotations

import re
import sys
from collections.abc import Collection
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ptp_core.predict.wording import listed
from ptp_core.table.names import belongs_to

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Quantity:
    """One indicator or outcome; arrays are (variants,), NaN or 0 where a variant has no such measurement."""

    name: str
    higher_is_better: bool
    values: Floats
    """Mean over seeds of the variant's last checkpoint."""
    n_seeds: NDArray[np.int64]
    squares: Floats
    """Sum of squared deviations of the seeds from the variant's mean."""
    item_errors: Floats
    """Standard error over scored items, where the table gives one."""

    @property
    def goodness(self) -> Floats:
        """Values signed so that larger is better."""
        return self.values if self.higher_is_better else -self.values

    def at(self, which: NDArray[np.bool_]) -> Quantity:
        """The same quantity for some of the variants."""
        return replace(
            self,
            values=self.values[which],
            n_seeds=self.n_seeds[which],
            squares=self.squares[which],
            item_errors=self.item_errors[which],
        )

    @property
    def seed_freedom(self) -> int:
        """Degrees of freedom behind the seed noise, pooled over variants."""
        return int(np.maximum(self.n_seeds - 1, 0).sum())

    @property
    def seed_sd(self) -> float:
        """Standard deviation between seeds of one variant, pooled over variants; NaN with one seed each."""
        freedom = self.seed_freedom
        return float(np.sqrt(np.nansum(self.squares) / freedom)) if freedom else float("nan")


@dataclass(frozen=True)
class Measured:
    """All that is known about a set of variants; ``words`` are the config columns that are not numbers."""

    variants: tuple[str, ...]
    indicators: dict[str, Quantity]
    outcomes: dict[str, Quantity]
    numbers: dict[str, Floats]
    words: dict[str, tuple[str, ...]]
    notes: tuple[str, ...]
    """Sentences about what had to be averaged, chosen or left out."""

    def without(self, names: Collection[str]) -> Measured:
        """The same without some of the variants."""
        kept = np.array([variant not in names for variant in self.variants], dtype=np.bool_)
        return Measured(
            variants=tuple(variant for variant in self.variants if variant not in names),
            indicators={name: quantity.at(kept) for name, quantity in self.indicators.items()},
            outcomes={name: quantity.at(kept) for name, quantity in self.outcomes.items()},
            numbers={name: values[kept] for name, values in self.numbers.items()},
            words={
                name: tuple(word for word, keep in zip(words, kept, strict=True) if keep)
                for name, words in self.words.items()
            },
            notes=self.notes,
        )


@dataclass
class Notes:
    """What has to be said of quantities: the names that share a sentence are gathered in one."""

    names: dict[tuple[str, str], list[str]] = field(default_factory=dict)

    def add(self, name: str, verb: tuple[str, str], rest: str) -> None:
        """``name verb rest``, where ``verb`` is the form for one and for several names."""
        self.names.setdefault((" ".join(verb), rest), []).append(name)

    def sentences(self) -> tuple[str, ...]:
        """One sentence for each different thing to say."""
        return tuple(
            f"{listed(names)} {verb.split()[len(names) > 1]} {rest}" for (verb, rest), names in self.names.items()
        )


def natural_order(names: set[str]) -> list[str]:
    """Sorted as a person would: 2 before 10."""

    def parts(name: str) -> list[tuple[int, str]]:
        # A run of digits compares by value and before any word; the spelling settles 07 against 7.
        return [(int(part), part) if part.isdecimal() else (sys.maxsize, part) for part in re.findall(r"\d+|\D+", name)]

    return sorted(names, key=parts)


def measured(table: pd.DataFrame) -> Measured:
    """Columns over variants from a validated tidy table; the order of its rows does not matter.

    Of a variant measured at several checkpoints the last counts. Rows that differ in split or prompt format are
    averaged within a seed, then seeds are averaged. Outcomes of a model that was tuned on another task are left out.
    All of this is said in ``notes``.
    """
    scores, notes = own_scores(table), Notes()
    variants = tuple(natural_order(set(scores["variant"])))
    found: dict[str, dict[str, Quantity]] = {"indicator": {}, "outcome": {}}
    for kind, quantities in found.items():
        of_kind = {str(name): rows for name, rows in scores[scores["kind"] == kind].groupby("name")}
        for name in natural_order(set(of_kind)):
            rows = _last_checkpoints(of_kind[name], name, notes)
            quantities[name] = _quantity(rows, name, variants, notes)
    settings = table[(table["kind"] == "config") & table["variant"].isin(variants)]
    _note_contradictions(settings, notes)
    numbers, words = _configuration(settings, variants)
    sentences = (*notes.sentences(), *_left_out(int((table["kind"] != "config").sum()) - len(scores)))
    return Measured(variants, found["indicator"], found["outcome"], numbers, words, sentences)


def own_scores(table: pd.DataFrame) -> pd.DataFrame:
    """Indicators and outcomes without those of a model that was tuned on one task and tested on another."""
    scores = table[table["kind"] != "config"]
    tuned = scores[(scores["kind"] == "outcome") & scores["train_task"].notna()]
    cross = [not belongs_to(name, task) for name, task in zip(tuned["name"], tuned["train_task"], strict=True)]
    return scores.drop(index=tuned.index[cross])


def _left_out(n_rows: int) -> list[str]:
    if not n_rows:
        return []
    return [
        f"{n_rows} scores of models tuned on one task and tested on another are left out here; "
        "they are in the table of measurements."
    ]


def _last_checkpoints(rows: pd.DataFrame, name: str, notes: Notes) -> pd.DataFrame:
    tokens = rows["checkpoint_tokens"].astype("float64").fillna(np.inf)  # missing means the end of training
    last = tokens.groupby(rows["variant"]).transform("max")
    if last.nunique() > 1:
        rest = "measured after different numbers of pre-training tokens; each variant's last counts."
        notes.add(name, ("was", "were"), rest)
    return rows[tokens == last]


def _quantity(rows: pd.DataFrame, name: str, variants: tuple[str, ...], notes: Notes) -> Quantity:
    for column, meaning in (("split", "splits"), ("prompt_format", "prompt formats"), ("family", "families")):
        values = rows[column].fillna("")
        if values.nunique() == 1:
            continue
        sets = values.groupby(rows["variant"]).agg(frozenset)
        if sets.map(len).max() > 1:
            notes.add(name, ("is", "are"), f"the mean over {len(frozenset().union(*sets))} {meaning}.")
        if sets.nunique() > 1:
            rest = f"of other {meaning} for some variants than for others: those do not compare like with like."
            notes.add(name, ("is", "are"), rest)
    per_seed = rows.groupby([rows["variant"], rows["seed"].fillna(-1)])["value"].mean()
    seeds = per_seed.groupby(level=0)
    counts = seeds.count().reindex(variants, fill_value=0)
    squares = ((per_seed - seeds.transform("mean")) ** 2).groupby(level=0).sum()
    errors = rows.groupby("variant")["stderr"].mean()  # seeds score the same items: their errors do not average out
    if counts[counts > 0].nunique() > 1:
        rest = f"measured with {counts[counts > 0].min()} to {counts.max()} seeds, not the same for all."
        notes.add(name, ("was", "were"), rest)
    return Quantity(
        name=name,
        higher_is_better=bool(rows["higher_is_better"].iloc[0]),
        values=_rounded(np.asarray(seeds.mean().reindex(variants), dtype=np.float64)),
        n_seeds=np.asarray(counts, dtype=np.int64),
        squares=np.asarray(squares.reindex(variants), dtype=np.float64),
        item_errors=np.asarray(errors.reindex(variants), dtype=np.float64),
    )


def _rounded(values: Floats) -> Floats:
    """To 12 significant digits, so that equal means of seeds are ties whatever the order they were added in."""
    return np.array([float(f"{value:.12g}") for value in values])


def _note_contradictions(rows: pd.DataFrame, notes: Notes) -> None:
    """Two tables may describe a variant differently, each at its own checkpoint."""
    stated = rows.drop_duplicates(["name", "variant", "value", "text"])
    for name, repeated in stated[stated.duplicated(["name", "variant"])].groupby("name"):
        several = listed(natural_order(set(repeated["variant"])))
        notes.add(str(name), ("has", "have"), f"more than one value for {several}: the first in the table counts.")


def _configuration(
    rows: pd.DataFrame, variants: tuple[str, ...]
) -> tuple[dict[str, Floats], dict[str, tuple[str, ...]]]:
    numbers: dict[str, Floats] = {}
    words: dict[str, tuple[str, ...]] = {}
    for name in natural_order(set(rows["name"])):
        settings = rows[rows["name"] == name].groupby("variant")[["value", "text"]].first().reindex(variants)
        parsed = settings["value"].fillna(pd.to_numeric(settings["text"], errors="coerce")).to_numpy(dtype=np.float64)
        texts = settings["text"].to_numpy(dtype=object)
        # A word such as "nan" or "inf" is a word: only finite numbers make a column numeric.
        if all(np.isfinite(number) or pd.isna(text) for number, text in zip(parsed, texts, strict=True)):
            numbers[name] = parsed
        else:
            values = settings["value"].to_numpy(dtype=np.float64)
            words[name] = tuple(_word(text, value) for text, value in zip(texts, values, strict=True))
    return numbers, words


def _word(text: object, value: float) -> str:
    if isinstance(text, str):
        return text
    return "" if np.isnan(value) else f"{value:g}"
