"""Made-up variants whose true accuracy is known: correlated, tied, clustered, stratified."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from ptp_core.stats.pairs import Floats, sign_matrix


@dataclass(frozen=True)
class Design:
    """``n`` variants in clusters of ``size``; each column has an effect of the cluster when size > 1."""

    n: int
    size: int = 1
    ties: bool = False
    """Both columns rounded to about nine levels."""

    @property
    def clusters(self) -> np.ndarray:
        return np.repeat(np.arange(self.n // self.size), self.size)

    def noise(self, rng: np.random.Generator) -> Floats:
        """(n,) of variance 1, half of it the cluster's."""
        own = rng.normal(size=self.n)
        if self.size == 1:
            return own
        return (rng.normal(size=self.n // self.size)[self.clusters] + own) / np.sqrt(2)

    def draw(self, correlations: Sequence[float], rng: np.random.Generator, shared: float = 0) -> tuple[Floats, Floats]:
        """Indicators (n, K) of these correlations with the outcome (n,); ``shared`` of their noise is the same."""
        outcome, common = self.noise(rng), self.noise(rng)
        noises = [np.sqrt(shared) * common + np.sqrt(1 - shared) * self.noise(rng) for _ in correlations]
        columns = [c * outcome + np.sqrt(1 - c * c) * noise for c, noise in zip(correlations, noises, strict=True)]
        indicators = np.column_stack(columns)
        return (np.round(2 * indicators), np.round(2 * outcome)) if self.ties else (indicators, outcome)

    def truth(self, correlation: float) -> float:
        """The accuracy in the population; the same within clusters as between them, unless rounded."""
        return _tied_truth(self, correlation) if self.ties else 0.5 + float(np.arcsin(correlation)) / np.pi


@cache
def _tied_truth(design: Design, correlation: float) -> float:
    rng, agreements, judged = np.random.default_rng(99), 0.0, 0.0
    for _ in range(4000):
        indicators, outcome = design.draw([correlation], rng)
        signs = sign_matrix(outcome)
        agreements += float((sign_matrix(indicators[:, 0]) * signs).sum())
        judged += float(np.abs(signs).sum())
    return (1 + agreements / judged) / 2


SIZES = [(20, 1), (50, 1), (20, 2), (50, 5)]
"""Variants and how many of them share a cluster: none, or ten clusters."""
