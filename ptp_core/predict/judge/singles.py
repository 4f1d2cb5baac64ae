"""One column as predictor of one outcome: pairwise accuracy with interval and test, rank of the best, regret."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ptp_core.predict.quantities import Floats
from ptp_core.spec.select import Select
from ptp_core.stats.bootstrap import accuracy_intervals
from ptp_core.stats.multiplicity import benjamini_hochberg, holm
from ptp_core.stats.pairs import kendall_tau, pairwise_accuracy
from ptp_core.stats.permutation import permutation_p

BOOTSTRAP_STREAM, PERMUTATION_STREAM = 1, 2
"""Random streams of their own, so that a larger number of one leaves the other as it was."""


@dataclass(frozen=True)
class Predictor:
    """One column over the variants that have the outcome; ``goodness`` is signed so that larger is better."""

    goodness: Floats
    higher_is_better: bool


def score_predictors(predictors: Mapping[str, Predictor], outcome: Floats, select: Select) -> dict[str, dict[str, Any]]:
    """The JSON block of every column against ``outcome`` (n,), larger is better; ``p_holm`` and ``q`` are left out.

    A variant that lacks a column is left out for that column only. Columns known for the same variants share their
    resamples and shuffles.
    """
    groups: dict[bytes, list[str]] = {}
    for name, predictor in predictors.items():
        groups.setdefault(np.isfinite(predictor.goodness).tobytes(), []).append(name)
    blocks: dict[str, dict[str, Any]] = {}
    for names in groups.values():
        known = np.isfinite(predictors[names[0]].goodness)
        columns = np.column_stack([predictors[name].goodness[known] for name in names])
        blocks |= dict(zip(names, _score_group(columns, outcome[known], select), strict=True))
    for name, predictor in predictors.items():
        blocks[name]["higher_is_better"] = predictor.higher_is_better
    return {name: blocks[name] for name in predictors}


def _score_group(columns: Floats, outcome: Floats, select: Select) -> list[dict[str, Any]]:
    """Blocks of columns (n, K) without missing values."""
    n, k = columns.shape
    intervals, p_values = np.full((k, 2), np.nan), np.full(k, np.nan)
    if n > 2 and np.ptp(outcome) > 0:
        intervals = accuracy_intervals(
            columns,
            outcome,
            resamples=select.bootstraps,
            confidence=select.confidence,
            rng=np.random.default_rng([select.seed, BOOTSTRAP_STREAM]),
        )
        p_values = permutation_p(
            columns,
            outcome,
            permutations=select.permutations,
            rng=np.random.default_rng([select.seed, PERMUTATION_STREAM]),
        )
    return [_block(columns[:, i], outcome, intervals[i], float(p_values[i])) for i in range(k)]


def _block(column: Floats, outcome: Floats, interval: Floats, p: float) -> dict[str, Any]:
    pairs = pairwise_accuracy(column, outcome)
    return {
        "accuracy": pairs.accuracy,
        "ci95": interval.tolist(),
        "p": p,
        "p_holm": float("nan"),
        "q": float("nan"),
        "n_variants": len(outcome),
        "n_pairs": pairs.n_pairs,
        "n_indicator_ties": pairs.n_indicator_ties,
        "n_outcome_ties": pairs.n_outcome_ties,
        "tau_b": kendall_tau(column, outcome),
        "rank_of_best": rank_of_best(column, outcome),
        "regret_at_1": regret_at_1(column, outcome),
    }


def rank_of_best(column: Floats, outcome: Floats) -> float:
    """Rank (1 is first) that a column gives to the truly best variant; the mean of the places a tie occupies.

    Of several variants that share the best outcome the one ranked first counts.
    """
    if not len(outcome):
        return float("nan")
    best = column[outcome == outcome.max()].max()
    return float((column > best).sum() + ((column == best).sum() + 1) / 2)


def regret_at_1(column: Floats, outcome: Floats) -> float:
    """Outcome lost by taking the variant a column ranks first, in the outcome's unit; the mean over a tie."""
    if not len(outcome):
        return float("nan")
    return float(outcome.max() - outcome[column == column.max()].mean())


def correct_for_many(confirmatory: list[dict[str, Any]], exploratory: list[dict[str, Any]]) -> None:
    """Fill ``p_holm`` of the confirmatory blocks and ``q`` (Benjamini–Hochberg) of the exploratory ones.

    Each is corrected over its own list, so that many quantities looked at for once do not bury the few that count.
    """
    for blocks, key, correct in ((confirmatory, "p_holm", holm), (exploratory, "q", benjamini_hochberg)):
        for block, adjusted in zip(blocks, correct(np.array([block["p"] for block in blocks])), strict=True):
            block[key] = float(adjusted)
