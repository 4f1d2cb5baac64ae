"""What fine-tuning only the first k variants of a strategy costs and saves: as it was here, and as a model expects."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ptp_core.predict.case import Case
from ptp_core.predict.decide.copula import best_within, shared_noise
from ptp_core.predict.decide.strategies import Strategy
from ptp_core.predict.judge.singles import rank_of_best
from ptp_core.predict.quantities import Floats
from ptp_core.spec.select import Select

SHOWN = 20
"""Variants named of a strategy's order."""


def sizes(n: int, budget: int | None) -> list[int]:
    """1, 2, 3, 5, 8, … up to n, and the budget."""
    found, following = [1], 2
    while following <= n:
        found, following = [*found, following], following + found[-1]
    return sorted({*found, *([min(budget, n)] if budget else [])})


def top_k_blocks(case: Case, chosen: list[Strategy], select: Select) -> tuple[list[dict[str, Any]], list[Floats]]:
    """The JSON block of every strategy, and its modelled probabilities (n,) that the best is in its top k = 1 … n."""
    noise = shared_noise(len(case.variants), select.seed)
    modelled = [p_best(case, strategy, noise) for strategy in chosen]
    ks = sizes(len(case.variants), select.budget)
    return [_block(case, s, p, ks) for s, p in zip(chosen, modelled, strict=True)], modelled


def p_best(case: Case, strategy: Strategy, noise: NDArray[np.float32]) -> Floats:
    """(n,): ``best_within`` of a strategy; NaN when all outcomes are tied and there is no best."""
    if np.ptp(case.goodness) == 0:
        return np.full(len(case.variants), np.nan)
    return best_within(strategy.scores, case.goodness, strategy.accuracies, noise)


def _block(case: Case, strategy: Strategy, modelled: Floats, ks: list[int]) -> dict[str, Any]:
    shown = [] if strategy.kind == "chance" else strategy.order[:SHOWN]
    return {
        "name": strategy.name,
        "kind": strategy.kind,
        "rank_of_best": rank_of_best(strategy.filled, case.goodness),
        "top": [{"k": k, **facts(case, strategy, k), "p_best": float(modelled[k - 1])} for k in ks],
        "order": [case.variants[i] for i in shown],
    }


def facts(case: Case, strategy: Strategy, k: int) -> dict[str, Any]:
    """``has_best``: probability that a best variant is among the first k, ties of the score broken by a fair draw, so 0
    or 1 without ties; ``regret``: expected loss of the best of these k to the best, in the outcome's unit."""
    best = case.goodness.max()
    is_best = (case.goodness == best).astype(np.float64)
    return {
        "has_best": round(expected_maximum(strategy.filled, is_best, k), 12),
        "regret": float(best - expected_maximum(strategy.filled, case.goodness, k)),
        "runs_saved": len(case.variants) - k,
    }


def expected_maximum(scores: Floats, values: Floats, k: int) -> float:
    """Expected largest of ``values`` (n,) among the k of highest ``scores`` (n,), ties at the border drawn at random.

    Of t tied variants s are drawn: the j-th largest is the largest drawn with probability s/(t-j+1) times that of
    none of those before it being drawn.
    """
    border = np.sort(scores)[-k]
    sure, tied = values[scores > border], np.sort(values[scores == border])[::-1]
    drawn = k - len(sure)
    left = len(tied) - np.arange(len(tied), dtype=np.float64)
    hit = np.minimum(1.0, drawn / left)
    weights = hit * np.concatenate([[1.0], np.cumprod(1 - hit)[:-1]])
    # Rounding of the weights must not make more of a maximum than there is.
    return float(min(weights @ np.maximum(tied, sure.max(initial=-np.inf)), values.max()))
