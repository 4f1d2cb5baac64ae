"""Parquet files: only the columns asked for, and errors that name the row."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ptp_core.data import parquet
from ptp_core.data.parquet import read_parquet
from ptp_core.errors import UserError


def file(tmp_path: Path, columns: dict[str, list[Any]], **options: Any) -> Path:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table(columns), path, **options)
    return path


def test_a_row_is_a_record_of_the_columns_asked_for(tmp_path: Path) -> None:
    path = file(tmp_path, {"text": ["a", "b"], "meta": [{"set": "x"}, None], "other": [1, 2]})
    assert list(read_parquet(path, ["text", "meta.set"])) == [
        (1, {"text": "a", "meta": {"set": "x"}}),
        (2, {"text": "b", "meta": None}),
    ]


def test_a_column_may_have_a_dot_in_its_name(tmp_path: Path) -> None:
    path = file(tmp_path, {"meta.text": ["a"], "meta": ["b"]})
    assert list(read_parquet(path, ["meta.text"])) == [(1, {"meta.text": "a"})]


def test_rows_are_counted_through_batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet, "BATCH_ROWS", 3)
    path = file(tmp_path, {"text": list("abcdefgh")}, row_group_size=4)
    assert [(number, record["text"]) for number, record in read_parquet(path, ["text"])] == list(
        enumerate("abcdefgh", start=1)
    )


def test_a_column_that_is_not_there_is_an_error_that_names_those_that_are(tmp_path: Path) -> None:
    path = file(tmp_path, {"body": ["a"], "id": [1]})
    with pytest.raises(UserError, match=r'a\.parquet: no column for "text"; the columns are: body, id'):
        list(read_parquet(path, ["text"]))


@pytest.mark.parametrize("content", [b"", b"plain text", b"PAR1 and no more"])
def test_what_is_not_parquet_is_said_not_to_be(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.parquet"
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"a\.parquet: this is not a parquet file; got "):
        list(read_parquet(path, ["text"]))


def test_damage_further_down_is_named_with_the_row_before_it(tmp_path: Path) -> None:
    path = file(tmp_path, {"text": [f"{i:050}" for i in range(4000)]}, row_group_size=1000, use_dictionary=False)
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 2000] = b"\xff" * 2000
    path.write_bytes(bytes(content))
    with pytest.raises(UserError, match=r"a\.parquet:\d+000: damaged after this row; got "):
        list(read_parquet(path, ["text"]))
