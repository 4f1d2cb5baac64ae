"""Data sets through ``datasets``, streamed for real: from a folder laid out as the hub lays them out."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ptp_core.data.hub import read_hub
from ptp_core.errors import UserError

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def dataset(tmp_path: Path) -> str:
    data = tmp_path / "dataset" / "data"
    data.mkdir(parents=True)
    for part, rows in enumerate(([0, 1, 2], [3, 4])):
        columns = {"text": [f"text {i}" for i in rows], "meta": [{"set": "ab"[i % 2]} for i in rows]}
        pq.write_table(pa.table(columns), data / f"train-{part:05}-of-00002.parquet")
    pq.write_table(pa.table({"text": ["held"], "meta": [{"set": "a"}]}), data / "test-00000-of-00001.parquet")
    return str(tmp_path / "dataset")


def test_records_come_in_order_with_their_rows(dataset: str) -> None:
    found = list(read_hub(dataset, COMMIT, None, "train"))
    assert [row for row, _ in found] == [1, 2, 3, 4, 5]
    assert found[3] == (4, {"text": "text 3", "meta": {"set": "b"}})
    assert [record["text"] for _, record in read_hub(dataset, COMMIT, None, "test")] == ["held"]


def test_a_stream_may_be_left_early(dataset: str) -> None:
    assert next(read_hub(dataset, COMMIT, None, "train"))[0] == 1


@pytest.mark.parametrize(
    ("config", "split", "message"),
    [(None, "validation", "Bad split: validation"), ("other", "train", "BuilderConfig 'other' not found")],
)
def test_a_split_or_configuration_that_is_not_there_is_named(
    dataset: str, config: str | None, split: str, message: str
) -> None:
    with pytest.raises(UserError, match=f"this hub data set cannot be read; got .*{message}.*; check id, revision"):
        list(read_hub(dataset, COMMIT, config, split))


def test_a_stream_that_breaks_off_is_named_with_its_row(tmp_path: Path) -> None:
    folder = tmp_path / "dataset"
    folder.mkdir()
    (folder / "train.jsonl").write_text(json.dumps({"text": "a"}) + "\n")
    (folder / "train-2.jsonl").write_text('{"text": "cut')
    with pytest.raises(UserError, match=rf"dataset@{COMMIT}.*: (this hub data set cannot|the stream of this hub)"):
        list(read_hub(str(folder), COMMIT, None, "train"))


def test_without_the_way_to_a_hub_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    message = f"^nobody/nothing@{COMMIT}: this hub data set cannot be read; got .*; HF_HUB_OFFLINE is set: unset it"
    with pytest.raises(UserError, match=message):
        list(read_hub("nobody/nothing", COMMIT, None, "train"))
