"""The whole analysis on small tables: its keys, its words, and the tables that would make it stumble."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ptp_core.errors import UserError
from ptp_core.predict.analysis import analyze
from ptp_core.spec.select import Primary, Select

MakeTable = Callable[..., pd.DataFrame]
NOISE = np.random.default_rng(0).normal(size=(12, 3))


def run(table: pd.DataFrame, select: Select) -> dict[str, Any]:
    """The selection, with every warning an error, through strict JSON."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result: dict[str, Any] = json.loads(json.dumps(analyze(table, select, "s"), allow_nan=False))
    return result


@pytest.fixture(scope="module")
def table(make_table: MakeTable) -> pd.DataFrame:
    """Twelve variants, three seeds, one good indicator, one loss, settings of both kinds."""
    truth = np.arange(12.0)
    return make_table(
        {"good": list(truth + NOISE[:, 0]), "loss": list(9 - truth / 2), "noise": list(NOISE[:, 2])},
        {"acc": [list(t + 0.1 * NOISE[i]) for i, t in enumerate(truth)], "err": list(20 - truth)},
        {"lr": [1e-4, 1e-3] * 6, "mix": ["a", "b", "b"] * 4},
        lower_is_better=["loss", "err"],
    )


@pytest.fixture(scope="module")
def result(table: pd.DataFrame, quick: Select) -> dict[str, Any]:
    return run(table, quick)


def test_the_selection_has_the_agreed_keys(result: dict[str, Any]) -> None:
    assert {
        "study", "n_variants", "variants", "left_out", "confidence", "convention", "primary", "outcomes", "transfer",
        "as_given", "audit", "verdict", "warnings",
    } <= set(result)  # fmt: skip
    block = result["outcomes"]["acc"]
    assert {
        "higher_is_better", "n_variants", "left_out", "values", "between_sd", "seed_sd", "n_seeds", "indicators",
        "configuration", "learned", "ranking", "best",
    } <= set(block)  # fmt: skip
    single = {
        "accuracy", "ci95", "p", "p_holm", "n_pairs", "n_indicator_ties", "n_outcome_ties", "tau_b", "higher_is_better",
        "rank_of_best", "regret_at_1",
    }  # fmt: skip
    assert set(block["indicators"]) == {"good", "loss", "noise"}
    assert set(block["configuration"]) == {"lr"}
    assert all(single <= set(entry) for entry in [*block["indicators"].values(), *block["configuration"].values()])
    assert set(block["learned"]) == {
        "models", "comparisons", "indicators", "n_train", "n_test", "published", "leave_one_out", "leave_family_out",
        "learning_curve", "calibration", "importance",
    }  # fmt: skip
    assert set(block["learned"]["models"]) == {
        "catboost", "catboost_config", "config_only", "logistic", "mlp", "best_single", "sum", "setting",
    }  # fmt: skip
    assert {"baselines", "strata", "gaps", "differences"} <= set(block)
    assert {"strategies", "shortlist", "power", "next", "abstain"} <= set(block["decision"])
    ranked = {"rank", "variant", "value", "stderr", "borda", "predicted_rank", "rank_ci", "p_best"}
    assert set(block["ranking"][0]) == ranked
    assert {"variant", "value", "probability_best", "runner_up"} <= set(block["best"])
    assert set(result["verdict"]) == {"headline", "details"}


def test_directions_are_respected(result: dict[str, Any]) -> None:
    assert result["outcomes"]["acc"]["indicators"]["loss"]["accuracy"] == 1.0
    assert result["outcomes"]["err"]["indicators"]["loss"]["accuracy"] == 1.0
    assert result["outcomes"]["err"]["best"]["variant"] == "v11"
    assert [entry["variant"] for entry in result["outcomes"]["err"]["ranking"]][:2] == ["v11", "v10"]


