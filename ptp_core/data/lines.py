"""Lines of bytes from files that are plain, gzip or zstd, whatever their names."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

import zstandard

from ptp_core.errors import UserError, Where

MAX_LINE_BYTES = 64 * 2**20
_DAMAGED = (gzip.BadGzipFile, EOFError, zlib.error, zstandard.ZstdError)
_BLOCK = 2**17


def read_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """(line number from 1, line with its end) of a file.

    Raises UserError with file:line for a line that is too long and for a file that cannot be read or decompressed.
    """
    number = 0
    try:
        with open_by_content(path) as stream:
            while line := stream.readline(MAX_LINE_BYTES):
                number += 1
                if len(line) == MAX_LINE_BYTES and not line.endswith(b"\n"):
                    limit = f"at most {MAX_LINE_BYTES:,} bytes"
                    raise UserError("this line is too long", where=Where(path, number), expected=limit)
                yield number, line
    except (OSError, *_DAMAGED) as error:
        fix = "the compressed file is damaged or cut short" if isinstance(error, _DAMAGED) else None
        raise UserError("cannot be read", where=Where(path, number + 1), got=str(error), fix=fix) from None


def open_by_content(path: Path) -> BinaryIO:
    """The decompressed bytes of a file."""
    # By content, not by name: a file that was decompressed in place keeps working.
    with path.open("rb") as stream:
        magic = stream.read(4)
    if magic[:2] == b"\x1f\x8b":
        return cast(BinaryIO, gzip.open(path, "rb"))
    return io.BufferedReader(_Zstd(path), _BLOCK) if magic == zstandard.FRAME_HEADER else path.open("rb")


class _Zstd(io.RawIOBase):
    """Decompressed bytes of all frames. zstandard's own reader takes a file that is cut short for a whole one."""

    def __init__(self, path: Path) -> None:
        self.raw = path.open("rb")
        self.frame = zstandard.ZstdDecompressor().decompressobj()
        self.inside, self.ready = False, memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, target: memoryview) -> int:  # type: ignore[override]
        while not self.ready:
            packed = self.frame.unused_data if self.frame.eof else b""
            if self.frame.eof:
                self.frame, self.inside = zstandard.ZstdDecompressor().decompressobj(), False
            packed = packed or self.raw.read(_BLOCK)
            if not packed:
                if self.inside:
                    raise EOFError("the last frame has no end")
                return 0
            self.inside = True
            self.ready = memoryview(self.frame.decompress(packed))
        size = min(len(target), len(self.ready))
        target[:size], self.ready = self.ready[:size], self.ready[size:]
        return size

    def close(self) -> None:
        self.raw.close()
        super().close()
