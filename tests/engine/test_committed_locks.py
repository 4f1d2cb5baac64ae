"""The locks beside our own specs say what those resolve to now."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ptp_core.identity.lockfile import SUFFIX, read_lock
from tests.engine.locks import ptp

REPOSITORY = Path(__file__).parents[2]
SPECS = sorted((REPOSITORY / "specs").glob("*.yaml"))
DATA = "PTP_DATA_ROOT"
ABSENT = ("ZENG_DATA", "FLP_DATA", "AMURO_CHAR_DATA")
"""Where files would be that this project was never run with: their locks say so."""
MOST_BYTES = 600_000
"""A lock is read in reviews: a thousand units with their results are some 450 kB."""


@pytest.fixture(autouse=True)
def from_the_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(REPOSITORY)
    for name in ABSENT:
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("spec", SPECS, ids=lambda path: path.stem)
def test_a_committed_lock_is_up_to_date(spec: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if f"${{{DATA}}}" in spec.read_text() and DATA not in os.environ:
        pytest.skip(f"{DATA} is not set, and this study reads files there")
    code = ptp("lock", spec.relative_to(REPOSITORY), "--check", results=tmp_path)
    assert code == 0, f"run `make lock`:\n{capsys.readouterr().out}"


@pytest.mark.parametrize("spec", SPECS, ids=lambda path: path.stem)
def test_a_committed_lock_is_small_and_names_no_folder_of_a_machine(spec: Path) -> None:
    path = spec.with_suffix(SUFFIX)
    assert path.stat().st_size < MOST_BYTES
    text = path.read_text()
    assert not [folder for folder in (str(REPOSITORY), str(Path.home()), '"/') if folder in text]
    assert all("asked" in value for key, value in read_lock(path).items() if key.startswith("source/"))


def test_git_merges_locks_line_by_line() -> None:
    assert "specs/*.lock merge=union\n" in (REPOSITORY / ".gitattributes").read_text()
