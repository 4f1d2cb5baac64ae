"""One way to read documents, whatever the source."""

from __future__ import annotations

import gzip
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ptp_core.data.sources import common_format, documents, format_by_name, matches, text_of, value_of
from ptp_core.errors import UserError, Where
from ptp_core.spec.data import Reading, ShardSettings
from tests.tiny import write_lines

RECORDS = [
    {"text": "one", "meta": {"set": "a", "n": 1}},
    {"text": "two", "meta": {"set": "b", "n": 1}},
    {"text": "  ", "meta": {"set": "a", "n": 2}},
    {"text": "three", "meta": {"set": "a", "n": 2}},
]
SPEC = Where("study.yaml", 5)


@pytest.fixture
def places(tmp_path: Path) -> dict[str, tuple[Reading, list[Path]]]:
    """The same records as JSON lines, as parquet, and as a data set."""
    (tmp_path / "hub").mkdir()
    table = pa.Table.from_pylist(RECORDS)
    for name in ("a.parquet", "hub/train.parquet"):
        pq.write_table(table, tmp_path / name)
    return {
        "json_lines": (Reading(), [write_lines(tmp_path / "a.jsonl", RECORDS)]),
        "parquet": (Reading(), [tmp_path / "a.parquet"]),
        "hub": (Reading(hub=str(tmp_path / "hub"), revision="v1"), []),
    }


def read(place: tuple[Reading, list[Path]], **options: Any) -> tuple[list[str], Counter[str]]:
    dropped: Counter[str] = Counter()
    reading = place[0].model_copy(update=options)
    return [document.text for document in documents(reading, place[1], dropped)], dropped


@pytest.mark.parametrize("kind", ["json_lines", "parquet", "hub"])
class TestEverySource:
    def test_gives_its_documents_in_order_and_counts_blank_ones(self, places: Any, kind: str) -> None:
        assert read(places[kind]) == (["one", "two", "three"], Counter(blank=1))

    def test_keeps_the_records_asked_for_and_counts_the_others(self, places: Any, kind: str) -> None:
        assert read(places[kind], only={"meta.set": "a"}) == (["one", "three"], Counter(filtered=1, blank=1))
        assert read(places[kind], only={"meta.set": "a", "meta.n": 2})[0] == ["three"]

    def test_ends_after_so_many_documents(self, places: Any, kind: str) -> None:
        assert read(places[kind], max_documents=2)[0] == ["one", "two"]
        assert read(places[kind], max_documents=1, only={"meta.set": "b"})[0] == ["two"]

    def test_reads_the_field_asked_for(self, places: Any, kind: str) -> None:
        assert read(places[kind], text_field="meta.set")[0] == ["a", "b", "a", "a"]

    def test_says_where_a_text_is_missing(self, places: Any, kind: str) -> None:
        with pytest.raises(UserError, match=r":1: no text under \"meta.n\"; got 1"):
            read(places[kind], text_field="meta.n")


def test_several_files_are_read_one_after_the_other_with_their_own_lines(tmp_path: Path) -> None:
    files = [write_lines(tmp_path / f"{name}.jsonl", [{"text": name}]) for name in "ab"]
    found = list(documents(Reading(), files, Counter()))
    assert [(d.where, d.text) for d in found] == [(Where(files[0], 1), "a"), (Where(files[1], 1), "b")]


def test_text_files_are_split_as_asked(tmp_path: Path) -> None:
    path = tmp_path / "a.txt.gz"
    path.write_bytes(gzip.compress(b"one\ntwo\n"))
    assert read((Reading(), [path]))[0] == ["one\ntwo\n"]
    assert read((Reading(split_by="line"), [path]))[0] == ["one", "two"]


@pytest.mark.parametrize(
    ("name", "format"),
    [
        ("a.jsonl", "json_lines"), ("a.json.gz", "json_lines"), ("a", "json_lines"), ("a.jsonl.zst", "json_lines"),
        ("a.parquet", "parquet"), ("A.TXT", "text"), ("a.txt.zst", "text"), ("notes.md.gz", "text"),
    ],
)  # fmt: skip
def test_a_name_tells_the_format(name: str, format: str) -> None:
    assert format_by_name(Path(name)) == format


class TestTheFormatOfASource:
    def test_is_that_of_all_its_files(self) -> None:
        assert common_format(Reading(), [Path("a.txt"), Path("b.txt.gz")], SPEC, "path") == "text"

    def test_can_be_set(self) -> None:
        assert common_format(Reading(format="text"), [Path("a.tex"), Path("b.jsonl")], SPEC, "path") == "text"

    @pytest.mark.parametrize(
        ("reading", "names", "message"),
        [
            (Reading(), ["a.txt", "b.jsonl"], "several formats; got 'json_lines, text'; set format"),
            (Reading(only={"a": 1}), ["a.txt"], "text files have no fields"),
            (Reading(text_field="body"), ["a.txt"], "text files have no fields"),
            (Reading(split_by="line"), ["a.jsonl"], "only text files are split; got 'json_lines'"),
        ],
    )
    def test_must_go_with_what_is_asked(self, reading: Reading, names: list[str], message: str) -> None:
        with pytest.raises(UserError, match=rf"^study\.yaml:5 path: .*{message}"):
            common_format(reading, [Path(name) for name in names], SPEC, "path")


class TestFields:
    def test_dots_go_down_unless_a_key_is_spelled_so(self) -> None:
        assert value_of({"a": {"b": {"c": 1}}}, "a.b.c") == 1
        assert value_of({"a.b": 1, "a": {"b": 2}}, "a.b") == 1
        assert value_of({"a": "text"}, "a.b") is None

    def test_a_number_is_no_truth_value(self) -> None:
        assert matches({"a": 1}, {"a": 1.0})
        assert not matches({"a": 1}, {"a": True})
        assert not matches({}, {"a": "x"})

    def test_a_missing_text_is_told_with_the_fields_there_are(self) -> None:
        message = r'^a:3: no text under "text"; set text_field; this record has: id, meta\.body'
        with pytest.raises(UserError, match=message):
            text_of({"meta": {"body": "words"}, "id": 1}, "text", Where("a", 3))

    def test_what_is_not_text_is_refused(self) -> None:
        with pytest.raises(UserError, match='a:3: no text under "text"; got 5'):
            text_of({"text": 5}, "text", Where("a", 3))


def test_the_settings_of_shards_are_a_way_of_reading(tmp_path: Path) -> None:
    settings = ShardSettings(domain="a", only={"meta.set": "b"})
    assert read((settings, [write_lines(tmp_path / "a.jsonl", RECORDS)]))[0] == ["two"]
