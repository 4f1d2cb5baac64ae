"""Digests of closures are remembered while no file of the package has changed, and only then."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from ptp_core.identity import remembered as module
from ptp_core.identity.remembered import remembered


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package whose files count as settled the moment they are written."""
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    monkeypatch.setattr(module, "RACY_NS", -1)
    (tmp_path / "tools").mkdir()
    (tmp_path / "tools" / "deep.py").write_text("ONE = 1")
    (tmp_path / "words.json").write_text("[]")
    return tmp_path


def asked(root: Path, answer: str = "new", entry: str = "a:run") -> str:
    return remembered(root, entry, lambda: answer)


def memory(root: Path) -> Path:
    return next((root / "__pycache__").glob("closures.*.json"))


def test_what_is_known_is_not_looked_for_again(package: Path) -> None:
    assert asked(package, "first") == "first"
    assert asked(package, "second") == "first"
    assert asked(package, "of another", entry="b:run") == "of another"
    assert asked(package, "second") == "first"


def test_an_edit_is_noticed_even_with_its_size_and_time_as_before(package: Path) -> None:
    asked(package, "old")
    path = package / "tools" / "deep.py"
    before = path.stat()
    while path.stat().st_ctime_ns == before.st_ctime_ns:
        path.write_text("ONE = 2")
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (path.stat().st_size, path.stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)
    assert asked(package) == "new"


def test_files_that_come_go_or_are_renamed_are_noticed(package: Path) -> None:
    asked(package, "old")
    (package / "tools" / "more.py").write_text("")
    assert asked(package, "one more") == "one more"
    (package / "words.json").rename(package / "other.json")
    assert asked(package, "renamed") == "renamed"
    (package / "other.json").unlink()
    assert asked(package, "one less") == "one less"


def test_files_that_may_change_within_a_tick_are_not_trusted(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RACY_NS", 10**15)
    assert asked(package, "first") == "first"
    assert asked(package, "second") == "second"


def test_an_edit_while_it_looks_is_not_remembered_as_what_was_there(package: Path) -> None:
    def look() -> str:
        (package / "tools" / "deep.py").write_text("ONE = 1000")
        return "of either text"

    remembered(package, "a:run", look)
    assert asked(package) == "new"


@pytest.mark.parametrize("text", ["", "{", "[]", "1", '{"stamp": 1}', '{"stamp": "x", "digests": {"a:run": "bad"}}'])
def test_a_damaged_memory_costs_time_only(package: Path, text: str) -> None:
    asked(package, "old")
    memory(package).write_text(text)
    assert asked(package) == "new"
    assert json.loads(memory(package).read_text())["digests"] == {"a:run": "new"}


def test_nothing_is_written_where_python_writes_nothing(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    asked(package)
    assert not (package / "__pycache__").exists()


def test_a_folder_that_cannot_be_written_is_no_error(package: Path) -> None:
    (package / "__pycache__").write_text("a file in the way")
    assert asked(package, "first") == "first"
    assert asked(package, "second") == "second"
