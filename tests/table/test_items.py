"""The scores behind the table: they survive a round trip, are checked, and make the means they are said to make."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ptp_core.errors import UserError
from ptp_core.table import items as items_module
from ptp_core.table.columns import ITEM_COLUMNS
from ptp_core.table.items import check_against, read_items, write_items
from ptp_core.table.schema import from_rows

ODD = "ppl_sc(0.5,8).bits_per_byte@facts"


def item(**changes: Any) -> dict[str, Any]:
    return {
        "variant": "a",
        "kind": "outcome",
        "name": "quiz",
        "item": "q1",
        "score": 1.0,
        "source": "finetune/x",
    } | changes


def frame(*rows: dict[str, Any]) -> pd.DataFrame:
    return pd.DataFrame(list(rows))


def number(value: float, **changes: Any) -> dict[str, Any]:
    fixed = {"variant": "a", "kind": "outcome", "name": "quiz", "higher_is_better": True, "source": "s"}
    return fixed | {"value": value} | changes


def test_items_survive_a_round_trip_whatever_they_come_as(tmp_path: Path) -> None:
    first = frame(item(seed=0, checkpoint_tokens=10**12, logprob=-1.5, document="d"), item(item="ü\n,", seed=1))
    second = pa.Table.from_pylist([item(name=ODD, variant="NA", score=0.1 + 0.2)])
    path = write_items([first, second], tmp_path / "items.parquet")
    found = read_items(path)
    assert path.name == "items.parquet"
    assert list(found.columns) == [column.name for column in ITEM_COLUMNS]
    assert found["item"].tolist() == ["q1", "ü\n,", "q1"]
    assert found["score"].tolist() == [1.0, 1.0, 0.1 + 0.2]
    assert found["seed"].tolist()[:2] == [0, 1]
    assert found["variant"].dtype == "category"
    assert found["seed"].isna().tolist() == [False, False, True]
    assert found["document"].isna().tolist() == [False, True, True]
    write_items([found], tmp_path / "again" / "items.parquet")
    pd.testing.assert_frame_equal(read_items(tmp_path / "again" / "items.parquet"), found)


def test_only_the_names_asked_for_are_read(tmp_path: Path) -> None:
    path = write_items([frame(item(), item(name=ODD), item(name="other"))], tmp_path / "items.parquet")
    assert read_items(path, [ODD])["name"].tolist() == [ODD]
    assert read_items(path, []).empty


def test_no_items_are_an_empty_file_with_the_same_columns(tmp_path: Path) -> None:
    assert list(read_items(write_items([], tmp_path / "items.parquet")).columns) == [
        column.name for column in ITEM_COLUMNS
    ]


def test_many_small_batches_become_few_parts_and_large_ones_are_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(items_module, "ROW_GROUP", 100)
    small = (frame(*(item(item=f"{n}-{i}") for i in range(10))) for n in range(25))
    large = frame(*(item(item=f"x{i}") for i in range(250)))
    path = write_items([*small, large], tmp_path / "items.parquet")
    assert pq.ParquetFile(path).num_row_groups == 5
    assert len(read_items(path)) == 500


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"score": float("nan")}, "score"),
        ({"score": float("inf")}, "row 2 score of item 'q1': breaks a rule of the items; expected a finite number"),
        ({"logprob": float("-inf")}, "row 2 logprob"),
        ({"score": "high"}, "column score: cannot be read; expected numbers"),
        ({"seed": 1.5}, "column seed: cannot be read; expected whole numbers"),
        ({"variant": ""}, "row 2 variant: is missing; expected as in the table"),
        ({"item": None}, "row 2 item: is missing"),
        ({"item": 7}, "column item: cannot be read; expected text"),
        ({"kind": "config"}, "row 2 kind of item 'q1': breaks a rule of the items; expected indicator or outcome"),
        ({"scroe": 1.0}, 'unknown column; did you mean "score"?'),
        ({"seed": None}, "item 'q1' of 'quiz' for variant 'a': an item is there twice"),
    ],
)
def test_an_item_that_breaks_a_rule_is_refused_in_words_and_nothing_is_written(
    changes: dict[str, Any], said: str, tmp_path: Path
) -> None:
    batches = [frame(item(item="fine")), frame(item(), item(seed=None, variant="a") | changes)]
    with pytest.raises(UserError) as refused:
        write_items(batches, tmp_path / "items.parquet")
    assert said in str(refused.value)
    assert list(tmp_path.iterdir()) == []


def test_a_lacking_column_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="score: column is lacking"):
        write_items([frame(item()).drop(columns="score")], tmp_path / "items.parquet")


def test_an_interrupted_write_leaves_the_old_file(tmp_path: Path) -> None:
    path = write_items([frame(item())], tmp_path / "items.parquet")
    before = path.read_bytes()

    def batches() -> Iterator[pd.DataFrame]:
        yield frame(item(item="new"))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_items(batches(), tmp_path / "items.parquet")
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_is_no_table_of_items_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="items not found"):
        read_items(tmp_path / "none.parquet")
    damaged = write_items([frame(item())], tmp_path / "items.parquet")
    damaged.write_bytes(damaged.read_bytes()[:-20])
    with pytest.raises(UserError, match="damaged or not a Parquet file"):
        read_items(damaged)
    pq.write_table(pa.table({"variant": ["a"]}), damaged)
    with pytest.raises(UserError, match="kind: column is lacking"):
        read_items(damaged)


def test_means_that_agree_pass_as_frame_and_as_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(items_module, "ROW_GROUP", 64)  # so that a mean spans several parts
    scores = np.random.default_rng(0).normal(size=1000)
    rows = frame(*(item(item=str(i), score=s, seed=0, prompt_format="p") for i, s in enumerate(scores)))
    table = from_rows([number(float(np.mean(scores[::-1])), seed=0, prompt_format="p"), number(5.0, name="other")])
    check_against(table, rows)
    check_against(table, write_items([rows[:500], rows[500:]], tmp_path / "items.parquet"))
    check_against(table, read_items(tmp_path / "items.parquet"))


def test_a_mean_that_differs_is_named_with_both_numbers() -> None:
    rows = frame(item(seed=3, score=0.0), item(seed=3, item="q2"))
    with pytest.raises(UserError) as refused:
        check_against(from_rows([number(0.5 + 1e-8, seed=3)]), rows)
    assert str(refused.value).startswith(
        "kind 'outcome', name 'quiz', variant 'a', seed 3: the table's value is not the mean of its items; "
        "expected 0.5 (of 2 items), got 0.50000001"
    )


def test_items_of_another_run_are_refused() -> None:
    with pytest.raises(UserError, match="items of a number that the table does not have"):
        check_against(from_rows([number(1.0)]), frame(item(variant="b")))


def test_what_is_not_a_mean_is_not_compared() -> None:
    rows = frame(item(score=3.0))
    check_against(from_rows([number(20.0)]), rows, not_means=["quiz"])
    check_against(from_rows([number(20.0, split="test"), number(1.0, split="dev")]), rows)
