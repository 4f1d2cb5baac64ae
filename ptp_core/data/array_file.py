"""A one-dimensional .npy file written piece by piece: the array never has to be in memory."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray


class ArrayFile:
    """``with ArrayFile(path, np.uint16) as file: file.append(piece)``; the bytes are those that numpy.save writes."""

    def __init__(self, path: Path, dtype: DTypeLike) -> None:
        self.dtype, self.length = np.dtype(dtype), 0
        self.stream = path.open("wb")
        self._write_header()

    def append(self, piece: NDArray[Any]) -> None:
        self.stream.write(np.ascontiguousarray(piece, dtype=self.dtype).data)
        self.length += len(piece)

    def _write_header(self) -> None:
        # numpy leaves room in the header for the length to grow to 21 digits, so that it can be written anew.
        header = {"descr": np.lib.format.dtype_to_descr(self.dtype), "fortran_order": False, "shape": (self.length,)}
        np.lib.format.write_array_header_1_0(self.stream, header)

    def __enter__(self) -> ArrayFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self.stream:
            if kind is None:
                self.stream.seek(0)
                self._write_header()
