"""What the first k variants of a strategy hold, by counting; ties are those of a fair draw."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ptp_core.predict.decide.strategies import Strategy, strategies
from ptp_core.predict.decide.top_k import expected_maximum, facts, sizes, top_k_blocks
from ptp_core.predict.judge.singles import regret_at_1
from ptp_core.predict.quantities import Floats
from ptp_core.spec.select import Select
from tests.predict.decide.studies import QUICK, judged_case, study


def strategy(scores: Floats) -> Strategy:
    return Strategy("i", "indicator", scores, np.full(10, 0.5))


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 3)), min_size=1, max_size=7), st.data())
@settings(max_examples=60, deadline=None)
def test_the_expected_maximum_is_the_mean_over_all_ways_to_break_ties(
    pairs: list[tuple[int, int]], data: st.DataObject
) -> None:
    scores, values = np.array(pairs, dtype=float).T
    k = data.draw(st.integers(1, len(scores)))
    border = np.sort(scores)[-k]
    sure, tied = np.flatnonzero(scores > border), np.flatnonzero(scores == border)
    ways = [values[[*sure, *some]].max() for some in combinations(tied, k - len(sure))]
    assert expected_maximum(scores, values, k) == pytest.approx(np.mean(ways))


def test_facts_of_an_order_without_ties() -> None:
    case, _ = judged_case(study(np.array([3.0, 9.0, 5.0, 1.0]), {}))
    found = [facts(case, strategy(np.array([4.0, 2.0, 3.0, 1.0])), k) for k in (1, 2, 3)]
    assert found == [
        {"has_best": 0, "regret": 6, "runs_saved": 3},
        {"has_best": 0, "regret": 4, "runs_saved": 2},
        {"has_best": 1, "regret": 0, "runs_saved": 1},
    ]


def test_chance_finds_the_best_of_n_in_k_n_ths_of_the_draws() -> None:
    case, _ = judged_case(study(np.arange(10.0), {}))
    assert facts(case, strategy(np.zeros(10)), 3)["has_best"] == pytest.approx(0.3)


def test_one_of_several_best_suffices() -> None:
    case, _ = judged_case(study(np.array([1.0, 7.0, 7.0, 2.0]), {}))
    assert facts(case, strategy(np.array([1.0, 2.0, 4.0, 3.0])), 1)["has_best"] == 1
    assert facts(case, strategy(np.zeros(4)), 2)["has_best"] == pytest.approx(5 / 6)


def test_a_variant_without_the_indicator_is_chosen_last() -> None:
    case, _ = judged_case(study(np.array([1.0, 2.0, 3.0, 9.0]), {}))
    lacking = strategy(np.array([1.0, 2.0, 3.0, np.nan]))
    assert facts(case, lacking, 3) == {"has_best": 0, "regret": 6, "runs_saved": 1}
    assert lacking.order == [2, 1, 0]


def test_the_loss_at_one_is_the_judged_one() -> None:
    rng = np.random.default_rng(0)
    scores, outcome = rng.integers(0, 5, 20).astype(float), rng.normal(size=20)
    case, _ = judged_case(study(outcome, {}))
    assert facts(case, strategy(scores), 1)["regret"] == pytest.approx(regret_at_1(scores, outcome))


def test_sizes_are_those_of_fibonacci_and_the_budget() -> None:
    assert sizes(20, None) == [1, 2, 3, 5, 8, 13]
    assert sizes(20, 7) == [1, 2, 3, 5, 7, 8, 13]
    assert sizes(4, 9) == [1, 2, 3, 4]


def test_every_strategy_has_its_block_in_order_of_kinds() -> None:
    rng = np.random.default_rng(1)
    y = rng.normal(size=12)
    data = study(y, {"b": y + rng.normal(size=12), "a": rng.normal(size=12)}, {"lr": np.arange(12.0)})
    case, judged = judged_case(data)
    blocks, modelled = top_k_blocks(case, strategies(case, judged, y, QUICK), QUICK)
    names = [(block["name"], block["kind"]) for block in blocks]
    expected = [("b", "indicator"), ("a", "indicator"), ("learned", "learned"), ("lr", "setting"), ("chance", "chance")]
    assert names == expected
    assert blocks[2]["rank_of_best"] == 1
    assert blocks[-1]["order"] == []
    assert blocks[-1]["top"][0]["p_best"] == pytest.approx(1 / 12, abs=0.01)
    assert all(np.all(np.diff(shares) >= 0) and shares[-1] == 1 for shares in modelled)


def test_equal_resamples_of_variants_serve_all_strategies() -> None:
    y = np.random.default_rng(2).normal(size=15)
    case, judged = judged_case(study(y, {"a": y**3}, {"copy": y}))
    first, second, _ = strategies(case, judged, np.full(15, np.nan), QUICK)
    assert np.array_equal(first.accuracies, second.accuracies)


def test_where_all_outcomes_are_tied_there_is_no_best_to_be_found() -> None:
    case, judged = judged_case(study(np.full(6, 2.0), {"a": np.arange(6.0)}))
    blocks, _ = top_k_blocks(case, strategies(case, judged, np.full(6, np.nan), QUICK), Select())
    assert blocks[0]["top"][0]["regret"] == 0
    assert np.isnan(blocks[0]["top"][0]["p_best"])


def test_the_order_of_variants_does_not_matter() -> None:
    rng = np.random.default_rng(6)
    y, scores = np.round(rng.normal(size=20), 1), rng.integers(0, 6, 20).astype(float)
    order = rng.permutation(20)
    found = []
    for way in (np.arange(20), order):
        case, judged = judged_case(study(y[way], {"a": scores[way]}))
        found.append(top_k_blocks(case, strategies(case, judged, np.full(20, np.nan), QUICK), QUICK)[0][0]["top"])
    for ours, theirs in zip(*found, strict=True):
        assert ours["has_best"] == theirs["has_best"]
        assert ours["regret"] == pytest.approx(theirs["regret"])
        assert ours["p_best"] == pytest.approx(theirs["p_best"], abs=0.03)  # other resamples of the same variants
