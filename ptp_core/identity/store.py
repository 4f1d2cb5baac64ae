"""The store: one folder per fingerprint, built aside, published by a rename, written by one process at a time."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ptp_core.identity.fingerprint import ID_LENGTH
from ptp_core.identity.lease import Lease, leased
from ptp_core.identity.owner import Terms, is_silent, look, surely_gone
from ptp_core.identity.receipts import RECEIPT
from ptp_core.work import TakenOver

LEASE = ".lease"


def entry(root: Path, stage: str, fingerprint: str) -> Path:
    """The folder of a finished result."""
    return root / stage / fingerprint[:ID_LENGTH]


def is_complete(root: Path, stage: str, fingerprint: str) -> bool:
    """Whether a result is finished: its folder is there, with its receipt."""
    return (entry(root, stage, fingerprint) / RECEIPT).is_file()


def partial(root: Path, stage: str, fingerprint: str) -> Path:
    """The folder in which a result is being built."""
    return root / stage / f"{fingerprint[:ID_LENGTH]}.partial"


def lease_file(root: Path, stage: str, fingerprint: str) -> Path:
    """The file whose holder writes a result; beside it, so that taking it makes NFS look at the folder anew."""
    return root / stage / f"{fingerprint[:ID_LENGTH]}{LEASE}"


@dataclass(frozen=True)
class Pen:
    """The right to write one result, and where."""

    lease: Lease
    folder: Path


_PENS: dict[Path, Pen] = {}
"""Place of a result → the pen for it that this process holds."""


@contextmanager
def writer(
    root: Path, stage: str, fingerprint: str, wait_seconds: float = 1.0, terms: Terms | None = None
) -> Iterator[Path | None]:
    """Hold the only pen for one result: yields its partial folder, or None if somebody else has finished it meanwhile.

    A second writer waits, on whatever machine; it takes over from one that has died. A writer that was taken for dead
    and wakes up can neither publish nor reach the folder, which has another name by then. Raises Busy, and TakenOver.
    """
    target = entry(root, stage, fingerprint)
    name = f"{stage}/{target.name}"
    with leased(lease_file(root, stage, fingerprint), name, wait_seconds, terms) as lease:
        if is_complete(root, stage, fingerprint):
            yield None
            return
        folder = _folder(partial(root, stage, fingerprint), lease)
        # A folder without its receipt has been damaged; the name must be free for the rename that publishes.
        shutil.rmtree(target, ignore_errors=True)
        _PENS[target] = Pen(lease, folder)
        try:
            yield folder
        except Exception:
            # Who finds its folder gone, and any mistake that follows from it, is told why.
            lease.check()
            raise
        finally:
            del _PENS[target]
            _put_back(folder, partial(root, stage, fingerprint), lease)


def _folder(usual: Path, lease: Lease) -> Path:
    """The folder to build in: the predecessor's, under a new name if it may still be writing."""
    folder = usual
    if lease.took_over:
        left = sorted(
            usual.parent.glob(f"{usual.stem}.*{usual.suffix}"), key=lambda path: path.stat().st_mtime, reverse=True
        )
        left += [usual] if usual.exists() else []
        for junk in left[1:]:
            shutil.rmtree(junk)
        folder = left[0] if left else usual
        if lease.predecessor_may_live:
            folder = usual.with_name(f"{usual.stem}.{lease.owner.token}{usual.suffix}")
            if left:
                left[0].rename(folder)
    folder.mkdir(exist_ok=True)
    return folder


def _put_back(folder: Path, usual: Path, lease: Lease) -> None:
    """Give what was not finished its usual name, where the next writer looks for it."""
    if folder == usual or not folder.exists():
        return
    lease.check()
    shutil.rmtree(usual, ignore_errors=True)
    folder.rename(usual)


def check(root: Path, stage: str, fingerprint: str) -> None:
    """Raise TakenOver if this process does not hold the pen for a result, or not any more."""
    target = entry(root, stage, fingerprint)
    if target not in _PENS:
        raise TakenOver(f"this process does not hold the pen for {stage}/{target.name}")
    _PENS[target].lease.check()


def live_writers(root: Path, terms: Terms | None = None) -> set[tuple[str, str]]:
    """(stage, id) of every result that a process may be writing now, here or elsewhere.

    A writer on another machine counts until it has not been heard of for long; one of this machine, if it runs.
    """
    terms = terms or Terms()
    found = set()
    for path in root.glob(f"*/*{LEASE}"):
        seen = look(path)
        if seen and not surely_gone(seen, terms.place) and not is_silent(seen, _clock_of(root), terms):
            found.add((path.parent.name, path.name.removesuffix(LEASE)))
    return found


def _clock_of(root: Path) -> float:
    """The time, by the clock that stamps files in a folder; our own where we may not write."""
    try:
        with tempfile.TemporaryFile(dir=root) as probe:
            return os.fstat(probe.fileno()).st_mtime
    except OSError:
        return time.time()


def publish(root: Path, stage: str, fingerprint: str) -> Path:
    """Turn the partial folder into the finished one; its files reach the disk before its name does.

    Raises TakenOver if this process does not hold the pen (any more).
    """
    check(root, stage, fingerprint)
    target = entry(root, stage, fingerprint)
    source = _PENS[target].folder
    for path in [*source.rglob("*"), source]:
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
    # Flushing can take long.
    check(root, stage, fingerprint)
    source.rename(target)
    return target


def clear(folder: Path) -> None:
    """Empty a partial folder whose stage does not resume."""
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
