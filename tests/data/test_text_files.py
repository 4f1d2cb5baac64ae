"""Text files: what one document is, and which line it begins on."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ptp_core.data import text_files
from ptp_core.data.text_files import read_text
from ptp_core.errors import UserError

TEXT = "one\r\ntwo\n\n \nthree\n\n"


def file(tmp_path: Path, content: str | bytes) -> Path:
    path = tmp_path / "a.txt"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@pytest.mark.parametrize(
    ("split_by", "documents"),
    [
        ("document", [(1, TEXT)]),
        ("line", [(1, "one"), (2, "two"), (5, "three")]),
        ("paragraph", [(1, "one\r\ntwo"), (5, "three")]),
    ],
)
def test_a_document_is_the_file_a_line_or_a_paragraph(
    tmp_path: Path, split_by: str, documents: list[tuple[int, str]]
) -> None:
    assert list(read_text(file(tmp_path, TEXT), split_by)) == documents
    assert list(read_text(file(tmp_path, gzip.compress(TEXT.encode())), split_by)) == documents


@pytest.mark.parametrize("split_by", ["document", "line", "paragraph"])
@pytest.mark.parametrize("text", ["", "\n\n", "  \n\t"])
def test_a_blank_file_has_no_documents(tmp_path: Path, split_by: str, text: str) -> None:
    assert list(read_text(file(tmp_path, text), split_by)) == []


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(alphabet="ab \n", max_size=40))
def test_no_letter_is_lost_however_a_file_is_split(tmp_path: Path, text: str) -> None:
    path = file(tmp_path, text)
    for split_by in ("document", "line", "paragraph"):
        found = "".join(document for _, document in read_text(path, split_by))
        assert "".join(found.split()) == "".join(text.split())


def test_the_mark_that_editors_put_first_is_no_text(tmp_path: Path) -> None:
    assert list(read_text(file(tmp_path, b"\xef\xbb\xbfone\n"), "line")) == [(1, "one")]


def test_what_is_not_utf8_is_named_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"a\.txt:2: this is not text in UTF-8"):
        list(read_text(file(tmp_path, b"good\ncaf\xe9\n"), "document"))


def test_a_file_too_large_for_one_document_is_refused_but_may_be_split(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(text_files, "MAX_DOCUMENT_BYTES", 10)
    path = file(tmp_path, "a line\n" * 3)
    with pytest.raises(UserError, match=r"a\.txt:1: this document is too long; .*; set split_by"):
        list(read_text(path, "document"))
    assert len(list(read_text(path, "line"))) == 3
