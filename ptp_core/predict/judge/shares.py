"""Pairwise accuracies of many columns at once, over all pairs or some of them, with intervals and tests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from ptp_core.predict.judge.terms import Codes, Mask, Terms
from ptp_core.predict.quantities import Floats
from ptp_core.stats.intervals import jackknife_intervals
from ptp_core.stats.pairs import PairAccuracy, pairwise_accuracy
from ptp_core.stats.permutation import permutation_p

Name = TypeVar("Name")


@dataclass(frozen=True)
class Share:
    """How one column orders the judged pairs of the variants that have it."""

    pairs: PairAccuracy
    interval: tuple[float, float]
    p: float


@dataclass(frozen=True)
class Effort:
    """How many shuffles (0: no test), and their random stream."""

    permutations: int
    stream: int


def known_together(columns: Mapping[Name, Floats]) -> Iterator[tuple[list[Name], Mask]]:
    """Names of the columns that are known for the same variants, and which variants these are."""
    groups: dict[bytes, list[Name]] = {}
    for name, column in columns.items():
        groups.setdefault(np.isfinite(column).tobytes(), []).append(name)
    for names in groups.values():
        yield names, np.isfinite(columns[names[0]])


def shares(
    columns: Mapping[str, Floats],
    terms: Terms,
    effort: Effort,
    judged: Mask | None = None,
    strata: Codes | None = None,
) -> dict[str, Share]:
    """Accuracy, interval and two-sided p of every column (n,), larger is better, NaN where not known.

    A variant that lacks a column is left out for that column only; columns known for the same variants share their
    shuffles. ``judged`` (n, n) says which pairs count, default all. ``strata`` (n,) restricts the test:
    its null hypothesis is that the column is exchangeable among the variants of one stratum, and only pairs of one
    stratum count. NaN where there is no pair of unequal outcome; no p where a cluster lies in two strata, since its
    variants could only be shuffled together.
    """
    found: dict[str, Share] = {}
    for names, known in known_together(columns):
        matrix = np.column_stack([columns[name][known] for name in names])
        pairs = None if judged is None else judged[np.ix_(known, known)]
        codes = None if strata is None else strata[known]
        found |= dict(zip(names, _group(matrix, terms.at(known), effort, pairs, codes), strict=True))
    return {name: found[name] for name in columns}


def _group(columns: Floats, terms: Terms, effort: Effort, judged: Mask | None, strata: Codes | None) -> list[Share]:
    """Shares of columns (n, K) without missing values."""
    accuracies = [pairwise_accuracy(column, terms.outcome, judged) for column in columns.T]
    intervals, p = np.full((len(accuracies), 2), np.nan), np.full(len(accuracies), np.nan)
    if len(terms.outcome) > 2 and accuracies[0].n_pairs:
        seed = terms.select.seed
        intervals = jackknife_intervals(
            columns, terms.outcome, confidence=terms.select.confidence, clusters=terms.clusters, judged=judged
        )
        if effort.permutations and _testable(strata, terms.clusters):
            p = permutation_p(
                columns,
                terms.outcome,
                permutations=effort.permutations,
                rng=np.random.default_rng([seed, effort.stream]),
                strata=strata,
                clusters=terms.clusters,
            )
    return [
        Share(pairs, (float(low), float(high)), float(one))
        for pairs, (low, high), one in zip(accuracies, intervals, p, strict=True)
    ]


def _testable(strata: Codes | None, clusters: Codes | None) -> bool:
    if strata is None or clusters is None:
        return True
    return len(np.unique(np.column_stack([clusters, strata]), axis=0)) == len(np.unique(clusters))
