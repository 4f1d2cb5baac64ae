"""Is an indicator's pairwise accuracy different from chance? A permutation test over variants."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ptp_core.stats.pairs import Floats

Codes = NDArray[np.intp]
Ranks = NDArray[np.float32]
"""Ranks without gaps, 0 for the lowest: differences cut off at ±1 are signs."""

LEAST_SHUFFLES = 64
"""Shuffles handled at once where there are many variants: their ranks stay in the processor's cache."""
PRODUCT = 500_000
"""Multiplications in one matrix product: larger ones are shared out over cores, which costs more than it saves."""


def permutation_p(
    indicators: Floats,
    outcome: Floats,
    *,
    permutations: int,
    rng: np.random.Generator,
    strata: Codes | None = None,
    clusters: Codes | None = None,
) -> Floats:
    """Two-sided p of each indicator's accuracy against 1/2: (n, K), (n,) -> (K,), no missing values.

    Null hypothesis: the indicator is exchangeable over the variants given the outcome. Variants are shuffled, not
    pairs, so rows and columns of the pair matrix move together (Mantel 1967; QAP). p = (1 + shuffles at least as far
    from 1/2) / (1 + shuffles), which is never 0 and keeps the level (Phipson & Smyth 2010). A constant indicator or
    outcome has p = 1. All indicators see the same shuffles, and p depends neither on the order of the variants nor on
    the scale of a column.

    With ``strata`` (n,) the null hypothesis is exchangeability among variants of one stratum: the outcome is shuffled
    within strata and only pairs of one stratum count, so a factor that drives both columns is held fixed.

    With ``clusters`` (n,), such as the runs of one recipe, indicator and outcome may each have an effect of the
    cluster; the null hypothesis is that the two are independent, and that members of a cluster are exchangeable.
    Whole clusters change places with clusters of equal size, of the same stratum, and members are shuffled within.
    A cluster whose size no other has can only stay: the test keeps its level but has little power, and with no two
    clusters of a size it sees nothing but differences within clusters. ValueError where a cluster lies in two strata.
    """
    if not len(outcome):
        return np.ones(indicators.shape[1])
    columns, ranks = _ranks(indicators), _ranks(outcome[:, None])[0]
    order = np.lexsort((*columns, ranks))  # shuffles act on what the variants are, not on where they stand
    columns, ranks = columns[:, order], ranks[order]
    strata = _codes(np.zeros(len(order)) if strata is None else strata[order])
    blocks = _exchangeable(strata, _codes(np.arange(len(order)) if clusters is None else clusters[order]))
    members = [np.flatnonzero(strata == stratum) for stratum in np.unique(strata)]

    signs = [np.clip(inside[:, None, :] - inside[:, :, None], -1, 1) for inside in (columns[:, m] for m in members)]
    observed = np.abs(_agreements(signs, ranks[:, None], members))
    as_far = np.ones(len(columns))
    for shuffled in _shuffles(ranks, blocks, permutations, _chunk(columns), rng):
        as_far += (np.abs(_agreements(signs, shuffled, members)) >= observed).sum(axis=1)
    return np.asarray(as_far / (1 + permutations))


def _ranks(columns: Floats) -> Ranks:
    """(n, K) -> (K, n)."""
    ranks = [np.unique(column, return_inverse=True)[1] for column in columns.T]
    return np.array(ranks, dtype=np.float32).reshape(columns.shape[::-1])


def _codes(labels: NDArray[np.generic]) -> Codes:
    """Labels numbered in the order in which they appear."""
    _, first, codes = np.unique(labels, return_index=True, return_inverse=True)
    numbers: Codes = np.argsort(np.argsort(first))[codes]
    return numbers


def _exchangeable(strata: Codes, clusters: Codes) -> list[Codes]:
    """Clusters that may change places: one array (clusters, members) of variants for each stratum and size."""
    sizes = np.bincount(clusters)[clusters]
    if len(np.unique(np.column_stack([clusters, strata]), axis=0)) > len(np.unique(clusters)):
        raise ValueError("a cluster lies in two strata; clusters can only be exchanged inside a stratum")
    order = np.lexsort((clusters, sizes, strata))
    starts = np.flatnonzero((np.diff(strata[order]) != 0) | (np.diff(sizes[order]) != 0)) + 1
    return [block.reshape(-1, sizes[block[0]]) for block in np.split(order, starts) if len(block)]


def _shuffles(
    ranks: Ranks, blocks: list[Codes], permutations: int, chunk: int, rng: np.random.Generator
) -> Iterator[Ranks]:
    """Shuffled outcomes, (n, up to ``chunk``) at a time."""
    for start in range(0, permutations, chunk):
        count = min(chunk, permutations - start)
        shuffled = np.empty((len(ranks), count), dtype=np.float32)
        for block in blocks:
            places = rng.permuted(np.tile(np.arange(len(block)), (count, 1)), axis=1)
            sources = block[places]  # (count, clusters, members)
            if block.shape[1] > 1:
                sources = rng.permuted(sources, axis=2)
            shuffled[block.ravel()] = ranks[sources.reshape(count, -1)].T
        yield shuffled


def _chunk(columns: Ranks) -> int:
    return max(LEAST_SHUFFLES, PRODUCT // max(1, columns.size))


def _agreements(signs: list[Ranks], shuffled: Ranks, strata: list[Codes]) -> Ranks:
    """Concordant less discordant pairs inside strata: (K, m, m) a stratum, (n, B) -> (K, B); exact below 2^24 pairs.

    ``signs`` of a stratum say how its member in the column stands to its member in the row.
    """
    agreements = np.zeros((len(signs[0]), shuffled.shape[1]), dtype=np.float32)
    for of_columns, members in zip(signs, strata, strict=True):
        outcomes = shuffled[members]
        differences = np.empty_like(outcomes)
        width = max(1, PRODUCT // max(1, outcomes.size))
        for i in range(len(members) - 1):
            later = np.subtract(outcomes[i + 1 :], outcomes[i], out=differences[i + 1 :])
            np.clip(later, -1, 1, out=later)
            for k in range(0, len(of_columns), width):
                agreements[k : k + width] += of_columns[k : k + width, i, i + 1 :] @ later
    return agreements
