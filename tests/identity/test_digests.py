from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path

import pytest

from ptp_core.identity import digests
from ptp_core.identity.digests import DigestCache, file_digest


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files of this very moment may be remembered."""
    monkeypatch.setattr(digests, "RACY_NS", -(10**10))


def edit(path: Path) -> None:
    """Another content of the same size, a few ticks of the file system's clock later."""
    time.sleep(0.02)
    path.write_bytes(b"other")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "data.jsonl"
    path.write_bytes(b"first")
    return path


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The files that were read to the end."""
    read: list[Path] = []

    def counted(path: Path) -> str:
        read.append(path)
        return file_digest(path)

    monkeypatch.setattr(digests, "file_digest", counted)
    return read


def cache(folder: Path) -> DigestCache:
    return DigestCache(folder / "cache.json")


def test_it_is_sha256_of_the_bytes(file: Path) -> None:
    assert file_digest(file) == hashlib.sha256(b"first").hexdigest()


def test_a_file_that_stays_is_read_once_even_by_later_runs(tmp_path: Path, file: Path, reads: list[Path]) -> None:
    known = cache(tmp_path)
    assert known.digest(file) == known.digest(file)
    known.save()
    assert cache(tmp_path).digest(file) == file_digest(file)
    assert len(reads) == 1


def test_a_touched_file_has_the_same_digest(tmp_path: Path, file: Path) -> None:
    known = cache(tmp_path)
    before = known.digest(file)
    os.utime(file, (1, 1))
    assert known.digest(file) == before


def test_an_edit_is_noticed(tmp_path: Path, file: Path) -> None:
    known = cache(tmp_path)
    before = known.digest(file)
    edit(file)
    assert known.digest(file) == file_digest(file) != before


def test_an_edit_of_the_same_size_whose_time_is_set_back_is_noticed(tmp_path: Path, file: Path) -> None:
    known, stat = cache(tmp_path), file.stat()
    before = known.digest(file)
    edit(file)
    os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert file.stat().st_mtime_ns == stat.st_mtime_ns
    assert known.digest(file) != before


def test_a_file_put_in_the_place_of_another_is_noticed(tmp_path: Path, file: Path) -> None:
    known, stat = cache(tmp_path), file.stat()
    before = known.digest(file)
    new = tmp_path / "new"
    new.write_bytes(b"other")
    os.utime(new, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    new.replace(file)
    assert known.digest(file) != before


def test_a_file_of_this_moment_is_read_again(
    tmp_path: Path, file: Path, reads: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(digests, "RACY_NS", 10**12)
    known = cache(tmp_path)
    known.digest(file)
    known.digest(file)
    assert len(reads) == 2


@pytest.mark.parametrize("text", ["", "{", "[]", "5", '{"PATH": 5}', '{"PATH": [1]}', '{"PATH": [1, 2, 3, 4]}', "\xff"])
def test_a_broken_cache_costs_time_only(tmp_path: Path, file: Path, text: str) -> None:
    (tmp_path / "cache.json").write_bytes(text.replace("PATH", str(file)).encode("latin-1"))
    assert cache(tmp_path).digest(file) == file_digest(file)


def test_nothing_is_written_when_nothing_was_learned(tmp_path: Path) -> None:
    cache(tmp_path).save()
    assert not (tmp_path / "cache.json").exists()
