"""Is an indicator's pairwise accuracy different from chance? A permutation test over variants."""

from __future__ import annotations

import numpy as np

from ptp_core.stats.pairs import Floats, sign_matrix

CHUNK_NUMBERS = 4_000_000
"""Pair signs held at once; bounds memory at about 50 MB."""


def permutation_p(indicators: Floats, outcome: Floats, *, permutations: int, rng: np.random.Generator) -> Floats:
    """Two-sided p of each indicator's accuracy against 1/2: (n, K), (n,) -> (K,).

    Null hypothesis: the indicator is exchangeable over the variants given the outcome. Variants are shuffled, not
    pairs, so rows and columns of the pair matrix move together (Mantel 1967; QAP). p = (1 + shuffles at least as far
    from 1/2) / (1 + shuffles), which is never 0 and keeps the level (Phipson & Smyth 2010). A constant indicator or
    outcome has p = 1. All indicators see the same shuffles.
    """
    n, first, second = len(outcome), *np.triu_indices(len(outcome), k=1)
    outcome_signs = sign_matrix(outcome).ravel()
    indicator_signs = np.empty((len(first), indicators.shape[1]), dtype=np.float32)  # (pairs, K)
    for k, column in enumerate(indicators.T):
        indicator_signs[:, k] = sign_matrix(column)[first, second]
    # The judged pairs are the same number in every shuffle, so the agreement alone orders the accuracies.
    observed = np.abs(outcome_signs[first * n + second] @ indicator_signs)
    as_far = np.ones(indicators.shape[1])
    chunk = max(1, CHUNK_NUMBERS // max(1, len(first)))
    for start in range(0, permutations, chunk):
        order = np.tile(np.arange(n, dtype=np.int32), (min(chunk, permutations - start), 1))
        shuffled = rng.permuted(order, axis=1)  # (chunk, n)
        # Shuffling the outcome instead of the indicator is the same test and serves all indicators at once.
        signs = outcome_signs[shuffled[:, first] * np.int32(n) + shuffled[:, second]]  # (chunk, pairs)
        as_far += (np.abs(signs @ indicator_signs) >= observed).sum(axis=0)
    return np.asarray(as_far / (1 + permutations))