def test_seeds_make_the_best_sure(result: dict[str, Any]) -> None:
    block = result["outcomes"]["acc"]
    assert block["n_seeds"] == 3
    assert block["seed_sd"] == pytest.approx(0.1, abs=0.05)
    assert block["best"]["probability_best"] > 0.99
    assert "variant v11 (lr 0.001) is best" in result["verdict"]["headline"]
    assert result["outcomes"]["err"]["best"]["probability_best"] is None


def test_progress_climbs_to_one(table: pd.DataFrame, quick: Select) -> None:
    seen: list[tuple[str, float]] = []
    analyze(table, quick, "s", lambda what, share: seen.append((what, share)))
    shares = [share for _, share in seen]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert seen[0][0].startswith("acc: ")


def test_a_best_within_the_noise_is_not_called_best(make_table: MakeTable, quick: Select) -> None:
    table = make_table({"i": [1, 2, 3, 4.0]}, {"o": [[1, 2.0], [1.1, 2.1], [1.2, 2.2], [1.15, 2.3]]})
    result = run(table, quick)
    assert "cannot be told from the runner-up v2" in result["verdict"]["headline"]
    assert any("count them as ties" in sentence for sentence in result["verdict"]["details"])


def test_a_shared_first_place_is_said(make_table: MakeTable, quick: Select) -> None:
    result = run(make_table({"i": [1, 2, 3, 4.0]}, {"o": [1, 2, 5, 5.0]}), quick)
    assert "no variant is best: v2 and v3 share the best value 5" in result["verdict"]["headline"]


def test_an_indicator_that_points_the_wrong_way_is_said(make_table: MakeTable) -> None:
    truth = np.arange(12.0)
    select = Select(primary=Primary(outcome="o", indicator="i"), bootstraps=100, permutations=500, splits=2)
    headline = run(make_table({"i": list(-truth)}, {"o": list(truth)}), select)["verdict"]["headline"]
    assert "i orders the variants worse than chance (0.0 % of pairs" in headline


def test_no_indicator_better_than_chance_is_said(make_table: MakeTable, quick: Select) -> None:
    table = make_table({"i": list(NOISE[:, 0]), "j": list(NOISE[:, 1])}, {"o": list(NOISE[:, 2])})
    assert "no indicator is shown to order the variants better than chance" in run(table, quick)["verdict"]["headline"]


def test_few_variants_come_with_a_caution(make_table: MakeTable, quick: Select) -> None:
    warned = run(make_table({"i": list(range(8))}, {"o": list(range(8))}), quick)["warnings"]
    assert any("With 8 variants" in sentence and "0.144" in sentence for sentence in warned)


def test_a_variant_without_an_outcome_is_left_out_of_this_outcome_only(make_table: MakeTable, quick: Select) -> None:
    table = make_table({"i": [1, 2, 3, 4, 5.0]}, {"o": [1, 2, None, 4, 5.0], "q": [1, 2, 3, 4, 5.0]})
    result = run(table, quick)
    assert result["outcomes"]["o"]["left_out"] == ["v2"]
    assert result["outcomes"]["o"]["indicators"]["i"]["n_pairs"] == 6
    assert result["outcomes"]["q"]["left_out"] == []
    assert any("No outcome o for variant v2" in sentence for sentence in result["warnings"])


def test_an_indicator_missing_for_some_is_judged_on_the_others(make_table: MakeTable, quick: Select) -> None:
    table = make_table({"i": [1, 2, 3, 4, 5.0], "j": [5, None, None, 2, 1.0]}, {"o": [1, 2, 3, 4, 5.0]})
    singles = run(table, quick)["outcomes"]["o"]["indicators"]
    assert (singles["j"]["n_variants"], singles["j"]["n_pairs"], singles["j"]["accuracy"]) == (3, 3, 0.0)
    assert singles["i"]["n_pairs"] == 10


