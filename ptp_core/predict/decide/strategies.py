"""What could choose the variants to fine-tune: each headline indicator, each setting, the learned model, and chance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ptp_core.predict.case import Case
from ptp_core.predict.quantities import Floats
from ptp_core.spec.select import Select
from ptp_core.stats.bootstrap import bootstrap_accuracies
from ptp_core.table.names import headlines

Kind = Literal["indicator", "learned", "setting", "chance"]

LEARNED, CHANCE = "learned", "chance"

RESAMPLES = 2000
"""Resamples behind what is uncertain about a strategy, at most: they feed simulations that are no finer."""

STREAM = 30


@dataclass(frozen=True, eq=False)
class Strategy:
    """A score of each variant that exists before its fine-tuning, (n,) larger is better, NaN where missing."""

    name: str
    kind: Kind
    scores: Floats
    accuracies: Floats
    """(B,): pairwise accuracy in resamples of the variants that have a score; the same resamples for all strategies
    without missing scores. NaN where it could not be computed."""

    @property
    def filled(self) -> Floats:
        """Scores with the variants that lack one last: what is not measured is not chosen."""
        return np.where(np.isnan(self.scores), -np.inf, self.scores)

    @property
    def order(self) -> list[int]:
        """Indices of the variants that have a score, the best first, ties in the order of the variants' names."""
        n_known = int(np.isfinite(self.scores).sum())
        ranked: list[int] = np.argsort(-self.filled, kind="stable")[:n_known].tolist()
        return ranked


def claimed(judged: Mapping[str, Any], case: Case, select: Select) -> list[str]:
    """The judged headline indicators of a case, and the one that the spec names."""
    named = {select.primary.indicator} if select.primary else set()
    wanted = {*headlines(case.indicators), *named}
    return [name for name in case.indicators if name in wanted and name in judged["indicators"]]


def strategies(case: Case, judged: Mapping[str, Any], out_of_fold: Floats, select: Select) -> list[Strategy]:
    """Headline indicators, the learned model if it scored any variant, numeric settings and chance, in this order."""
    scores: dict[tuple[str, Kind], Floats] = {
        (name, "indicator"): case.indicators[name].goodness for name in claimed(judged, case, select)
    }
    if np.isfinite(out_of_fold).any():
        scores[LEARNED, "learned"] = out_of_fold
    scores |= {(name, "setting"): case.numbers[name] for name in judged["configuration"] if name in case.numbers}
    scores[CHANCE, "chance"] = np.zeros(len(case.variants))
    draws = _accuracies(list(scores.values()), case, select)
    return [Strategy(*key, values, column) for (key, values), column in zip(scores.items(), draws, strict=True)]


def _accuracies(columns: list[Floats], case: Case, select: Select) -> list[Floats]:
    """(B,) of each column; columns known for the same variants see the same resamples."""
    groups: dict[bytes, list[int]] = {}
    for i, column in enumerate(columns):
        groups.setdefault(np.isfinite(column).tobytes(), []).append(i)
    clusters = _clusters(case, select)
    resamples = min(select.bootstraps, RESAMPLES)
    draws = [np.full(resamples, np.nan)] * len(columns)
    for members in groups.values():
        known = np.isfinite(columns[members[0]])
        if known.sum() < 3 or np.ptp(case.goodness[known]) == 0:
            continue
        options: dict[str, Any] = {} if clusters is None else {"clusters": clusters[known]}
        rng = np.random.default_rng([select.seed, STREAM])
        stacked = np.column_stack([columns[i][known] for i in members])
        found = bootstrap_accuracies(stacked, case.goodness[known], resamples=resamples, rng=rng, **options)
        for i, column in zip(members, found.T, strict=True):
            draws[i] = column
    return draws


def _clusters(case: Case, select: Select) -> NDArray[np.int64] | None:
    """(n,): what the variants are runs of, one whose cluster is not known being a cluster of its own."""
    codes = case.codes(select.clusters) if select.clusters else None
    return None if codes is None else np.where(codes < 0, len(codes) + np.arange(len(codes)), codes)
