"""The interval of an accuracy covers the truth with few variants, ties and clusters, and is modest when all is right."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import strategies as st

from ptp_core.stats.intervals import jackknife_intervals
from ptp_core.stats.pairs import Floats
from tests.stats.designs import SIZES, Design

tables = st.tuples(st.integers(4, 10), st.integers(0, 2**32 - 1)).map(
    lambda made: np.random.default_rng(made[1]).integers(0, 6, size=(made[0], 4)).astype(float)
)


def interval(indicator: Floats, outcome: Floats, **more: np.ndarray) -> tuple[float, float]:
    ((low, high),) = jackknife_intervals(indicator[:, None], outcome, confidence=0.95, **more)
    return float(low), float(high)


def coverage(design: Design, correlation: float, simulations: int) -> float:
    rng, truth, hits = np.random.default_rng([design.n, design.size]), design.truth(correlation), 0
    clusters = design.clusters if design.size > 1 else None
    for _ in range(simulations):
        indicators, outcome = design.draw([correlation], rng)
        low, high = interval(indicators[:, 0], outcome, clusters=clusters)
        hits += low <= truth <= high
    return hits / simulations


@pytest.mark.slow
@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize(("n", "size"), SIZES)
@pytest.mark.parametrize("correlation", [0.0, 0.5, 0.8])
def test_nineteen_of_twenty_intervals_hold_the_truth(n: int, size: int, correlation: float, ties: bool) -> None:
    assert 0.93 <= coverage(Design(n, size, ties), correlation, simulations=3000) <= 0.975
