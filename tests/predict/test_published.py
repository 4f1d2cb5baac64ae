"""The fifty published models: the figures that a recomputation must hit, and the traps it must find by itself."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ptp_core.predict.analysis import analyze
from ptp_core.spec.select import Select
from ptp_core.stats.multiplicity import holm

# In one process: the analysis that they share takes the better part of a minute.
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("published")]

OUTCOMES = ("sft_cms", "sft_rag", "sft_cbqa")


@pytest.mark.parametrize(
    ("kind", "column", "accuracies"),
    [
        ("indicators", "ppl_clm", (0.324, 0.379, 0.346)),
        ("indicators", "ppl_sc", (0.699, 0.623, 0.609)),
        ("indicators", "kshot_rag", (0.694, 0.770, 0.712)),
        ("configuration", "lr", (0.724, 0.794, 0.782)),
    ],
)
def test_the_pairwise_accuracies_are_hit(
    published: dict[str, Any], kind: str, column: str, accuracies: tuple[float, ...]
) -> None:
    found = [published["as_given"]["outcomes"][outcome][kind][column]["accuracy"] for outcome in OUTCOMES]
    assert found == pytest.approx(accuracies, abs=0.001)


@pytest.mark.parametrize(
    ("indicator", "intervals"),
    [
        ("ppl_clm", ((0.23, 0.42), (0.29, 0.48), (0.27, 0.44))),
        ("ppl_sc", ((0.60, 0.79), (0.51, 0.74), (0.50, 0.72))),
        ("kshot_rag", ((0.61, 0.76), (0.69, 0.84), (0.61, 0.79))),
    ],
)
def test_the_intervals_over_variants_are_hit(
    published: dict[str, Any], indicator: str, intervals: tuple[tuple[float, float], ...]
) -> None:
    for outcome, interval in zip(OUTCOMES, intervals, strict=True):
        assert published["as_given"]["outcomes"][outcome]["indicators"][indicator]["ci95"] == pytest.approx(
            interval, abs=0.02
        )


def test_holm_leaves_six_of_fifteen_claims_and_two_of_them_are_below_chance(published: dict[str, Any]) -> None:
    claims = {
        (outcome, name, single["accuracy"] > 0.5)
        for outcome, block in published["as_given"]["outcomes"].items()
        for name, single in block["indicators"].items()
        if single["p_holm"] <= 0.05
    }
    assert claims == {
        ("sft_cms", "ppl_clm", False),
        ("sft_cbqa", "ppl_clm", False),
        ("sft_cms", "ppl_sc", True),
        *((outcome, "kshot_rag", True) for outcome in OUTCOMES),
    }


def test_rank_of_the_best_and_regret_are_hit(published: dict[str, Any]) -> None:
    singles = [published["as_given"]["outcomes"][outcome]["indicators"] for outcome in OUTCOMES]
    assert [single["kshot_rag"]["rank_of_best"] for single in singles] == [11, 4, 4]
    assert [single["ppl_sc"]["rank_of_best"] for single in singles] == [12, 2, 2]
    assert [single["ppl_clm"]["rank_of_best"] for single in singles] == [50, 41, 41]
    assert [single["kshot_rag"]["regret_at_1"] for single in singles] == pytest.approx([1.94, 0.20, 0.20], abs=0.005)
    assert [single["ppl_sc"]["regret_at_1"] for single in singles] == pytest.approx([1.16, 0.68, 1.05], abs=0.006)


def test_learning_to_compare_reaches_its_goals_as_the_paper_splits(published: dict[str, Any]) -> None:
    for outcome, goal, with_settings in zip(OUTCOMES, (0.77, 0.74, 0.77), (0.80, 0.78, 0.80), strict=True):
        models = published["as_given"]["outcomes"][outcome]["learned"]["models"]
        assert models["catboost"]["mean"] >= goal
        assert round(models["catboost_config"]["mean"], 2) >= with_settings
        assert models["catboost"]["n_splits"] == 20
        low, high = models["catboost"]["ci95"]
        assert low < goal - 0.05 < goal + 0.05 < high  # corrected: a plain standard error would give ± .02


def test_learning_to_compare_is_not_shown_to_beat_the_learning_rate_and_the_first_lines_say_so(
    published: dict[str, Any],
) -> None:
    for outcome in OUTCOMES:
        learned = published["as_given"]["outcomes"][outcome]["learned"]
        assert learned["models"]["setting"]["name"] == "lr"
        tests = {test["b"]: test["p"] for test in learned["comparisons"] if test["a"] == "catboost"}
        assert min(tests["setting"], tests["config_only"]) > 0.05
        gains = {entry["name"]: entry["p"] for entry in learned["published"]}
        assert gains["LightGBM (Zeng et al. 2025)"] > 0.05
    first_lines = published["verdict"]["details"][:3]
    (line,) = [sentence for sentence in first_lines if "LightGBM (Zeng et al. 2025)" in sentence]
    assert "is not distinguishable from the setting lr alone (" in line
    assert line.count("p = ") == 3
    assert "and" not in line.partition("lr alone")[2]  # all three outcomes


def test_the_learned_model_is_not_shown_to_beat_the_best_indicator_on_any_outcome(published: dict[str, Any]) -> None:
    blocks = [published["as_given"]["outcomes"][outcome]["learned"] for outcome in OUTCOMES]
    against = [t["p"] for b in blocks for t in b["comparisons"] if (t["a"], t["b"]) == ("catboost", "best_single")]
    # On CMS the training side often picks an indicator that fails on the test side: p = .02 alone, not over three.
    assert holm(np.array(against)).min() > 0.05


@pytest.mark.parametrize(
    ("indicator", "accuracies"),
    [
        ("ppl_sc", (0.546, 0.563, 0.528)),
        ("kshot_rag", (0.542, 0.671, 0.493)),
        ("ppl_clm", (0.338, 0.434, 0.380)),
        ("kshot_cms", (0.688, 0.718, 0.537)),
        ("kshot_cbqa", (0.615, 0.601, 0.630)),
    ],
)
def test_accuracies_at_equal_learning_rate_are_hit(
    published: dict[str, Any], indicator: str, accuracies: tuple[float, ...]
) -> None:
    for outcome, accuracy in zip(OUTCOMES, accuracies, strict=True):
        strata = published["as_given"]["outcomes"][outcome]["strata"]
        (equal,) = [stratum for stratum in strata if (stratum["factor"], stratum["kind"]) == ("lr", "equal")]
        assert equal["n_pairs"] == 315
        assert equal["indicators"][indicator]["accuracy"] == pytest.approx(accuracy, abs=0.001)
        low, high = equal["indicators"][indicator]["ci95"]
        assert low < accuracy < high


def test_the_audit_finds_by_itself_what_is_wrong_with_the_table(published: dict[str, Any]) -> None:
    findings = published["audit"]["findings"]
    copies = [f["variants"] for f in findings if f["kind"] == "duplicates"]
    assert copies == [["46", "49"], ["47", "50"]]
    assert ["4"] in [f["variants"] for f in findings if f["kind"] == "collapsed" and f["action"] == "left out"]
    (confound,) = [f for f in findings if f["kind"] == "confound" and f["factor"] == "lr"]
    found = [confound["numbers"]["accuracy"][outcome] for outcome in OUTCOMES]
    assert found == pytest.approx([0.724, 0.794, 0.782], abs=0.001)
    (line,) = [f for f in findings if f["kind"] == "dependence"]
    assert (line["indicators"], line["outcomes"], line["factor"]) == (["kshot_cbqa"], ["sft_cbqa"], "lr")
    assert line["numbers"]["n"] == 13
    assert line["numbers"]["ratio"] == pytest.approx(0.5017, abs=0.0001)
    assert line["numbers"]["r"] == pytest.approx(0.997, abs=0.001)
    assert line["numbers"]["r_elsewhere"] == pytest.approx(-0.11, abs=0.01)
    assert {entry["variant"] for entry in published["left_out"]} == {"4", "49", "50"}


def test_indicators_that_borrow_from_the_learning_rate_are_called_so(published: dict[str, Any]) -> None:
    words = {outcome: published["outcomes"][outcome]["indicators"] for outcome in OUTCOMES}
    assert words["sft_cms"]["kshot_rag"]["verdict"] == "confounded"
    assert words["sft_cbqa"]["kshot_cbqa"]["verdict"] == "leak"
    assert words["sft_cms"]["ppl_clm"]["verdict"] == "worse"


@pytest.mark.parametrize(
    ("indicator", "table_1"),
    [
        ("ppl_clm", (0.332, 0.380, 0.354)),
        ("ppl_sc", (0.703, 0.622, 0.609)),
        ("kshot_cms", (0.573, 0.569, 0.525)),
        ("kshot_rag", (0.696, 0.766, 0.704)),
        ("kshot_cbqa", (0.468, 0.430, 0.461)),  # as recomputed; the paper prints .437, .447, .467
    ],
)
def test_counted_as_the_paper_counts_its_first_table_is_hit(
    as_the_paper: dict[str, Any], indicator: str, table_1: tuple[float, ...]
) -> None:
    assert as_the_paper["n_variants"] == 50
    for outcome, accuracy in zip(OUTCOMES, table_1, strict=True):
        single = as_the_paper["outcomes"][outcome]["indicators"][indicator]
        assert single["accuracy"] == pytest.approx(accuracy, abs=0.01)
        assert single["n_pairs"] == 1225


def test_the_best_variant_is_among_the_first_eight_by_borda(published: dict[str, Any]) -> None:
    for outcome in OUTCOMES:
        first = published["outcomes"][outcome]["ranking"][0]
        assert first["rank"] == 1
        assert first["predicted_rank"] <= 8


def test_copies_and_collapsed_variants_are_named(published: dict[str, Any]) -> None:
    warnings = "\n".join(published["warnings"])
    assert "Variants 46 and 49 agree exactly in all 8 numbers" in warnings
    assert "Variants 47 and 50 agree exactly in all 8 numbers" in warnings
    assert "Variant 4 has collapsed on sft_cbqa: 0.15" in warnings
    assert "Variant 4 has collapsed on kshot_cbqa" in warnings
    assert "one fine-tuning run per variant" in warnings


@pytest.fixture(scope="module")
def as_the_paper(published_table: pd.DataFrame) -> dict[str, Any]:
    """The same table counted as the paper counts; its intervals and learned models are not looked at here."""
    return analyze(published_table, Select(convention="paper", bootstraps=100, permutations=100, splits=2), "paper")


def test_the_headline_claims_no_more_than_was_measured(published: dict[str, Any]) -> None:
    headline = published["verdict"]["headline"]
    assert "variant 10 (lr 0.001, objective SC) measured best (75.36), but one run per variant cannot" in headline
    assert "kshot_rag orders 70.8 % of pairs" in headline
    assert "of the 268 pairs of equal lr, a setting that orders the outcome by itself" in headline
    details = "\n".join(published["verdict"]["details"])
    assert "worse than chance: ppl_clm (32.5 %)" in details
    assert "The setting lr alone (higher is better) orders 74.0 %" in details
    assert "kshot_rag orders 70.8 % of pairs" in details
    assert "of the 268 pairs of equal lr, a setting that orders the outcome by itself" in details
    assert "not distinguishable from the setting lr alone" in details


def test_the_selection_is_json_and_the_order_of_rows_does_not_matter(published_table: pd.DataFrame) -> None:
    select = Select(bootstraps=100, permutations=100, splits=2)
    results = [
        json.dumps(analyze(table, select, "s"), allow_nan=False)
        for table in (published_table, published_table.sample(frac=1, random_state=1))
    ]
    assert results[0] == results[1]
