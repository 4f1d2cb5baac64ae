"""Reading JSON lines: what is accepted, and where the fault is in what is not."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from ptp_core.data import lines
from ptp_core.data.json_lines import matching_files, read_json_lines
from ptp_core.errors import UserError, Where

SPEC = Where("study.yaml", 7)


def file(tmp_path: Path, content: bytes, name: str = "a.jsonl") -> Path:
    path = tmp_path / name
    path.write_bytes(content)
    return path


def test_plain_and_gzipped_files_read_the_same_whatever_their_names(tmp_path: Path) -> None:
    content = b'{"text": "one"}\n{"text": "two"}\n'
    expected = [(1, {"text": "one"}), (2, {"text": "two"})]
    files = [
        file(tmp_path, content),
        file(tmp_path, gzip.compress(content), "b.jsonl.gz"),
        file(tmp_path, content, "unpacked.jsonl.gz"),
        file(tmp_path, gzip.compress(content[:16]) + gzip.compress(content[16:]), "two members.gz"),
    ]
    assert [list(read_json_lines(path)) for path in files] == [expected] * 4


def test_blank_lines_count_but_give_nothing_and_the_last_line_needs_no_end(tmp_path: Path) -> None:
    path = file(tmp_path, b'\n{"a": 1}\r\n  \n\n{"a": 2}')
    assert list(read_json_lines(path)) == [(2, {"a": 1}), (5, {"a": 2})]


def test_an_empty_file_has_no_lines(tmp_path: Path) -> None:
    assert list(read_json_lines(file(tmp_path, b""))) == []


def test_only_a_line_feed_ends_a_line(tmp_path: Path) -> None:
    text = "a\u2028b\u0085c\x0bd\re"
    path = file(tmp_path, json.dumps({"text": text}, ensure_ascii=False).encode() + b"\n")
    assert [record["text"] for _, record in read_json_lines(path)] == [text]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b"{'text': 1}", "not JSON lines; expected one JSON object a line"),
        (b'{"text": "cut', "not JSON lines"),
        (b'["a list"]', r"not JSON lines; expected one JSON object a line, got \['a list'\]"),
        (b'"text"', "not JSON lines"),
        (b'{"text": "caf\xe9"}', "'utf-8' codec can't decode byte 0xe9"),
        (b'{"text": "\\ud83d"}', "surrogates not allowed"),
        (b"[" * 100_000, "not JSON lines"),
        (b"\xff\xfe{\x00}\x00", "'utf-8' codec can't decode"),
    ],
    ids=["not JSON", "cut short", "a list", "a text", "Latin-1", "half a pair", "too deep", "UTF-16"],
)
def test_a_bad_line_is_named(tmp_path: Path, line: bytes, message: str) -> None:
    path = file(tmp_path, b'{"text": "good"}\n\n' + line + b"\n")
    with pytest.raises(UserError, match=message) as caught:
        list(read_json_lines(path))
    assert str(caught.value).startswith(f"{path}:3: ")


def test_a_whole_surrogate_pair_is_a_character(tmp_path: Path) -> None:
    path = file(tmp_path, b'{"text": "\\ud83d\\ude00"}')
    assert list(read_json_lines(path)) == [(1, {"text": "😀"})]


def test_what_comes_before_a_bad_line_is_read(tmp_path: Path) -> None:
    found = read_json_lines(file(tmp_path, b'{"a": 1}\nbad\n'))
    assert next(found) == (1, {"a": 1})
    with pytest.raises(UserError, match=r"a\.jsonl:2: "):
        next(found)


@pytest.mark.parametrize("damage", ["cut", "flipped"])
def test_damaged_gzip_is_said_to_be_damaged(tmp_path: Path, damage: str) -> None:
    packed = bytearray(gzip.compress(b"".join(b'{"n": %d}\n' % (i * 7919 % 1000) for i in range(3000))))
    if damage == "cut":
        del packed[len(packed) // 2 :]
    else:
        packed[len(packed) // 2] ^= 0xFF
    with pytest.raises(UserError) as caught:
        list(read_json_lines(file(tmp_path, bytes(packed), "a.jsonl.gz")))
    # A flipped bit may be noticed by the decompressor or, before it, as a line that is no JSON.
    assert "a.jsonl.gz:" in str(caught.value)
    assert damage == "flipped" or "the compressed file is damaged or cut short" in str(caught.value)


def test_a_file_that_is_missing_or_a_folder_cannot_be_read(tmp_path: Path) -> None:
    for path in (tmp_path / "none.jsonl", tmp_path):
        with pytest.raises(UserError, match="cannot be read"):
            list(read_json_lines(path))


def test_a_line_as_long_as_allowed_is_read_and_a_longer_one_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lines, "MAX_LINE_BYTES", 32)
    fitting = b'{"text": "' + b"x" * 19 + b'"}\n'
    assert len(fitting) == 32
    assert len(list(read_json_lines(file(tmp_path, fitting * 3)))) == 3
    with pytest.raises(UserError, match=r"a\.jsonl:2: this line is too long; expected at most 32 bytes"):
        list(read_json_lines(file(tmp_path, fitting + fitting.replace(b"x", b"xx") + fitting)))


def test_a_megabyte_in_one_line_is_no_trouble(tmp_path: Path) -> None:
    path = file(tmp_path, json.dumps({"text": "word " * 300_000}).encode())
    assert len(next(read_json_lines(path))[1]["text"]) == 1_500_000


class TestGlobs:
    def test_files_come_sorted_and_folders_are_left_out(self, tmp_path: Path) -> None:
        for name in ("b.jsonl", "a.jsonl", "c.txt"):
            file(tmp_path, b"", name)
        (tmp_path / "d.jsonl").mkdir()
        assert [p.name for p in matching_files(tmp_path / "*.jsonl", SPEC, "path")] == ["a.jsonl", "b.jsonl"]

    def test_two_stars_go_down(self, tmp_path: Path) -> None:
        (tmp_path / "deep" / "er").mkdir(parents=True)
        file(tmp_path / "deep" / "er", b"")
        assert [p.name for p in matching_files(tmp_path / "**" / "*.jsonl", SPEC, "path")] == ["a.jsonl"]

    def test_a_name_with_brackets_is_meant_literally(self, tmp_path: Path) -> None:
        path = file(tmp_path, b"", "part[1].jsonl")
        assert matching_files(path, SPEC, "path") == [path]

    def test_nothing_found_is_an_error_at_the_line_of_the_spec(self, tmp_path: Path) -> None:
        with pytest.raises(UserError, match=r"^study.yaml:7 data.path: no such file; got .*; check the path"):
            matching_files(tmp_path / "*.jsonl", SPEC, "data.path")
