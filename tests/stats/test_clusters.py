"""The error of a mean over clustered items: by hand, and by simulation against the error that ignores clusters."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import t as student

from ptp_core.stats.clusters import mean_error
from ptp_core.stats.pairs import Floats


def draw(rng: np.random.Generator, documents: int, shared: float) -> tuple[Floats, list[int]]:
    """Scores of 1 to 8 items a document, of mean 0; ``shared`` of their variance is the document's."""
    clusters = np.repeat(np.arange(documents), rng.integers(1, 9, size=documents))
    common = rng.normal(size=documents)[clusters]
    return np.sqrt(shared) * common + np.sqrt(1 - shared) * rng.normal(size=len(clusters)), clusters.tolist()


def coverage(
    documents: int, shared: float, simulations: int = 2000, reach: float = 1.96, ties: bool = False
) -> tuple[float, float]:
    """Shares of simulations whose mean ± ``reach`` errors holds the truth: clusters heeded, clusters ignored."""
    rng = np.random.default_rng(0)
    heeded = ignored = 0
    for _ in range(simulations):
        scores, clusters = draw(rng, documents, shared)
        scores = np.round(scores) if ties else scores
        heeded += abs(scores.mean()) <= reach * mean_error(scores.tolist(), clusters)
        ignored += abs(scores.mean()) <= reach * mean_error(scores.tolist())
    return heeded / simulations, ignored / simulations


def test_the_interval_covers_when_items_share_documents_and_is_too_narrow_when_that_is_ignored() -> None:
    heeded, ignored = coverage(documents=60, shared=0.5)
    assert heeded == pytest.approx(0.95, abs=0.02)
    assert ignored < 0.85


def test_heeding_clusters_costs_nothing_where_items_are_independent() -> None:
    heeded, ignored = coverage(documents=60, shared=0.0)
    assert heeded == pytest.approx(0.95, abs=0.02)
    assert ignored == pytest.approx(0.95, abs=0.02)


@pytest.mark.slow
@pytest.mark.parametrize(("documents", "shared"), [(30, 0.2), (30, 0.9), (200, 0.5), (200, 0.9)])
def test_coverage_holds_for_few_and_many_documents(documents: int, shared: float) -> None:
    assert coverage(documents, shared, simulations=3000)[0] == pytest.approx(0.95, abs=0.025)


@pytest.mark.parametrize("shared", [0.0, 0.5, 0.9])
@pytest.mark.parametrize("documents", [20, 50])
def test_with_students_quantile_it_covers_for_twenty_and_fifty_documents(documents: int, shared: float) -> None:
    reach = float(student.ppf(0.975, documents - 1))
    assert 0.92 <= coverage(documents, shared, reach=reach)[0] <= 0.98


def test_rounded_scores_are_covered_as_well() -> None:
    assert 0.92 <= coverage(20, 0.5, reach=float(student.ppf(0.975, 19)), ties=True)[0] <= 0.98


def test_by_hand() -> None:
    # Deviations 1, 1, -1, -1: sums 2 and -2, so sqrt((4 + 4) * 2 / 1) / 4.
    assert mean_error([2, 2, 0, 0], ["a", "a", "b", "b"]) == pytest.approx(1.0)
    assert mean_error([2, 2, 0, 0]) == pytest.approx(np.std([2, 2, 0, 0], ddof=1) / 2)


def test_one_item_a_cluster_is_the_plain_error() -> None:
    values = np.random.default_rng(1).normal(size=50).tolist()
    assert mean_error(values, list(range(50))) == pytest.approx(mean_error(values), rel=1e-12)


def test_clusters_may_be_named_by_anything_in_any_order() -> None:
    assert mean_error([2, 0, 2, 0], ["a", None, "a", None]) == mean_error([2, 2, 0, 0], [1, 1, 2, 2])


def test_a_single_cluster_or_item_tells_nothing_of_others() -> None:
    assert mean_error([1.0, 2.0], ["a", "a"]) == 0.0
    assert mean_error([1.0]) == 0.0