@pytest.mark.parametrize(
    ("indicators", "outcomes", "config"),
    [
        ({"i": [1, 1, 1, 1]}, {"o": [1, 2, 3, 4]}, {}),
        ({"i": [1, 2, 3, 4]}, {"o": [2, 2, 2, 2]}, {}),
        ({"i": [1, 2, 3, 4]}, {"o": [[2, 2], [2, 2], [2, 2], [2, 2]]}, {"lr": [1, 1, 1, 1]}),
        ({}, {"o": [1, 2, 3, 4]}, {}),
        ({}, {"o": [1, 2, 3, 4]}, {"mix": ["a", "b", "c", "d"]}),
        ({"i": [None, None, None, None, 1]}, {"o": [1, 2, 3, 4, None]}, {"lr": [1, 2, 3, 4, 5]}),
        ({"i": [1e300, -1e300, 1e-300, 0]}, {"o": [0, 0, 0, 1]}, {"lr": ["1e-4", "1", "1", "1"]}),
    ],
)
def test_degenerate_tables_give_nulls_and_no_warnings(
    make_table: MakeTable, quick: Select, indicators: Any, outcomes: Any, config: Any
) -> None:
    result = run(make_table(indicators, outcomes, config), quick)
    assert result["verdict"]["headline"].endswith(".")


def test_a_constant_indicator_is_half_right_and_a_constant_outcome_is_not_judged(
    make_table: MakeTable, quick: Select
) -> None:
    table = make_table({"i": [1, 1, 1, 1]}, {"o": [1, 2, 3, 4], "q": [2, 2, 2, 2]})
    outcomes = run(table, quick)["outcomes"]
    assert outcomes["o"]["indicators"]["i"]["accuracy"] == 0.5
    judged = outcomes["q"]["indicators"]["i"]
    assert (judged["accuracy"], judged["n_pairs"], judged["p"], judged["ci95"]) == (None, 0, None, [None, None])
    assert outcomes["q"]["learned"]["models"]["catboost"]["mean"] is None


def test_what_cannot_be_analysed_is_refused_in_words(make_table: MakeTable, quick: Select) -> None:
    good = make_table({"kshot": [1, 2, 3, 4.0]}, {"sft_cms": [1, 2, 3, 4.0]})
    with pytest.raises(UserError, match="no such outcome in the table; got 'sft_cm'; did you mean \"sft_cms\""):
        analyze(good, quick.model_copy(update={"primary": Primary(outcome="sft_cm")}), "s")
    with pytest.raises(UserError, match="no such indicator in the table"):
        analyze(good, quick.model_copy(update={"primary": Primary(outcome="sft_cms", indicator="x")}), "s")
    with pytest.raises(UserError, match="outcome o: too few variants have this outcome; expected at least 4, got 3"):
        analyze(make_table({"i": [1, 2, 3, 4.0]}, {"o": [1, 2, 3, None]}), quick, "s")
    with pytest.raises(UserError, match="the table has no outcome"):
        analyze(make_table({"i": [1, 2, 3, 4.0]}, {}), quick, "s")
    cross = make_table({"i": [1, 2, 3, 4.0]}, {"o": [1, 2, 3, 4.0]})
    cross["train_task"] = cross["kind"].map({"outcome": "other"})
    with pytest.raises(UserError, match="the table has no outcome; got 'only scores of models that were tuned on an"):
        analyze(cross, quick, "s")


def test_tables_that_name_their_variants_differently_are_told_of(make_table: MakeTable, quick: Select) -> None:
    tuned = make_table({}, {"o": list(range(5))})
    tuned["variant"] += "-step500"
    result = run(pd.concat([make_table({"i": list(range(5))}, {}), tuned], ignore_index=True), quick)
    assert result["warnings"][0].startswith("No variant has both an indicator and an outcome: indicators are known of")
    assert "v0, v1 and v2, outcomes of v0-step500, v1-step500 and v2-step500." in result["warnings"][0]
    assert result["verdict"]["headline"].endswith("; no indicator is known of these variants.")
