"""Pairs that share a setting, pairs that differ in nothing else, and what is in neither."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ptp_core.predict.case import case_of
from ptp_core.predict.judge.strata import strata
from ptp_core.predict.judge.terms import Terms
from ptp_core.predict.quantities import measured
from ptp_core.spec.select import Select

MakeTable = Callable[..., pd.DataFrame]


def found(table: pd.DataFrame, select: Select, name: str = "x") -> dict[tuple[str, str], dict[str, Any]]:
    case = case_of(measured(table), "sft")
    return {(e["factor"], e["kind"]): e for e in strata(case, (name,), Terms(case.goodness, select))}


def test_a_full_grid_has_equal_pairs_and_pairs_that_differ_in_one_setting(make_table: MakeTable, quick: Select) -> None:
    lr, mix = np.repeat(np.arange(4.0), 5), np.tile(np.arange(5), 4)
    y = lr + 10.0 * mix + 0.001 * np.arange(20)
    config = {"lr": list(lr), "mix": [f"m{i}" for i in mix]}
    entries = found(make_table({"x": list(lr)}, {"sft": list(y)}, config), quick)
    assert set(entries) == {(factor, kind) for factor in ("lr", "mix") for kind in ("equal", "only")}
    assert entries["lr", "equal"]["n_pairs"] == 4 * 10
    assert entries["lr", "only"]["n_pairs"] == 5 * 6
    assert entries["lr", "only"]["indicators"]["x"]["accuracy"] == 1.0
    assert entries["lr", "only"]["indicators"]["x"]["p"] < 0.05
    # Where mixtures differ and the rate does not, a copy of the rate can only guess.
    assert entries["mix", "only"]["indicators"]["x"] == {"accuracy": 0.5, "ci95": [0.5, 0.5], "p": 1.0}
    assert [level["n_variants"] for level in entries["mix", "equal"]["levels"]] == [4] * 5
    assert entries["mix", "equal"]["levels"][2]["indicators"]["x"]["accuracy"] == 1.0


def test_repeated_configurations_have_no_test_of_the_pairs_that_differ(make_table: MakeTable, quick: Select) -> None:
    rng = np.random.default_rng(0)
    lr = np.tile(np.arange(4.0), 6)  # each configuration three times
    config = {"lr": list(lr), "mix": [f"m{i}" for i in np.repeat([0, 1], 12)]}
    entries = found(make_table({"x": list(rng.normal(size=24))}, {"sft": list(rng.normal(size=24))}, config), quick)
    only = entries["lr", "only"]
    assert only["n_pairs"] == 2 * 6 * 9
    assert np.isfinite(only["indicators"]["x"]["accuracy"])
    assert np.isnan(only["indicators"]["x"]["p"])
    assert np.isfinite(entries["lr", "equal"]["indicators"]["x"]["p"])


def test_few_pairs_that_differ_in_one_setting_are_not_listed(make_table: MakeTable, quick: Select) -> None:
    config = {"lr": [1.0, 2.0] * 4, "mix": [f"m{i // 2}" for i in range(8)]}  # four pairs differ in lr only
    entries = found(make_table({"x": list(range(8))}, {"sft": list(range(8))}, config), quick)
    assert ("lr", "equal") in entries
    assert ("lr", "only") not in entries


def test_columns_of_one_value_or_of_a_value_for_each_variant_make_no_strata(
    make_table: MakeTable, quick: Select
) -> None:
    config = {"constant": [1.0] * 8, "name": [f"n{i}" for i in range(8)], "one_twice": [0.0, 0.0, *range(1, 7)]}
    assert not found(make_table({"x": list(range(8))}, {"sft": list(range(8))}, config), quick)


def test_a_variant_of_unknown_value_is_in_no_stratum(make_table: MakeTable, quick: Select) -> None:
    table = make_table({"x": list(range(12))}, {"sft": list(range(12))}, {"lr": [1.0, 2.0] * 6})
    table = table[~((table["kind"] == "config") & table["variant"].isin(["v0", "v1", "v2"]))]
    equal = found(table, quick)["lr", "equal"]
    assert equal["n_variants"] == 9
    assert equal["n_pairs"] == 6 + 10
    assert sorted(level["n_variants"] for level in equal["levels"]) == [4, 5]


def test_levels_of_two_variants_or_of_one_outcome_are_not_listed(make_table: MakeTable, quick: Select) -> None:
    outcome = [1.0, 1.0, 1.0, 1.0, 5.0, 6.0, 7.0, 8.0, 9.0]
    config = {"mix": ["flat"] * 4 + ["two"] * 2 + ["three"] * 3}
    equal = found(make_table({"x": list(range(9))}, {"sft": outcome}, config), quick)["mix", "equal"]
    assert [level["value"] for level in equal["levels"]] == ["three"]
    assert equal["n_outcome_ties"] == 6


@pytest.mark.slow
def test_the_test_within_strata_keeps_its_level(make_table: MakeTable) -> None:
    rng = np.random.default_rng(1)
    select = Select(bootstraps=100, permutations=199)
    p = []
    for _ in range(120):
        lr = np.repeat([0.0, 5.0, 10.0], 6)
        x, y = lr + rng.normal(size=18), lr + rng.normal(size=18)  # related across strata only
        entries = found(make_table({"x": list(x)}, {"sft": list(y)}, {"lr": list(lr)}), select)
        p.append(entries["lr", "equal"]["indicators"]["x"]["p"])
    assert np.mean(np.array(p) <= 0.1) == pytest.approx(0.1, abs=0.07)


def test_a_cluster_in_two_strata_leaves_no_test(make_table: MakeTable, quick: Select) -> None:
    rng = np.random.default_rng(2)
    table = make_table({"x": list(rng.normal(size=16))}, {"sft": list(rng.normal(size=16))}, {"lr": [1.0, 2.0] * 8})
    case = case_of(measured(table), "sft")
    crossing = Terms(case.goodness, quick, clusters=np.arange(16) // 2)
    inside = Terms(case.goodness, quick, clusters=np.arange(16) % 8)
    p = [strata(case, ("x",), terms)[0]["indicators"]["x"]["p"] for terms in (crossing, inside)]
    assert np.isnan(p[0])
    assert np.isfinite(p[1])
