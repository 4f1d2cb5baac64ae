"""Variants and families that no model has seen."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ptp_core.predict.learn.held_out import leave_family_out, leave_one_out, places
from ptp_core.predict.quantities import Floats
from ptp_core.spec.select import Select
from tests.predict.learn.cases import make_case

SELECT = Select(bootstraps=200)


def easy(n: int, seed: int = 0) -> tuple[Floats, Floats]:
    """Two columns whose difference is the outcome."""
    columns = np.random.default_rng(seed).normal(size=(n, 2))
    return columns, columns[:, 0] - columns[:, 1]


def test_the_outcome_of_a_left_out_variant_does_not_reach_its_place() -> None:
    columns, outcome = easy(10)
    folds = [np.array([0]), np.array([1, 2])]
    place = places(columns, outcome, folds, 0)
    for held in folds:
        changed = outcome.copy()
        changed[held] = 1e6
        assert np.array_equal(places(columns, changed, folds, 0)[held], place[held])
    assert np.isnan(place[3:]).all()


def test_left_out_variants_are_placed_where_they_belong() -> None:
    columns, outcome = easy(30)
    block, place = leave_one_out(columns, outcome, SELECT)
    assert block["accuracy"] > 0.85
    assert block["ci95"][0] < block["accuracy"] < block["ci95"][1]
    assert (block["n_folds"], block["n_variants"]) == (30, 30)
    assert np.corrcoef(place, outcome)[0, 1] > 0.9


def test_the_places_do_not_depend_on_the_order_of_variants() -> None:
    columns, outcome = easy(12)
    order = np.random.default_rng(1).permutation(12)
    one, other = (leave_one_out(columns[i], outcome[i], SELECT) for i in (np.arange(12), order))
    assert np.array_equal(one[1][order], other[1])
    assert one[0]["accuracy"] == other[0]["accuracy"]


@pytest.mark.slow
def test_unrelated_columns_are_not_above_chance_though_models_remember_the_other_variant() -> None:
    rng = np.random.default_rng(5)
    found = [
        leave_one_out(rng.normal(size=(16, 3)), rng.normal(size=16), Select(bootstraps=100))[0]["accuracy"]
        for _ in range(12)
    ]
    assert 0.35 < np.mean(found) < 0.55


@pytest.mark.slow
def test_of_many_variants_twenty_folds_are_left_out() -> None:
    columns, outcome = easy(101)
    block, place = leave_one_out(columns, outcome, SELECT)
    assert block["n_folds"] == 20
    assert np.isfinite(place).all()
    assert block["accuracy"] > 0.9


def families(n: int = 24) -> dict[str, Any]:
    """Settings of three, of a number of two, of too many and of hardly any repeated values."""
    return {
        "numbers": {"lr": np.where(np.arange(n) % 2 == 0, 1e-4, 1e-3), "steps": np.arange(float(n))},
        "words": {"mix": ("a", "b", "c") * (n // 3), "tag": ("yes", "yes", "no", "no", *("",) * (n - 4))},
    }


def test_each_column_with_families_is_tried_and_no_other() -> None:
    outcome = np.random.default_rng(0).normal(size=24)
    case = make_case(outcome, {"i": outcome}, **families())
    blocks = leave_family_out(case, outcome[:, None], SELECT)
    assert [block["factor"] for block in blocks] == ["lr", "mix"]
    assert [(row["value"], row["n_variants"]) for row in blocks[0]["levels"]] == [("0.0001", 12), ("0.001", 12)]
    assert [row["value"] for row in blocks[1]["levels"]] == ["a", "b", "c"]
    assert all(block["accuracy"] > 0.8 and block["n_pairs"] == 276 for block in blocks)
    assert {row["n_pairs"] for row in blocks[1]["levels"]} == {28 + 8 * 16}


def test_what_holds_in_one_family_only_fails_in_the_other() -> None:
    rng = np.random.default_rng(2)
    indicator = rng.normal(size=24)
    family = np.arange(24) < 12
    case = make_case(np.where(family, indicator, -indicator), {"i": indicator}, words={"f": ("x",) * 12 + ("y",) * 12})
    (block,) = leave_family_out(case, indicator[:, None], SELECT)
    assert block["accuracy"] < 0.3


def test_a_column_of_too_many_fits_is_left_to_the_smaller_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    columns, outcome = easy(24)
    monkeypatch.setattr("ptp_core.predict.learn.held_out.MOST_FAMILY_FITS", 4)
    case = make_case(outcome, {"i": columns[:, 0]}, **families())
    assert [block["factor"] for block in leave_family_out(case, columns, SELECT)] == ["lr"]
