"""sha256 of many files at the speed of the disk: several at once, since hashing lets other threads run."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path

from ptp_core.identity.digests import DigestCache
from ptp_core.progress import Progress

BLOCK = 1 << 20
"""Bytes read at once."""
MOST_THREADS = 16
LOOK_SECONDS = 0.5

Digests = dict[Path, str | OSError]


def digests_of(paths: Iterable[Path], cache: DigestCache) -> Digests:
    """Digest of every file, or the error that kept it from being read.

    Files that have not changed since the cache knows them are not read.
    """
    sizes = {path: _size(path) for path in paths}
    # Large ones first, so that the last thread is not left alone with one. Threads take turns at one iterator.
    waiting = iter(sorted(sizes, key=lambda path: -sizes[path]))
    workers = [_Worker(waiting, cache) for _ in range(_threads())]
    with Progress(sum(sizes.values()), "B", "verify") as progress, ThreadPoolExecutor(len(workers)) as pool:
        futures = {pool.submit(worker.run) for worker in workers}
        try:
            while futures:
                done, futures = wait(futures, timeout=LOOK_SECONDS)
                for future in done:
                    future.result()
                progress.advance(sum(worker.bytes for worker in workers) - progress.done)
        except BaseException:
            for worker in workers:
                worker.stopped = True
            raise
    return {path: value for worker in workers for path, value in worker.found.items()}


class _Worker:
    """What one thread does; only it writes its fields."""

    def __init__(self, waiting: Iterator[Path], cache: DigestCache) -> None:
        self.waiting, self.cache = waiting, cache
        self.found: Digests = {}
        self.bytes = 0
        self.stopped = False
        self.block = memoryview(bytearray(BLOCK))

    def run(self) -> None:
        for path in self.waiting:
            if self.stopped:
                return
            before = self.bytes
            try:
                self.found[path] = self.cache.digest(path, self._read)
                # What is remembered counts as read.
                self.bytes = max(self.bytes, before + path.stat().st_size)
            except OSError as error:
                self.found[path] = error

    def _read(self, path: Path) -> str:
        found = hashlib.sha256()
        with path.open("rb", buffering=0) as stream:
            while (count := stream.readinto(self.block)) and not self.stopped:
                found.update(self.block[:count])
                self.bytes += count
        if self.stopped:
            raise InterruptedError(str(path))
        return found.hexdigest()


def _threads() -> int:
    return min(MOST_THREADS, max(2, len(os.sched_getaffinity(0))))


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
