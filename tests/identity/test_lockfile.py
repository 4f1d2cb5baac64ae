from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ptp_core.errors import UserError
from ptp_core.identity.lockfile import HEADER, lock_path, lock_text, read_lock

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
# YAML knows no character beyond the first plane written as two escapes, as JSON does, and no key of 1,024 or more.
YAML_TEXT = st.text(st.characters(exclude_categories=["Cs"], max_codepoint=0xD7FF), max_size=50)
NUMBERS = st.integers(-(2**63), 2**63) | st.floats(allow_nan=False, allow_infinity=False)


def values(text: st.SearchStrategy[str]) -> st.SearchStrategy[Any]:
    scalars = st.none() | st.booleans() | NUMBERS | text
    return st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(text, inner), max_leaves=8)


KEYS = st.sampled_from(["unit/pretrain/", "result/", "source/"]).flatmap(
    lambda room: TEXT.map(lambda name: room + name)
)
ENTRIES = st.dictionaries(KEYS | TEXT.filter(lambda key: key != "format"), values(TEXT), max_size=12)


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "study.lock"
    path.write_text(text, encoding="utf-8", newline="")
    return path


@given(entries=ENTRIES)
def test_text_reads_back_and_is_its_own_form(tmp_path_factory: pytest.TempPathFactory, entries: dict[str, Any]) -> None:
    text = lock_text(entries)
    found = read_lock(written(tmp_path_factory.mktemp("lock"), text))
    assert found == entries
    assert lock_text(found) == text


@given(entries=ENTRIES, seed=st.integers())
def test_the_order_of_keys_and_of_lines_does_not_matter(
    tmp_path_factory: pytest.TempPathFactory, entries: dict[str, Any], seed: int
) -> None:
    shuffled = list(entries.items())
    random.Random(seed).shuffle(shuffled)
    text = lock_text(dict(shuffled))
    assert text == lock_text(entries)
    lines = text.removeprefix(HEADER).split("\n")
    random.Random(seed).shuffle(lines)
    # A line that stands twice says nothing new: git's union of two branches may keep one twice.
    assert read_lock(written(tmp_path_factory.mktemp("lock"), "\n".join(lines + lines))) == entries


@given(entries=st.dictionaries(YAML_TEXT.map("unit/x/".__add__), values(YAML_TEXT), max_size=8))
def test_it_is_yaml_too(entries: dict[str, Any]) -> None:
    found = yaml.safe_load(lock_text(entries)) or {}
    assert list(found) == sorted(entries)


def test_a_lock_for_people() -> None:
    entries = {"unit/pretrain/a b": "f0", "code/pretrain": "c0", "format": 1, "source/x": {"resolved": 1, "asked": "ü"}}
    assert lock_text(entries).removeprefix(HEADER).splitlines() == [
        'code/pretrain: "c0"',
        "format: 1",
        'source/x: {"asked": "ü", "resolved": 1}',
        '"unit/pretrain/a b": "f0"',
    ]


def test_no_file_is_an_empty_lock(tmp_path: Path) -> None:
    assert read_lock(tmp_path / "none.lock") == {}


def test_lines_may_end_as_windows_ends_them(tmp_path: Path) -> None:
    assert read_lock(written(tmp_path, 'format: 1\r\n\r\n# note\r\nstudy: "a"\r\n')) == {"format": 1, "study": "a"}


def test_two_lines_that_contradict_each_other_are_both_named(tmp_path: Path) -> None:
    path = written(tmp_path, '# note\nunit/a/b: "1"\nstudy: "s"\nunit/a/b: "2"\nstudy: "s"\n')
    with pytest.raises(UserError) as caught:
        read_lock(path)
    assert str(caught.value) == (
        f"{path}:4 unit/a/b: lines 2 and 4 say different things of one entry; expected \"1\", got '2'; two branches "
        "changed it: run `ptp lock`, or remove the wrong line"
    )


@pytest.mark.parametrize(("one", "other"), [("1", "true"), ("1", "1.0"), ("[1]", "[true]")])
def test_values_that_only_python_takes_for_equal_contradict_each_other(tmp_path: Path, one: str, other: str) -> None:
    with pytest.raises(UserError, match="lines 1 and 2"):
        read_lock(written(tmp_path, f"a: {one}\na: {other}\n"))


@pytest.mark.parametrize("marker", ["<<<<<<< HEAD", "=======", ">>>>>>> other", "||||||| base"])
def test_marks_of_a_conflict_are_named(tmp_path: Path, marker: str) -> None:
    with pytest.raises(UserError, match=r"study\.lock:2: git left a conflict here"):
        read_lock(written(tmp_path, f"format: 1\n{marker}\n"))


@pytest.mark.parametrize(
    "line",
    ["word", "a:1", "a: ", "a: NaN", "a: -Infinity", "a: {", 'a: "b" c', '"a: 1', "ü: 1", " a: 1", '"a" 1', "a: 'b'"],
)
def test_what_is_no_entry_is_named_with_its_line(tmp_path: Path, line: str) -> None:
    with pytest.raises(UserError, match=r"study\.lock:2: this is no entry of a lock; expected key: JSON"):
        read_lock(written(tmp_path, f"format: 1\n{line}\n"))


def test_bytes_that_are_no_text_and_nesting_without_end_are_named(tmp_path: Path) -> None:
    path = tmp_path / "study.lock"
    path.write_bytes(b"format: 1\n\xff\n")
    with pytest.raises(UserError, match=r"study\.lock:2: cannot be read as UTF-8"):
        read_lock(path)
    with pytest.raises(UserError, match=r"study\.lock:1: this is no entry"):
        read_lock(written(tmp_path, "a: " + "[" * 100_000))
    with pytest.raises(UserError, match="cannot be read"):
        read_lock(tmp_path)


def test_the_lock_of_a_later_version_is_not_guessed_at(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="this lock is of another version; expected 1, got 2"):
        read_lock(written(tmp_path, "format: 2\n"))


def test_a_number_that_is_none_cannot_be_written() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        lock_text({"a": float("nan")})


def test_the_lock_lies_beside_its_spec_and_never_on_it() -> None:
    assert lock_path(Path("specs/demo.yaml")) == Path("specs/demo.lock")
    with pytest.raises(UserError, match="this is the name of a lock"):
        lock_path(Path("specs/demo.lock"))


@pytest.mark.parametrize("line", ['"a\\ud800": 1', 'study: "\\uDFFF"', "seeds/study: 1e999"])
def test_half_characters_and_infinity_are_no_entries(tmp_path: Path, line: str) -> None:
    with pytest.raises(UserError, match=r"study.lock:2: this is no entry of a lock; expected key: JSON"):
        read_lock(written(tmp_path, f"format: 1\n{line}\n"))
