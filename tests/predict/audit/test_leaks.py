"""Indicators scored on the items of an outcome are named if the table can tell."""

from __future__ import annotations

import pandas as pd
import pytest

from ptp_core.predict.audit.finding import Finding
from ptp_core.predict.audit.leaks import shared_items
from ptp_core.predict.quantities import measured
from ptp_core.table.schema import from_rows


def found(indicator: dict[str, object], outcome: dict[str, object]) -> list[Finding]:
    rows = [
        {"variant": f"v{i}", "value": float(i), "higher_is_better": True, "source": "a"} | own
        for own in ({"kind": "indicator"} | indicator, {"kind": "outcome"} | outcome)
        for i in range(4)
    ]
    table: pd.DataFrame = from_rows(rows)
    return shared_items(table, measured(table))


@pytest.mark.parametrize("indicator", ["kshot_boolq", "boolq", "tuned_boolq"])
def test_the_same_split_of_the_same_task_is_shared(indicator: str) -> None:
    (finding,) = found({"name": indicator, "split": "test"}, {"name": "boolq", "split": "test"})
    assert (finding.severity, finding.indicators, finding.outcomes) == ("warning", (indicator,), ("boolq",))
    assert "both scored on the split test" in finding.sentence


def test_another_split_or_another_task_is_not() -> None:
    assert found({"name": "kshot_boolq", "split": "train"}, {"name": "boolq", "split": "test"}) == []
    assert found({"name": "kshot_piqa", "split": "test"}, {"name": "boolq", "split": "test"}) == []
    assert found({"name": "arc_easy", "split": "test"}, {"name": "easy", "split": "test"}) == []


def test_as_many_items_are_taken_for_the_same_where_no_split_is_named() -> None:
    same = found({"name": "kshot_boolq", "n_items": 3270}, {"name": "sft_boolq", "n_items": 3270})
    assert "3270 items each, probably the same" in same[0].sentence
    assert found({"name": "kshot_boolq", "n_items": 500}, {"name": "sft_boolq", "n_items": 3270}) == []
    known = {"name": "kshot_boolq", "n_items": 500, "split": "train"}
    assert found(known, {"name": "boolq", "n_items": 500, "split": "test"}) == []


def test_a_table_that_says_nothing_of_items_is_not_accused() -> None:
    assert found({"name": "kshot_boolq"}, {"name": "boolq"}) == []
