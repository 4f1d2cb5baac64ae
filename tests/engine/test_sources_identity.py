"""What decides the identity of tokenizer and shards: contents and what is asked of them, never names of files."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ptp_core.engine.graph import build
from ptp_core.identity.digests import file_digest
from ptp_core.spec.load import load_study
from tests.data.test_pretrained_tokenizer import make_foreign
from tests.engine.good_study import edit

COMMIT = "0123456789abcdef0123456789abcdef01234567"
HUB = "hub: owner/name, revision: v1"


def ids(folder: Path) -> dict[str, str]:
    """Unit → fingerprint, of the tokenizer and the shards."""
    graph = build(load_study(folder / "study.yaml"), file_digest)
    return {
        job.label: job.units[0].fingerprint for job in graph.jobs if job.stage in ("tokenizer", "shards")
    }  # fmt: skip


def changed(folder: Path, *changes: Callable[[Path], object]) -> set[str]:
    """The units whose identity the changes change."""
    before = ids(folder)
    for change in changes:
        change(folder)
    after = ids(folder)
    assert before.keys() == after.keys()
    return {name for name in before if before[name] != after[name]}


def source(options: str, place: str = "path: news.jsonl") -> Callable[[Path], object]:
    return edit("study.yaml", "{name: news, path: news.jsonl}", f"{{name: news, {place}{options}}}")


ALL = {"tokenizer", "news", "code"}


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (", split: train", set()),
        (", format: json_lines", set()),
        (", only: {}", set()),
        (", length_quantile: [0, 50]", set()),
        (", tag: true", set()),
        (", only: {set: a}", ALL),
        (", text_field: body", ALL),
        (", max_documents: 1", ALL),
        # It changes the domain's shards alone: the tokenizer is made before anything is counted in tokens.
        (", max_tokens: 1M", {"news"}),
    ],
)
def test_an_option_of_a_source_counts_where_it_matters(folder: Path, options: str, expected: set[str]) -> None:
    assert changed(folder, source(options)) == expected


def test_a_file_may_be_renamed_as_long_as_it_means_the_same(folder: Path) -> None:
    shutil.copy(folder / "news.jsonl", folder / "other.json")
    assert changed(folder, source("", "path: other.json")) == set()


def test_the_same_bytes_as_a_text_are_something_else(folder: Path) -> None:
    shutil.copy(folder / "news.jsonl", folder / "news.txt")
    assert changed(folder, source("", "path: news.txt")) == ALL


def test_the_content_of_a_parquet_file_counts(folder: Path) -> None:
    pq.write_table(pa.table({"text": ["one"]}), folder / "a.parquet")
    source("", "path: a.parquet")(folder)
    change = pa.table({"text": ["two"]})
    assert changed(folder, lambda folder: pq.write_table(change, folder / "a.parquet")) == ALL


@pytest.mark.parametrize(
    "new", ["hub: owner/other, revision: v1", "hub: owner/name, revision: v2", f"{HUB}, config: en", f"{HUB}, split: x"]
)
def test_a_hub_data_set_is_its_id_revision_configuration_and_split(folder: Path, new: str) -> None:
    source("", HUB)(folder)
    assert changed(folder, edit("study.yaml", HUB, new)) == ALL


def test_a_hub_data_set_has_no_files(folder: Path) -> None:
    source("", HUB)(folder)
    graph = build(load_study(folder / "study.yaml"), file_digest)
    shards = next(job.units[0] for job in graph.jobs if job.label == "news")
    assert dict(shards.inputs) == {}
    assert shards.settings.model_dump()["hub"] == "owner/name"


class TestAnExistingTokenizer:
    @pytest.fixture(autouse=True)
    def _brought(self, folder: Path) -> None:
        make_foreign(folder / "neox")
        line = "data:\n  tokenizer: {path: neox, vocabulary: 600}\n"
        edit("study.yaml", "data:\n", line)(folder)

    def test_counts_by_the_content_of_its_two_files(self, folder: Path) -> None:
        def move(folder: Path) -> None:
            shutil.move(folder / "neox", folder / "moved")

        assert changed(folder, move, edit("study.yaml", "path: neox", "path: moved")) == set()
        config = folder / "moved" / "tokenizer_config.json"
        assert changed(folder, lambda _: config.write_text(config.read_text() + " ")) == ALL

    def test_does_not_depend_on_the_text(self, folder: Path) -> None:
        assert changed(folder, source(", max_documents: 1")) == {"news"}

    def test_from_the_hub_counts_by_id_and_revision(self, folder: Path) -> None:
        hub = "pretrained: a/b, revision: v1"
        assert changed(folder, edit("study.yaml", "path: neox", hub)) == ALL
        assert changed(folder, edit("study.yaml", "revision: v1", "revision: v2")) == ALL
