"""What an indicator has to beat: each baseline is there, in order, and none is better than it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ptp_core.predict.case import case_of
from ptp_core.predict.judge.baselines import baselines
from ptp_core.predict.judge.claims import Claims, claims_of
from ptp_core.predict.judge.judging import judge
from ptp_core.predict.judge.terms import Terms
from ptp_core.predict.quantities import Floats, measured
from ptp_core.spec.select import Select

MakeTable = Callable[..., pd.DataFrame]


def found(table: pd.DataFrame, select: Select, early: dict[str, Floats] | None = None) -> list[dict[str, Any]]:
    data = measured(table)
    claims = claims_of(data, {"outcome": "sft", "indicator": None})
    blocks: list[dict[str, Any]] = judge(case_of(data, "sft"), select, claims, early or {})["baselines"]
    return blocks


def of_settings(make_table: MakeTable, y: list[float], config: dict[str, Any], select: Select) -> list[dict[str, Any]]:
    """The baselines that are fitted to settings, without the rest of the judgement."""
    case = case_of(measured(make_table({}, {"sft": y}, config)), "sft")
    return baselines(case, Claims(("sft",), ()), Terms(case.goodness, select), {}, {}, {})


def named(blocks: list[dict[str, Any]], name: str) -> dict[str, Any]:
    (block,) = (block for block in blocks if block["name"] == name)
    return block


@pytest.fixture(scope="module")
def table(make_table: MakeTable) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    y = rng.normal(size=30)
    indicators = {
        "ppl_clm": list(-y),  # higher is said to be better, and the name says what it is
        "tuned_sft": list(-y),
        "kshot": list(y + rng.normal(size=30)),
        "kshot.loss": list(y),
    }
    config = {"lr": list(y), "mix": [f"m{int(value > 0)}" for value in y], "id": [f"i{i}" for i in range(30)]}
    return make_table(indicators, {"sft": list(y)}, config, lower_is_better=["tuned_sft"])


def test_every_kind_is_there_in_order(table: pd.DataFrame, quick: Select) -> None:
    blocks = found(table, quick, {"sft at 5 tokens": np.arange(30.0)})
    assert [(block["kind"], block["name"]) for block in blocks] == [
        ("chance", "chance"),
        ("setting", "lr"),
        ("word", "mix"),  # a word of its own for each variant teaches nothing
        ("settings", "all settings"),
        ("flipped", "ppl_clm flipped"),
        ("flipped", "tuned_sft flipped"),
        ("smallest", "sft at 5 tokens"),
        ("tiny_finetune", "tuned_sft"),
    ]
    keys = {"name", "kind", "accuracy", "ci95", "p", "n_variants", "n_pairs", "note"}
    assert all(set(block) == keys for block in blocks)


def test_a_flipped_indicator_is_right_where_the_indicator_is_wrong(table: pd.DataFrame, quick: Select) -> None:
    data = measured(table)
    claims = claims_of(data, {"outcome": "sft", "indicator": None})
    for convention in ("default", "paper"):
        select = quick.model_copy(update={"convention": convention})
        block = judge(case_of(data, "sft"), select, claims, {})
        single, flipped = block["indicators"]["ppl_clm"], named(block["baselines"], "ppl_clm flipped")
        assert (single["accuracy"], flipped["accuracy"]) == (0.0, 1.0)
        assert flipped["p"] == single["p"]
        assert flipped["ci95"] == [1 - single["ci95"][1], 1 - single["ci95"][0]]


def test_tied_pairs_stay_right_when_flipped_as_the_paper_counts(make_table: MakeTable, quick: Select) -> None:
    table = make_table({"ppl": [1.0, 1.0, 2.0, 3.0]}, {"sft": [1.0, 1.0, 2.0, 2.0]})
    flipped = named(found(table, quick.model_copy(update={"convention": "paper"})), "ppl flipped")
    # The pair tied in both is right; a pair tied in one would be right only if its variants stood the other way round.
    assert flipped["accuracy"] == pytest.approx(1 / 6)


def test_an_informative_word_and_all_settings_together_beat_chance(table: pd.DataFrame) -> None:
    blocks = found(table, Select(bootstraps=100, permutations=100))
    word = named(blocks, "mix")
    assert word["accuracy"] > 0.7
    assert word["ci95"][0] > 0.5
    assert word["p"] < 0.05
    assert named(blocks, "all settings")["accuracy"] > 0.95
    assert "trained on 18 variants and judged on the other 12, 20 times" in word["note"]


@pytest.mark.slow
def test_useless_settings_score_one_half_and_keep_the_level(make_table: MakeTable) -> None:
    rng = np.random.default_rng(1)
    select = Select(bootstraps=100, permutations=100)
    shares: dict[str, list[float]] = {"mix": [], "all settings": []}
    p: dict[str, list[float]] = {"mix": [], "all settings": []}
    for _ in range(150):
        config = {"mix": [f"m{i}" for i in rng.integers(0, 5, size=24)], "lr": list(rng.normal(size=24))}
        blocks = of_settings(make_table, list(rng.normal(size=24)), config, select)
        for name in shares:
            shares[name].append(named(blocks, name)["accuracy"])
            p[name].append(named(blocks, name)["p"])
    for name, values in shares.items():
        error = np.std(values) / np.sqrt(len(values))
        assert np.mean(values) == pytest.approx(0.5, abs=3 * error)
        assert error < 0.01
        assert np.mean(np.array(p[name]) <= 0.05) <= 0.09


@pytest.mark.slow
def test_two_words_that_part_the_variants_evenly_are_not_turned_against_them(make_table: MakeTable) -> None:
    # Few variants of a fixed mean: what the training side has above it, the test side has below. Means over all
    # variants of a word would pull a useless word below one half.
    rng = np.random.default_rng(2)
    select = Select(bootstraps=100, permutations=100, splits=50)
    shares = []
    for _ in range(60):
        y = rng.permutation(8).astype(float)
        config = {"mix": ["a", "b"] * 4}
        shares.append(named(of_settings(make_table, list(y), config, select), "mix")["accuracy"])
    assert np.mean(shares) == pytest.approx(0.5, abs=3 * np.std(shares) / np.sqrt(60))


def test_variants_without_an_early_number_are_left_out_of_it(table: pd.DataFrame, quick: Select) -> None:
    case = case_of(measured(table), "sft")
    early = np.where(np.arange(30) < 20, case.goodness, np.nan)
    block = named(found(table, quick, {"sft at size 1M": early, "none": np.full(30, np.nan)}), "sft at size 1M")
    assert (block["accuracy"], block["n_variants"], block["n_pairs"]) == (1.0, 20, 190)
    assert all(b["name"] != "none" for b in found(table, quick, {"none": np.full(30, np.nan)}))


def test_a_tiny_finetune_has_the_numbers_of_its_indicator(table: pd.DataFrame, quick: Select) -> None:
    tuned = named(found(table, quick), "tuned_sft")
    assert (tuned["accuracy"], tuned["n_variants"]) == (1.0, 30)


def test_chance_needs_no_test_and_says_how_far_it_strays(make_table: MakeTable, quick: Select) -> None:
    chance = found(make_table({}, {"sft": list(range(50))}), quick)[0]
    assert (chance["accuracy"], chance["ci95"], chance["p"]) == (0.5, [0.5, 0.5], None)
    assert "within 0.40 and 0.60 in 95% of studies of 50 variants" in chance["note"]


def test_tied_outcomes_leave_nothing_to_judge(make_table: MakeTable, quick: Select) -> None:
    table = make_table({"ppl": list(range(8))}, {"sft": [1.0] * 8}, {"lr": list(range(8)), "mix": ["a", "b"] * 4})
    blocks = found(table, quick)
    assert all(np.isnan(block["accuracy"]) and block["n_pairs"] == 0 for block in blocks if block["kind"] != "chance")


def test_the_outcome_of_a_test_side_reaches_no_baseline(table: pd.DataFrame) -> None:
    # Of every split the test side is read only to judge: an outcome moved by a constant changes nothing.
    data = measured(table)
    case = case_of(data, "sft")
    claims = claims_of(data, {"outcome": "sft", "indicator": None})
    moved = replace(case, outcome=replace(case.outcome, values=case.outcome.values + 7.0))
    select = Select(bootstraps=100, permutations=100, splits=4)
    one, two = (judge(which, select, claims, {})["baselines"] for which in (case, moved))
    assert [b["accuracy"] for b in one] == [b["accuracy"] for b in two]
