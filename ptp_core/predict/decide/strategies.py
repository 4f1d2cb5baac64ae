"""What could choose the variants to fine-tune: each headline indicator, each setting, the learned model, and chance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from ptp_core.predict.case import Case
from ptp_core.predict.judge.shares import known_together
from ptp_core.predict.judge.terms import terms_of
from ptp_core.predict.quantities import Floats
from ptp_core.spec.select import Select
from ptp_core.stats.bootstrap import bootstrap_accuracies
from ptp_core.table.names import headlines

Kind = Literal["indicator", "learned", "setting", "chance"]
Key = tuple[str, Kind]
"""Name and kind of a strategy."""

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
    scores: dict[Key, Floats] = {
        (name, "indicator"): case.indicators[name].goodness for name in claimed(judged, case, select)
    }
    if np.isfinite(out_of_fold).any():
        scores[LEARNED, "learned"] = out_of_fold
    scores |= {(name, "setting"): case.numbers[name] for name in judged["configuration"] if name in case.numbers}
    scores[CHANCE, "chance"] = np.zeros(len(case.variants))
    draws = _accuracies(scores, case, select)
    return [Strategy(*key, values, draws[key]) for key, values in scores.items()]


def _accuracies(columns: Mapping[Key, Floats], case: Case, select: Select) -> dict[Key, Floats]:
    """(B,) of each column; columns known for the same variants see the same resamples."""
    clusters = terms_of(case, select).clusters
    resamples = min(select.bootstraps, RESAMPLES)
    draws = dict.fromkeys(columns, np.full(resamples, np.nan))
    for keys, known in known_together(columns):
        outcome = case.goodness[known]
        if len(outcome) < 3 or np.ptp(outcome) == 0:
            continue
        found = bootstrap_accuracies(
            np.column_stack([columns[key][known] for key in keys]),
            outcome,
            resamples=resamples,
            rng=np.random.default_rng([select.seed, STREAM]),
            clusters=None if clusters is None else clusters[known],
        )
        draws |= dict(zip(keys, found.T, strict=True))
    return draws
