"""Lines of packed files: zstd reads like gzip and plain text, and damage is never taken for the end."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ptp_core.data.lines import read_lines
from ptp_core.errors import UserError

CONTENT = b"one\ntwo\n\nthree"


def file(tmp_path: Path, content: bytes) -> Path:
    path = tmp_path / "a.zst"
    path.write_bytes(content)
    return path


def lines_of(path: Path) -> bytes:
    return b"".join(line for _, line in read_lines(path))


def test_zstd_reads_like_plain_text(tmp_path: Path) -> None:
    assert list(read_lines(file(tmp_path, zstandard.compress(CONTENT)))) == [
        (1, b"one\n"), (2, b"two\n"), (3, b"\n"), (4, b"three"),
    ]  # fmt: skip


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.binary(max_size=50), min_size=1, max_size=5))
def test_frames_one_after_the_other_are_one_text(tmp_path: Path, parts: list[bytes]) -> None:
    path = file(tmp_path, b"".join(zstandard.compress(part) for part in parts))
    assert lines_of(path) == b"".join(parts)


def test_a_frame_larger_than_every_buffer_comes_whole(tmp_path: Path) -> None:
    rng = random.Random(1)
    content = b"".join(b"%d\n" % rng.randrange(10**9) for _ in range(200_000))
    assert lines_of(file(tmp_path, zstandard.compress(content))) == content


@pytest.mark.parametrize("left", [5, 20, -1])
def test_zstd_that_is_cut_short_is_said_to_be(tmp_path: Path, left: int) -> None:
    packed = zstandard.compress(random.Random(2).randbytes(5000).hex().encode())
    path = file(tmp_path, packed[:left])
    with pytest.raises(UserError, match=r"a\.zst:\d+: cannot be read; got .*; the compressed file is damaged"):
        lines_of(path)


def test_zstd_with_a_flipped_bit_is_said_to_be_damaged(tmp_path: Path) -> None:
    packed = bytearray(zstandard.ZstdCompressor(write_checksum=True).compress(b"text " * 1000))
    packed[-1] ^= 0xFF
    with pytest.raises(UserError, match="the compressed file is damaged or cut short"):
        lines_of(file(tmp_path, bytes(packed)))


def test_what_follows_the_last_frame_must_be_a_frame(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="the compressed file is damaged or cut short"):
        lines_of(file(tmp_path, zstandard.compress(b"good\n") + b"bad"))
