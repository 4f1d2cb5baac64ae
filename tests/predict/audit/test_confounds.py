"""Settings that predict by themselves are named, with the indicators that go with them; useless ones are not."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from ptp_core.predict.audit.confounds import confounds
from ptp_core.predict.audit.groups import epsilon_squared, eta_squared, group_accuracy
from ptp_core.predict.quantities import Measured, measured
from ptp_core.spec.select import Select

MakeTable = Callable[..., pd.DataFrame]
MakeHonest = Callable[..., Measured]

SELECT = Select(permutations=2000)


def test_the_published_learning_rate_predicts_as_well_as_any_indicator(published_table: pd.DataFrame) -> None:
    (found,) = confounds(measured(published_table), Select())
    assert (found.kind, found.severity, found.factor) == ("confound", "grave", "lr")
    accuracies = [found.numbers["accuracy"][name] for name in ("sft_cms", "sft_rag", "sft_cbqa")]
    assert accuracies == pytest.approx([0.724, 0.794, 0.782], abs=0.0005)
    assert max(found.numbers["p_holm"].values()) < 0.01
    assert found.indicators == ("kshot_rag",)
    assert "72.4 % of the pairs of sft_cms" in found.sentence


def test_useless_columns_are_confounds_no_more_often_than_the_level(make_honest: MakeHonest) -> None:
    rng, select = np.random.default_rng(1), Select(permutations=400)
    found = sum(bool(confounds(make_honest(rng, 24, 0.5), select)) for _ in range(60))
    assert found <= 8  # 3 are expected at most; 9 or more of 60 at 5 % has a probability of .3 %


def test_words_that_predict_are_a_confound_and_go_with_an_indicator(make_table: MakeTable) -> None:
    rng = np.random.default_rng(0)
    words = ["a", "b", "c"] * 12
    level = np.array([{"a": 0.0, "b": 3.0, "c": 1.0}[word] for word in words])
    table = make_table(
        {"with": (level + rng.normal(size=36)).tolist(), "without": rng.normal(size=36).tolist()},
        {"o": (level + rng.normal(size=36)).tolist()},
        {"mixture": words, "name": [f"run {i}" for i in range(36)], "constant": [1.0] * 36},
    )
    (found,) = confounds(measured(table), SELECT)
    assert (found.factor, found.indicators) == ("mixture", ("with",))
    assert found.numbers["accuracy"]["o"] > 0.65
    assert 0.3 < found.numbers["rank_variance_share"]["o"] < 1


def test_a_setting_weaker_than_the_best_indicator_is_a_warning(make_table: MakeTable) -> None:
    rng = np.random.default_rng(0)
    outcome = rng.normal(size=40)
    table = make_table({"i": (outcome + 0.1 * rng.normal(size=40)).tolist()}, {"o": outcome.tolist()},
                       {"lr": np.round(outcome + rng.normal(size=40)).tolist()})  # fmt: skip
    (found,) = confounds(measured(table), SELECT)
    assert found.severity == "warning"
    assert found.numbers["best_indicator"]["o"] == "i"


def test_a_setting_that_orders_wrongly_predicts_too(make_table: MakeTable) -> None:
    values = np.random.default_rng(0).normal(size=30)
    (found,) = confounds(measured(make_table({}, {"o": values.tolist()}, {"dropout": (-values).tolist()})), SELECT)
    assert (found.numbers["accuracy"]["o"], found.severity) == (0.0, "warning")


def test_a_setting_of_a_few_variants_lends_no_accuracy_however_certain_it_is(make_table: MakeTable) -> None:
    values = np.arange(60.0)
    rare = make_table({}, {"o": values.tolist()}, {"lr": np.where(values < 3, 2.0, 1.0).tolist()})
    assert confounds(measured(rare), Select(confidence=0.9)) == []
    half = make_table({}, {"o": values.tolist()}, {"lr": np.where(values < 30, 2.0, 1.0).tolist()})
    assert len(confounds(measured(half), Select(confidence=0.9))) == 1


def test_many_outcomes_are_told_in_one_breath(make_table: MakeTable) -> None:
    rng = np.random.default_rng(0)
    column = np.arange(30.0)
    outcomes = {f"o{k}": (column + 3 * rng.normal(size=30)).tolist() for k in range(5)}
    (found,) = confounds(measured(make_table({}, outcomes, {"lr": column.tolist()})), SELECT)
    assert "of the pairs of o0, o1, o2, o3 and o4 (p = " in found.sentence
    assert set(found.numbers["accuracy"]) == set(outcomes)


def test_a_setting_unknown_for_many_is_passed_over(make_table: MakeTable) -> None:
    values = np.arange(30.0).tolist()
    table = make_table({}, {"o": values}, {"lr": values})
    unknown = (table["kind"] == "config") & table["variant"].isin([f"v{i}" for i in range(10)])
    assert confounds(measured(table), SELECT)
    assert confounds(measured(table[~unknown]), SELECT) == []


@pytest.mark.parametrize("sizes", [(15, 15), (10, 10, 10), (25, 3, 2), (2,) * 15])
def test_the_means_of_useless_groups_are_right_half_of_the_time(sizes: tuple[int, ...]) -> None:
    rng = np.random.default_rng(0)
    codes = np.repeat(np.arange(len(sizes)), sizes)
    accuracies = [group_accuracy(codes, rng.normal(size=len(codes))) for _ in range(1500)]
    assert np.mean(accuracies) == pytest.approx(0.5, abs=3.5 * np.std(accuracies) / np.sqrt(1500))


def test_groups_far_apart_are_ordered_rightly_and_pairs_within_them_are_guessed() -> None:
    codes = np.repeat([0, 1], 10)
    goodness = np.arange(20.0)
    between, within = 100, 90
    assert group_accuracy(codes, goodness) == pytest.approx((between + within / 2) / 190)


def test_the_share_between_groups_is_that_of_the_ranks_and_its_p_keeps_its_level() -> None:
    rng, codes = np.random.default_rng(0), np.repeat([0, 1, 2], 8)
    from scipy.stats import kruskal

    values = rng.normal(size=24) + codes
    share, p = eta_squared(codes, values, permutations=4000, rng=np.random.default_rng(1))
    reference = kruskal(*(values[codes == code] for code in range(3)))
    assert share == pytest.approx(reference.statistic / 23)
    assert p == pytest.approx(reference.pvalue, abs=0.01)
    p_values = [eta_squared(codes, rng.normal(size=24), permutations=199, rng=rng)[1] for _ in range(400)]
    assert np.mean(np.array(p_values) <= 0.05) == pytest.approx(0.05, abs=0.033)


def test_the_share_less_chance_is_nothing_on_average_for_words_that_say_nothing() -> None:
    rng, words = np.random.default_rng(0), tuple("abcde" * 6)
    shares = [epsilon_squared(words, rng.normal(size=30)) for _ in range(1000)]
    assert np.mean(shares) == pytest.approx(0, abs=0.015)


def test_hundreds_of_variants_are_tested_by_the_limit_to_which_shuffles_tend(make_table: MakeTable) -> None:
    rng = np.random.default_rng(0)
    column = rng.choice([1.0, 2.0, 3.0], size=230)
    outcome = (0.3 * column + rng.normal(size=230)).tolist()
    data = measured(make_table({}, {"o": outcome}, {"lr": column.tolist()}))
    by_limit, by_shuffles = (
        confounds(data, Select(permutations=permutations))[0].numbers["p"]["o"] for permutations in (10_000, 1500)
    )
    assert by_limit != by_shuffles
    assert by_limit == pytest.approx(by_shuffles, abs=0.008)  # three standard errors of 1500 shuffles
    assert by_shuffles > 0.0007  # not at the floor of the shuffles, where anything agrees
