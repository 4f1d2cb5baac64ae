"""One column as predictor of one outcome: pairwise accuracy with interval and test, rank of the best, regret."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ptp_core.predict.judge.shares import Effort, Share, shares
from ptp_core.predict.judge.terms import Terms
from ptp_core.predict.quantities import Floats
from ptp_core.stats.multiplicity import benjamini_hochberg, holm
from ptp_core.stats.pairs import kendall_tau, pairwise_accuracy

STREAM, WITHIN_STREAM = 2, 11
"""Random streams of the shuffles."""


@dataclass(frozen=True)
class Predictor:
    """One column over the variants that have the outcome; ``goodness`` is signed so that larger is better."""

    goodness: Floats
    higher_is_better: bool


def score_predictors(predictors: Mapping[str, Predictor], terms: Terms) -> dict[str, dict[str, Any]]:
    """The JSON block of every column against the outcome; ``p_holm`` and ``q`` are NaN until all tests are known.

    A variant that lacks a column is left out for that column only. ``accuracy`` and ``n_pairs`` follow
    ``select.convention``; intervals, tests and everything else judge the pairs of unequal outcome. ``within`` is the
    same over the pairs that share the nuisance factor, tested by shuffles inside its strata; None without a factor.
    """
    columns = {name: predictor.goodness for name, predictor in predictors.items()}
    found = shares(columns, terms, Effort(terms.select.permutations, STREAM))
    within = _within(columns, terms)
    blocks = {}
    for name, predictor in predictors.items():
        blocks[name] = _block(predictor.goodness, found[name], terms)
        blocks[name] |= {"higher_is_better": predictor.higher_is_better, "within": within.get(name)}
    return blocks


def _block(column: Floats, share: Share, terms: Terms) -> dict[str, Any]:
    known = np.isfinite(column)
    column, outcome = column[known], terms.outcome[known]
    accuracy, n_pairs = counted(column, outcome, terms.select.convention)
    return {
        "accuracy": accuracy,
        "ci95": list(share.interval),
        "p": share.p,
        "p_holm": float("nan"),
        "q": float("nan"),
        "n_variants": len(outcome),
        "n_pairs": n_pairs,
        "n_indicator_ties": share.pairs.n_indicator_ties,
        "n_outcome_ties": share.pairs.n_outcome_ties,
        "tau_b": kendall_tau(column, outcome),
        "rank_of_best": rank_of_best(column, outcome),
        "regret_at_1": regret_at_1(column, outcome),
    }


def counted(column: Floats, outcome: Floats, convention: str) -> tuple[float, int]:
    """Accuracy and number of pairs of columns (n,) without missing values, as ``convention`` counts.

    Source of ``paper``: Zeng et al. 2025, Table 1: the share of all pairs with (x_i > x_j) == (y_i > y_j), ties judged
    like any other pair. Where one column is tied, it matters which variant of the pair stands first: the one that
    does in the order given, which is the natural order of the variants' names, as in the paper's numbering.
    """
    n = len(outcome)
    if convention != "paper" or n < 2:
        pairs = pairwise_accuracy(column, outcome)
        return pairs.accuracy, pairs.n_pairs
    alike = (column[:, None] > column[None, :]) == (outcome[:, None] > outcome[None, :])
    first, second = np.triu_indices(n, k=1)
    return float(alike[first, second].mean()), n * (n - 1) // 2


def _within(columns: Mapping[str, Floats], terms: Terms) -> dict[str, dict[str, Any]]:
    strata, select = terms.nuisance, terms.select
    if strata is None:
        return {}
    known = {name: np.where(strata >= 0, column, np.nan) for name, column in columns.items()}
    judged = strata[:, None] == strata[None, :]
    effort = Effort(select.permutations, WITHIN_STREAM)
    return {
        name: {
            "factor": select.nuisance,
            "accuracy": share.pairs.accuracy,
            "ci95": list(share.interval),
            "p": share.p,
            "n_pairs": share.pairs.n_pairs,
        }
        for name, share in shares(known, terms, effort, judged, strata).items()
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
    # Sorted, so that the sum is the same to the last digit in any order of the variants.
    return float(outcome.max() - np.sort(outcome[column == column.max()]).mean())


def correct_for_many(confirmatory: list[dict[str, Any]], exploratory: list[dict[str, Any]]) -> None:
    """Fill ``p_holm`` of the confirmatory blocks and ``q`` (Benjamini–Hochberg) of the exploratory ones.

    Each is corrected over its own list, so that many quantities looked at for once do not bury the few that count.
    """
    for blocks, key, correct in ((confirmatory, "p_holm", holm), (exploratory, "q", benjamini_hochberg)):
        for block, adjusted in zip(blocks, correct(np.array([block["p"] for block in blocks])), strict=True):
            block[key] = float(adjusted)
