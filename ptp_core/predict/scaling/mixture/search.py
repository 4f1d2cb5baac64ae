"""The mixture with the best predicted value, among those whose every share lies where runs were fitted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ptp_core.predict.scaling.points import Floats

SEARCH_STREAM = 75
BLENDS, OF_RUNS, CLIMBED = 2000, 4, 5
"""Random blends that are tried, of so many fitted mixtures each, and how many of the best are refined."""
FIRST_MOVE, LAST_MOVE, MOVES = 0.1, 1e-4, 400
"""Share of the tokens moved from one source to another: at first, at last; most moves."""
AT_AN_END = 1e-3
Goodness = Callable[[Floats], Floats]
"""(m, sources) mixtures → (m,) values, larger is better."""


@dataclass(frozen=True)
class Found:
    """A mixture, and how it lies among the fitted ones."""

    shares: Floats
    """(sources,)."""
    inside: bool
    """Whether it is a blend of fitted mixtures, or within 0.1 % of the tokens of one."""
    at_most: tuple[int, ...]
    """Sources of which no fitted run has more, or where it cannot be more: those at the most of what was fitted."""
    at_least: tuple[int, ...]
    """Sources of which no fitted run has less, although all have some."""


def best_shares(goodness: Goodness, fitted: Floats, seed: int) -> Found:
    """The best mixture within the least and the most of each source in the ``fitted`` (n, sources) mixtures.

    Tries every fitted mixture and random blends of them, then improves the best few by moving tokens between two
    sources at a time, less and less of them: with all pairs of sources to choose from, only a local optimum stops it.
    """
    low, high = fitted.min(axis=0), fitted.max(axis=0)
    rng = np.random.default_rng([seed, SEARCH_STREAM])
    picked = rng.integers(len(fitted), size=(BLENDS, OF_RUNS))
    weights = rng.dirichlet(np.ones(OF_RUNS), size=BLENDS)
    tried = np.concatenate([fitted, np.einsum("br,brs->bs", weights, fitted[picked])])
    order = np.argsort(-_ranked(goodness(tried)), kind="stable")[:CLIMBED]
    refined = np.stack([_climb(goodness, tried[i], low, high) for i in order])
    best = refined[int(_ranked(goodness(refined)).argmax())]
    narrow = high - low <= AT_AN_END
    at_most = np.flatnonzero((best >= high - AT_AN_END) & ~narrow & (high < 1 - AT_AN_END))
    at_least = np.flatnonzero((best <= low + AT_AN_END) & ~narrow & (low > AT_AN_END))
    return Found(best, is_blend(best, fitted), tuple(at_most.tolist()), tuple(at_least.tolist()))


def _ranked(values: Floats) -> Floats:
    return np.where(np.isfinite(values), values, -np.inf)


def _climb(goodness: Goodness, shares: Floats, low: Floats, high: Floats) -> Floats:
    n = len(shares)
    pairs = np.array([(i, j) for i in range(n) for j in range(n) if i != j])
    directions = np.zeros((len(pairs), n))
    directions[np.arange(len(pairs)), pairs[:, 0]], directions[np.arange(len(pairs)), pairs[:, 1]] = -1, 1
    value, move = float(_ranked(goodness(shares[None]))[0]), FIRST_MOVE
    for _ in range(MOVES):
        room = np.minimum(shares[pairs[:, 0]] - low[pairs[:, 0]], high[pairs[:, 1]] - shares[pairs[:, 1]])
        tried = shares + np.clip(np.minimum(room, move), 0, None)[:, None] * directions
        values = _ranked(goodness(tried))
        best = int(values.argmax())
        if values[best] > value:
            shares, value = tried[best], float(values[best])
        elif move <= LAST_MOVE:
            break
        else:
            move /= 2
    return shares


def is_blend(shares: Floats, fitted: Floats) -> bool:
    """Whether a mixture lies in the convex hull of the fitted ones, up to 0.1 % of the tokens in any source.

    A linear programme: the smallest slack with which some blend of the fitted mixtures meets every share.
    """
    from scipy.optimize import linprog

    n, s = fitted.shape
    cost = np.r_[np.zeros(n), 1.0]
    slack = -np.ones((s, 1))
    above, below = np.hstack([fitted.T, slack]), np.hstack([-fitted.T, slack])
    found = linprog(
        cost,
        A_ub=np.vstack([above, below]),
        b_ub=np.r_[shares, -shares],
        A_eq=np.r_[np.ones(n), 0.0][None],
        b_eq=[1.0],
        bounds=(0, None),
    )
    return found.status == 0 and found.x is not None and bool(found.x[-1] <= AT_AN_END)
