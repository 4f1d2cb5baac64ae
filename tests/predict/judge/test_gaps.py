"""Accuracy by how far two outcomes lie apart."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ptp_core.predict.case import case_of
from ptp_core.predict.judge.gaps import gaps
from ptp_core.predict.judge.terms import Terms
from ptp_core.predict.quantities import measured
from ptp_core.spec.select import Select

MakeTable = Callable[..., pd.DataFrame]


def found(table: pd.DataFrame, select: Select) -> list[dict[str, Any]]:
    data = measured(table)
    case = case_of(data, "sft")
    return gaps(case, tuple(data.indicators), Terms(case.goodness, select))


def test_every_judged_pair_is_in_one_fifth(make_table: MakeTable, quick: Select) -> None:
    rng = np.random.default_rng(0)
    y = [*rng.normal(size=28), 9.0, 9.0]
    entries = found(make_table({"x": list(rng.normal(size=30))}, {"sft": y}), quick)
    assert [entry["quintile"] for entry in entries] == [1, 2, 3, 4, 5]
    assert sum(entry["n_pairs"] for entry in entries) == 30 * 29 // 2 - 1
    assert max(entry["n_pairs"] for entry in entries) - min(entry["n_pairs"] for entry in entries) <= 2 + 2
    assert all(a["high"] < b["low"] for a, b in pairwise(entries))


def test_a_noisy_indicator_is_right_about_large_gaps_first(make_table: MakeTable, quick: Select) -> None:
    rng = np.random.default_rng(1)
    y = rng.normal(size=60)
    entries = found(make_table({"x": list(y + rng.normal(size=60))}, {"sft": list(y)}), quick)
    accuracies = [entry["indicators"]["x"]["accuracy"] for entry in entries]
    assert accuracies[0] == pytest.approx(0.57, abs=0.1)
    assert accuracies[4] > 0.9
    assert accuracies == sorted(accuracies)


def test_equal_differences_are_not_parted_by_rounding(make_table: MakeTable, quick: Select) -> None:
    y = [0.1 * i for i in range(11)]  # ten pairs differ by 0.1, give or take a bit of floating point
    entries = found(make_table({"x": y}, {"sft": y}), quick)
    differences = np.array([0.1 * round((b - a) * 10) for i, a in enumerate(y) for b in y[i + 1 :]])
    for entry in entries:
        inside = (differences > entry["low"] - 1e-6) & (differences < entry["high"] + 1e-6)
        assert entry["n_pairs"] == inside.sum()
    assert [entry["low"] for entry in entries] == pytest.approx([0.1, 0.3, 0.4, 0.5, 0.7], abs=0.11)


def test_two_outcomes_make_one_fifth_and_equal_ones_none(make_table: MakeTable, quick: Select) -> None:
    (entry,) = found(make_table({"x": list(range(8))}, {"sft": [0.0, 1.0] * 4}), quick)
    assert (entry["quintile"], entry["low"], entry["high"], entry["n_pairs"]) == (1, 1.0, 1.0, 16)
    assert found(make_table({"x": list(range(8))}, {"sft": [1.0] * 8}), quick) == []


def test_losses_as_outcomes_have_positive_differences(make_table: MakeTable, quick: Select) -> None:
    y = list(range(10))
    entries = found(make_table({"x": y}, {"sft": y}, lower_is_better=["sft"]), quick)
    assert entries[0]["low"] == 1.0
    assert {entry["indicators"]["x"]["accuracy"] for entry in entries} == {0.0}
