"""Which of two columns is the more accurate one, on the same variants."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ptp_core.predict.case import case_of
from ptp_core.predict.judge.claims import Claims
from ptp_core.predict.judge.differences import MOST
from ptp_core.predict.judge.judging import judge
from ptp_core.predict.quantities import measured
from ptp_core.spec.select import Select

MakeTable = Callable[..., pd.DataFrame]


def found(table: pd.DataFrame, select: Select, *names: str) -> list[dict[str, Any]]:
    block = judge(case_of(measured(table), "sft"), select, Claims(("sft",), names), {})
    return list(block["differences"])


def test_the_better_column_comes_first_and_the_best_setting_is_among_them(make_table: MakeTable, quick: Select) -> None:
    rng = np.random.default_rng(0)
    y = rng.normal(size=40)
    columns = {"good": list(y + 0.3 * rng.normal(size=40)), "noise": list(rng.normal(size=40))}
    config = {"lr": list(y + rng.normal(size=40)), "seed": list(rng.normal(size=40))}
    entries = found(make_table(columns, {"sft": list(y)}, config), quick, "noise", "good")
    assert [(entry["a"], entry["b"]) for entry in entries] == [("good", "lr"), ("good", "noise"), ("lr", "noise")]
    single = judge(case_of(measured(make_table(columns, {"sft": list(y)}, config)), "sft"), quick, Claims((), ()), {})
    accuracies = {
        name: block["accuracy"] for part in ("indicators", "configuration") for name, block in single[part].items()
    }
    for entry in entries:
        assert entry["difference"] == pytest.approx(accuracies[entry["a"]] - accuracies[entry["b"]])
        assert entry["ci95"][0] <= entry["difference"] <= entry["ci95"][1]
    assert entries[1]["p"] < 0.05
    assert entries[1]["ci95"][0] > 0


def test_the_most_accurate_eight_are_compared(make_table: MakeTable, quick: Select) -> None:
    rng = np.random.default_rng(1)
    y = rng.normal(size=20)
    columns = {f"x{i}": list(y + i * rng.normal(size=20)) for i in range(12)}
    entries = found(make_table(columns, {"sft": list(y)}), quick, *columns)
    assert len(entries) == MOST * (MOST - 1) // 2
    assert entries[0]["a"] == "x0"


def test_all_are_compared_on_the_variants_that_have_them_all(make_table: MakeTable, quick: Select) -> None:
    y = np.arange(20.0)
    wrong_later = [float(-v) if i < 6 else float(v) for i, v in enumerate(y)]
    holes: list[float | None] = [None if i < 6 else float(v) for i, v in enumerate(y)]
    rare: list[float | None] = [float(v) if i < 6 else None for i, v in enumerate(y)]
    table = make_table({"wrong_later": wrong_later, "holes": holes, "rare": rare}, {"sft": list(y)})
    (entry,) = found(table, quick, "wrong_later", "holes", "rare")
    assert {entry["a"], entry["b"]} == {"wrong_later", "holes"}  # few variants have the third
    assert entry["difference"] == 0.0  # on the fourteen that have both, both are right


def test_nothing_is_compared_with_nothing(make_table: MakeTable, quick: Select) -> None:
    table = make_table({"x": list(range(8))}, {"sft": list(range(8))})
    assert found(table, quick, "x") == []
    assert found(table, quick) == []
    tied = make_table({"x": list(range(8)), "z": list(range(8))}, {"sft": [1.0] * 8})
    assert found(tied, quick, "x", "z") == []
