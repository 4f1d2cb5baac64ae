"""sha256 of input files, remembered while a file's size, times and inode stay the same."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from pathlib import Path

from ptp_core.files import write_atomically

RACY_NS = 2_000_000_000
"""A file younger than this may still change within one tick of its clock, so its digest is not remembered."""


def file_digest(path: Path) -> str:
    """sha256 of a file's bytes, in hex, read in blocks."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


class DigestCache:
    """Digests of input files by (path, size, mtime, ctime, inode), kept in one JSON file between runs.

    The ctime moves with every change and cannot be set back, so an edit whose mtime is restored is noticed.
    """

    def __init__(self, cache_file: Path) -> None:
        self.cache_file = cache_file
        self.known: dict[str, list[object]] = {}
        self.changed = False
        try:
            found = json.loads(cache_file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return
        # A lost or broken cache costs time, never correctness.
        if isinstance(found, dict):
            self.known = {path: entry for path, entry in found.items() if isinstance(entry, list) and len(entry) == 5}

    def digest(self, path: Path, read: Callable[[Path], str] | None = None) -> str:
        """sha256 of the file as it is now; ``read`` computes it where it is not remembered."""
        path = path.resolve()
        stat = path.stat()
        stamp = [stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino]
        entry = self.known.get(str(path))
        if entry and entry[:4] == stamp:
            return str(entry[4])
        value = (read or file_digest)(path)
        if time.time_ns() - stat.st_ctime_ns > RACY_NS:
            self.known[str(path)] = [*stamp, value]
            self.changed = True
        return value

    def save(self) -> None:
        """Write the cache if it has grown."""
        if self.changed:
            write_atomically(self.cache_file, json.dumps(self.known, indent=0, sort_keys=True))
            self.changed = False
