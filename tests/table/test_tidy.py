"""A tidy table is read as it is, or with its rows chosen and labelled anew."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from ptp_core.errors import UserError, Where
from ptp_core.spec.measurements import TidyMapping, TidyTable
from ptp_core.table.schema import from_rows
from ptp_core.table.tidy import read_tidy

SPEC = Where("specs/mine.yaml", 7)
NUMBERS = {"arc": 0.5, "arc.acc_norm": 0.4, "quiz": 0.3, "text.ppl": 9.0}

Read = Callable[..., pd.DataFrame]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Read a table of four indicators and one setting, under two prompts, through a mapping."""
    rows: list[dict[str, Any]] = [
        {"variant": f"v{i}", "kind": "indicator", "name": name, "prompt_format": f"{shots}-shot"}
        | {"value": value + i + shots, "higher_is_better": name != "text.ppl"}
        | {"source": f"run{i}.json:{name}", "digest": f"{i}" * 64}
        for i in range(4)
        for shots in (0, 5)
        for name, value in NUMBERS.items()
    ]
    rows += [{"variant": f"v{i}", "kind": "config", "name": "step", "value": i, "source": "s"} for i in range(4)]
    from_rows(rows).to_parquet(tmp_path / "t.parquet")
    from_rows(rows).to_csv(tmp_path / "t.csv", index=False)

    def through(path: str = "t.parquet", **mapping: Any) -> pd.DataFrame:
        return read_tidy(TidyTable(path=path, tidy=TidyMapping(**mapping)), tmp_path, SPEC)

    return through


def refused(read: Read, **mapping: Any) -> str:
    with pytest.raises(UserError) as error:
        read(**mapping)
    return str(error.value)


def kinds(table: pd.DataFrame) -> dict[str, str]:
    return dict(zip(table["name"], table["kind"], strict=True))


def test_without_lists_every_row_is_what_it_says(read: Read) -> None:
    table = read()
    assert kinds(table) == dict.fromkeys(NUMBERS, "indicator") | {"step": "config"}
    pd.testing.assert_frame_equal(read("t.csv"), table)


def test_names_are_chosen_and_labelled_and_keep_value_source_and_digest(read: Read) -> None:
    table = read(indicators=("arc", "text.*"), outcomes=("quiz",))
    assert kinds(table) == {"step": "config", "arc": "indicator", "text.ppl": "indicator", "quiz": "outcome"}
    row = table[(table["name"] == "quiz") & (table["variant"] == "v2")].iloc[0]
    assert row[["value", "source", "digest"]].tolist() == [2.3, "run2.json:quiz", "2" * 64]


def test_a_kind_without_a_list_keeps_the_other_rows(read: Read) -> None:
    assert kinds(read(outcomes=("quiz",), config=())) == dict.fromkeys(NUMBERS, "indicator") | {"quiz": "outcome"}


@pytest.mark.parametrize("outcome", ["arc", "arc.acc_norm"])
def test_an_outcome_is_not_foretold_by_another_quantity_of_itself(read: Read, outcome: str) -> None:
    assert kinds(read(outcomes=(outcome,), config=())) == {
        outcome: "outcome",
        "quiz": "indicator",
        "text.ppl": "indicator",
    }
    both = kinds(read(outcomes=("arc",), indicators=("arc.acc_norm",), config=()))
    assert both == {"arc": "outcome", "arc.acc_norm": "indicator"}, "unless it is asked for by name"


def test_a_number_may_become_a_setting(read: Read) -> None:
    table = read(config=("text.ppl",), only={"prompt_format": "0-shot"})
    assert kinds(table)["text.ppl"] == "config"


def test_only_some_rows_are_read_and_settings_stay(read: Read) -> None:
    table = read(only={"prompt_format": "5-shot"})
    assert set(table["prompt_format"].dropna()) == {"5-shot"}
    assert (table["kind"] == "config").sum() == 4
    assert set(read(only={"variant": ("v1", "v2")})["variant"]) == {"v1", "v2"}


@pytest.mark.parametrize(
    ("mapping", "said"),
    [
        ({"outcomes": ("quizz",)}, 'tidy: no such outcome in the table; got \'quizz\'; did you mean "quiz"?'),
        ({"outcomes": ("rouge*",)}, "tidy: no such outcome in the table; got 'rouge*'; known: arc, arc.acc_norm"),
        ({"outcomes": ("arc*",), "indicators": ("arc",)}, "tidy: this name is chosen twice; got 'arc'; keep one"),
        ({"only": {"promt_format": "x"}}, "tidy.only: no such column; got 'promt_format'; did you mean"),
        ({"only": {"prompt_format": "3-shot"}}, "tidy.only.prompt_format: no row is left; got '3-shot'"),
        ({"outcomes": ("step",)}, "higher_is_better of 'step' for variant 'v0': row"),
        ({"path": "none.parquet"}, "measurements.path: table not found; got"),
    ],
)  # fmt: skip
def test_a_mapping_that_does_not_fit_is_refused(read: Read, mapping: dict[str, Any], said: str) -> None:
    assert said in refused(read, **mapping)
