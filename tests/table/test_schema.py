"""The tidy table: what is accepted, what is refused, and that equal numbers make equal bytes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ptp_core.errors import UserError
from ptp_core.table.columns import COLUMNS, NAMES
from ptp_core.table.schema import from_rows, read_table, validate, write_table


def row(**changes: Any) -> dict[str, Any]:
    return {
        "variant": "a",
        "kind": "outcome",
        "name": "sft",
        "value": 1.5,
        "higher_is_better": True,
        "source": "x.csv:2",
    } | changes


def test_every_column_is_explained_and_absent_ones_are_filled() -> None:
    table = from_rows([row()])
    assert tuple(table.columns) == NAMES
    assert [str(dtype) for dtype in table.dtypes] == [column.dtype for column in COLUMNS]
    assert all(column.description for column in COLUMNS)


def test_an_empty_table_is_valid_and_survives_a_round_trip(tmp_path: Path) -> None:
    parquet, text = write_table(from_rows([]), tmp_path)
    pd.testing.assert_frame_equal(read_table(parquet), read_table(text))


def test_both_files_read_back_as_the_same_table(tmp_path: Path) -> None:
    rows = [
        row(variant="NA", value=0.1 + 0.2, seed=0, checkpoint_tokens=10**12, stderr=1e-9, n_items=3),
        row(variant="007", value=1e-300, seed=1, prompt_format='a "b", c', split="dev", family="CMS"),
        row(variant="ü,1", kind="config", name="lr", text="null", value=None, higher_is_better=None),
    ]
    table = from_rows(rows)
    for path in write_table(table, tmp_path):
        pd.testing.assert_frame_equal(read_table(path), table)


@given(order=st.permutations(range(6)))
@settings(max_examples=15, deadline=None)
def test_bytes_do_not_depend_on_the_order_of_rows(order: list[int], tmp_path_factory: pytest.TempPathFactory) -> None:
    rows = [row(variant=variant, seed=seed, value=float(seed)) for variant in "ab" for seed in range(3)]
    folder = tmp_path_factory.mktemp("t")
    before = [path.read_bytes() for path in write_table(from_rows(rows), folder)]
    after = [path.read_bytes() for path in write_table(from_rows([rows[i] for i in order]), folder)]
    assert before == after


def test_a_failed_write_leaves_the_old_files_and_no_debris(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_table(from_rows([row()]), tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    def full_disk(*_: Any, **__: Any) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(pd.DataFrame, "to_parquet", full_disk)
    with pytest.raises(OSError, match="no space"):
        write_table(from_rows([row(value=2.0)]), tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"kind": "metric"}, "config, indicator or outcome"),
        ({"value": float("nan")}, "expected a number"),
        ({"value": float("inf")}, "finite number"),
        ({"value": "high"}, "row 1 value: cannot be read; expected a finite number, got 'high'"),
        ({"variant": ""}, "expected a name"),
        ({"variant": 7}, "expected text, got 7"),
        ({"higher_is_better": None}, "true or false"),
        ({"higher_is_better": "maybe"}, "got 'maybe'"),
        ({"seed": 1.5}, "whole number"),
        ({"n_items": 0}, "an integer >= 1"),
        ({"stderr": -1.0}, "a number >= 0"),
        ({"text": "words"}, "expected nothing"),
        ({"kind": "config", "text": "words"}, "either a value or a text"),
        ({"valeu": 1.0}, 'did you mean "value"?'),
    ],
)
def test_a_row_that_breaks_a_rule_is_refused_in_words(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError) as refused:
        from_rows([row(**changes)])
    assert said in str(refused.value)


def test_the_same_number_twice_is_refused() -> None:
    with pytest.raises(UserError, match="one row per kind, name, variant"):
        from_rows([row(), row(value=2.0)])


def test_one_name_has_one_direction() -> None:
    with pytest.raises(UserError, match="one direction for all rows of a name"):
        from_rows([row(), row(variant="b", higher_is_better=False)])


def test_a_lacking_or_double_column_is_named() -> None:
    table = from_rows([row()])
    with pytest.raises(UserError, match="source: column is lacking"):
        validate(table.drop(columns="source"))
    with pytest.raises(UserError, match="value: column appears twice"):
        validate(pd.concat([table, table[["value"]]], axis=1))


def test_a_file_that_is_no_table_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="table not found"):
        read_table(tmp_path / "none.parquet")
    damaged = tmp_path / "measurements.parquet"
    damaged.write_bytes(b"PAR1 cut short")
    with pytest.raises(UserError, match="cannot be read as a table"):
        read_table(damaged)


STORED = f"fewshot/{'0a' * 32}"


@pytest.mark.parametrize(("name", "value"), [("quiz.f1", 62.5), ("kshot.margin", -1.2), ("quiz.acc@web", -0.1)])
def test_a_share_in_percent_is_refused_where_the_number_was_made_here(name: str, value: float) -> None:
    with pytest.raises(UserError, match="expected a number that its metric can have"):
        from_rows([row(name=name, value=value, source=STORED)])
    elsewhere = [row(name=name, value=value), row(name=name, value=value, source=STORED, digest="f" * 64, seed=1)]
    assert len(from_rows(elsewhere)) == 2


def test_a_digest_is_one() -> None:
    assert from_rows([row(digest="0f" * 32)])["digest"].iloc[0] == "0f" * 32
    with pytest.raises(UserError, match="64 hexadecimal digits"):
        from_rows([row(digest="0F" * 32)])


def test_a_packed_table_is_read(tmp_path: Path) -> None:
    table = from_rows([row()])
    table.to_csv(tmp_path / "t.csv.gz", index=False)
    pd.testing.assert_frame_equal(read_table(tmp_path / "t.csv.gz"), table)
