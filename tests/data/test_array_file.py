"""Arrays written in pieces are the files that numpy writes at once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ptp_core.data.array_file import ArrayFile


@pytest.mark.parametrize("dtype", [np.uint16, np.uint32, np.int64])
@pytest.mark.parametrize("sizes", [[], [0], [1], [3, 0, 5], [10_000] * 13])
def test_the_bytes_are_those_of_numpy(tmp_path: Path, dtype: type, sizes: list[int]) -> None:
    pieces = [np.arange(size) % 1000 for size in sizes]
    with ArrayFile(tmp_path / "pieces.npy", dtype) as file:
        for piece in pieces:
            file.append(piece)
    whole = np.concatenate([np.zeros(0, dtype=dtype), *pieces]).astype(dtype)
    np.save(tmp_path / "whole.npy", whole)
    assert (tmp_path / "pieces.npy").read_bytes() == (tmp_path / "whole.npy").read_bytes()


def test_a_file_that_was_not_finished_says_that_it_is_empty(tmp_path: Path) -> None:
    def fail() -> None:
        with ArrayFile(tmp_path / "a.npy", np.uint16) as file:
            file.append(np.ones(5))
            raise OSError("the disk is full")

    with pytest.raises(OSError, match="the disk is full"):
        fail()
    assert len(np.load(tmp_path / "a.npy")) == 0
