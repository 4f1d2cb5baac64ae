"""Does the score before fine-tuning tell which checkpoint is better after it?"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import permutations
from typing import Any

import numpy as np

from ptp_core.predict.dynamics.cells import Curve
from ptp_core.predict.dynamics.intervals import NAN, Floats, corrected
from ptp_core.spec.dynamics import Dynamics
from ptp_core.stats.pairs import null_sd, pairwise_accuracy
from ptp_core.stats.ranks import spearman, unit_ranks

STREAM = 90
"""Random stream of the shuffles."""
FEWEST = 4
"""Checkpoints below which no order is worth a word."""
EXACT = 8
"""Up to so many checkpoints all orders are looked at."""


def correlation(curves: Sequence[Curve], spec: Dynamics) -> list[dict[str, Any]]:
    """A row per curve of four checkpoints or more: rank correlation of base and fine-tuned score over checkpoints.

    ``ci95``: Fisher's z with the variance of Bonett & Wright 2000, checkpoints as if independent; None below five, and
    for a perfect order. ``p``: two-sided permutation test over checkpoints, exact up to eight (null hypothesis: no
    order goes with any other); checkpoints whose errors hang together make it too small: unrelated scores with an
    autocorrelation of .7 have p ≤ .05 in 10 % of runs of eight. ``p_holm`` and ``q``: see ``corrected``.
    ``accuracy``: share of the pairs of checkpoints that base scores order rightly; ``null_sd``: its standard deviation
    for an unrelated score. ``by_tokens``: rank correlation of the fine-tuned score with the tokens seen, which a base
    score has to beat to be worth measuring.
    """
    rows = []
    for curve in curves:
        n = len(curve.tuned)
        if n < FEWEST:
            continue
        base, tuned = curve.sign * curve.base, curve.sign * curve.tuned
        rho = float(spearman(base, tuned))
        pairs = pairwise_accuracy(base, tuned)
        rows.append(
            {
                "trajectory": curve.pair.run,
                "train_task": curve.pair.train_task,
                "test": curve.pair.test,
                "in_domain": curve.in_domain,
                "spearman": rho,
                "ci95": interval(rho, n, spec.confidence),
                "p": _p(base, tuned, spec),
                "n": n,
                "accuracy": pairs.accuracy,
                "n_pairs": pairs.n_pairs,
                "null_sd": null_sd(n),
                "by_tokens": float(spearman(curve.tokens, tuned)),
            }
        )
    return corrected(rows)


def interval(rho: float, n: int, confidence: float) -> list[float] | None:
    """Interval of a rank correlation of n pairs (Bonett & Wright 2000); None below five, and for ±1."""
    from scipy.special import ndtri

    if not abs(rho) < 1 - 1e-12 or n < 5:
        return None
    reach = float(ndtri((1 + confidence) / 2)) * float(np.sqrt((1 + rho**2 / 2) / (n - 3)))
    return [float(np.tanh(np.arctanh(rho) - reach)), float(np.tanh(np.arctanh(rho) + reach))]


def _p(base: Floats, tuned: Floats, spec: Dynamics) -> float:
    x, y = unit_ranks(base), unit_ranks(tuned)
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        return NAN
    orders = _orders(len(x), spec.permutations, spec.seed)
    # By what the checkpoints are, not by where they stand.
    order = np.lexsort((y, x))
    x, y = x[order], y[order]
    as_far = np.abs(y[orders] @ x) >= abs(float((x * y).sum())) - 1e-9
    return float(as_far.mean()) if len(x) <= EXACT else float((1 + as_far.sum()) / (1 + len(orders)))


@lru_cache(maxsize=16)
def _orders(n: int, shuffles: int, seed: int) -> np.ndarray[Any, np.dtype[np.intp]]:
    if n <= EXACT:
        return np.array(list(permutations(range(n))), dtype=np.intp)
    rng = np.random.default_rng([seed, STREAM])
    return rng.permuted(np.tile(np.arange(n), (shuffles, 1)), axis=1)
