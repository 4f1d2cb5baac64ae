"""How fast ``ptp verify`` hashes, beside ``sha256sum`` on the same files, and what a second look costs.

Both read from the page cache, in turn, so that the disk does not decide. ``sha256sum`` is one process, as usual.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

from ptp_core.engine.verify.hashing import digests_of
from ptp_core.identity.digests import DigestCache

SIZES_MB = [1024, 512, 512, *[16] * 32]
"""A few checkpoints, and shards: 2.6 GB in all."""
ROUNDS = 3
GOAL = 0.8


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="bench-verify-") as folder:
        files = [_file(Path(folder) / f"{i}.bin", size) for i, size in enumerate(SIZES_MB)]
        total = sum(path.stat().st_size for path in files)
        ours, theirs = [], []
        for _ in range(ROUNDS):
            theirs.append(_seconds(lambda: _sha256sum(files)))
            # A new cache each time: everything is read.
            ours.append(_seconds(lambda: digests_of(files, DigestCache(Path(folder) / "none.json"))))
        mine, other = (total / statistics.median(seconds) / 1e9 for seconds in (ours, theirs))
        share = statistics.median(b / a for a, b in zip(ours, theirs, strict=True))
        print(
            f"ptp verify hashes {total / 1e9:.1f} GB at {mine:.2f} GB/s on {len(os.sched_getaffinity(0))} cores, "
            f"sha256sum at {other:.2f} GB/s: {share:.2f} of its rate (median of {ROUNDS} pairs)   "
            f"goal ≥ {GOAL:g}: {'yes' if share >= GOAL else 'NO'}"
        )
        cache = DigestCache(Path(folder) / "cache.json")
        time.sleep(2.1)
        digests_of(files, cache)
        again = _seconds(lambda: digests_of(files, cache))
        print(f"a second look, nothing changed: {again * 1000:.1f} ms")


def _file(path: Path, megabytes: int) -> Path:
    block = os.urandom(1 << 20)
    with path.open("wb") as stream:
        for _ in range(megabytes):
            stream.write(block)
    return path


def _sha256sum(files: list[Path]) -> None:
    subprocess.run(["sha256sum", *map(str, files)], check=True, capture_output=True)


def _seconds(what: object) -> float:
    began = time.perf_counter()
    what()  # type: ignore[operator]
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
