"""The store: one folder per fingerprint, built aside, published by a rename, written by one process at a time."""

from __future__ import annotations

import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ptp_core.identity.fingerprint import ID_LENGTH
from ptp_core.identity.receipts import RECEIPT


def entry(root: Path, stage: str, fingerprint: str) -> Path:
    """The folder of a finished result."""
    return root / stage / fingerprint[:ID_LENGTH]


def is_complete(root: Path, stage: str, fingerprint: str) -> bool:
    """Whether a result is finished: its folder is there, with its receipt."""
    return (entry(root, stage, fingerprint) / RECEIPT).is_file()


def partial(root: Path, stage: str, fingerprint: str) -> Path:
    """The folder in which a result is being built."""
    return root / stage / f"{fingerprint[:ID_LENGTH]}.partial"


@contextmanager
def writer(root: Path, stage: str, fingerprint: str, wait_seconds: float = 1.0) -> Iterator[Path | None]:
    """Hold the only pen for one result: yields its partial folder, or None if somebody else has finished it meanwhile.

    The lock is the kernel's, so it falls when its holder dies, however it dies. A second writer waits.
    """
    lock_file = root / ".locks" / f"{stage}-{fingerprint[:ID_LENGTH]}"
    lock_file.parent.mkdir(parents=True, exist_ok=True)
    with lock_file.open("w") as lock:
        told = False
        while not _try_lock(lock.fileno()):
            if not told:
                print(f"waiting: another process is making {stage}/{fingerprint[:ID_LENGTH]}", flush=True)
                told = True
            time.sleep(wait_seconds)
        if is_complete(root, stage, fingerprint):
            yield None
            return
        folder = partial(root, stage, fingerprint)
        folder.mkdir(parents=True, exist_ok=True)
        # A folder without its receipt has been damaged; the name must be free for the rename that publishes.
        shutil.rmtree(entry(root, stage, fingerprint), ignore_errors=True)
        yield folder


def _try_lock(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def live_writers(root: Path) -> set[tuple[str, str]]:
    """(stage, id) of every result that a process is writing now."""
    found = set()
    for path in (root / ".locks").glob("*"):
        with path.open("r+") as lock:
            if not _try_lock(lock.fileno()):
                stage, _, identifier = path.name.rpartition("-")
                found.add((stage, identifier))
    return found


def publish(root: Path, stage: str, fingerprint: str) -> Path:
    """Turn the partial folder into the finished one; its files reach the disk before its name does."""
    source, target = partial(root, stage, fingerprint), entry(root, stage, fingerprint)
    for path in [*source.rglob("*"), source]:
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
    source.rename(target)
    return target


def clear(folder: Path) -> None:
    """Empty a partial folder whose stage does not resume."""
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
