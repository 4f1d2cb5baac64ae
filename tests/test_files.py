from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from ptp_core.errors import UserError
from ptp_core.files import disk_full_is_said, pretty_json, write_atomically, write_if_changed


@pytest.fixture
def umask() -> Iterator[None]:
    before = os.umask(0o027)
    yield
    os.umask(before)


def test_text_and_bytes_are_written_with_the_folders_they_need(tmp_path: Path) -> None:
    write_atomically(tmp_path / "a" / "b" / "c.txt", "é\n")
    write_atomically(tmp_path / "a" / "d.bin", b"\0")
    assert (tmp_path / "a" / "b" / "c.txt").read_bytes() == "é\n".encode()
    assert (tmp_path / "a" / "d.bin").read_bytes() == b"\0"


@pytest.mark.usefixtures("umask")
def test_a_file_is_as_readable_as_the_user_wants_files_to_be(tmp_path: Path) -> None:
    write_atomically(tmp_path / "a", "x")
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("step", ["fsync", "replace", "encode"])
def test_a_failure_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    path = tmp_path / "a"
    path.write_text("old")

    def fail(*_: object) -> None:
        raise OSError("no space left")

    if step == "fsync":
        monkeypatch.setattr(os, "fsync", fail)
    elif step == "replace":
        monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises((OSError, UnicodeEncodeError)):
        write_atomically(path, "\ud800" if step == "encode" else "new")
    assert [(p.name, p.read_text()) for p in tmp_path.iterdir()] == [("a", "old")]


def test_a_reader_with_the_old_file_open_keeps_it_whole(tmp_path: Path) -> None:
    path = tmp_path / "a"
    write_atomically(path, "old")
    with path.open() as stream:
        write_atomically(path, "new and longer")
        assert stream.read() == "old"
    assert path.read_text() == "new and longer"


def test_what_does_not_change_is_not_written(tmp_path: Path) -> None:
    path = tmp_path / "a"
    assert write_if_changed(path, "x") is True
    os.utime(path, (1, 1))
    assert write_if_changed(path, "x") is False
    assert path.stat().st_mtime == 1
    assert write_if_changed(path, "y") is True
    assert path.read_text() == "y"


def test_json_for_people_is_sorted_one_item_a_line() -> None:
    assert pretty_json({"b": [1], "a": "é"}) == '{\n "a": "é",\n "b": [\n  1\n ]\n}\n'
    with pytest.raises(ValueError, match="Out of range float"):
        pretty_json(float("nan"))


def test_a_full_disk_is_said_whatever_a_library_makes_of_it(tmp_path: Path) -> None:
    words = r"the disk is full; got '[\d,]+ bytes free'; free some space and run again"
    with pytest.raises(UserError, match=words), disk_full_is_said(tmp_path):
        raise RuntimeError("I/O error: No space left on device (os error 28)")
    with pytest.raises(RuntimeError, match="another"), disk_full_is_said(tmp_path):
        raise RuntimeError("another fault")
