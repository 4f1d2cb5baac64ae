"""Digests of closures, remembered beside Python's own compiled files while no file of the package has changed."""

from __future__ import annotations

import hashlib
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from importlib.util import cache_from_source
from pathlib import Path

from ptp_core.identity.digests import RACY_NS

_IGNORED = "__pycache__"


def remembered(root: Path, entry: str, find: Callable[[], str]) -> str:
    """What ``find`` says of an entry of the package at ``root``; asked only if that is not known of its present files.

    A memory that is lost, broken or cannot be written costs a second, never correctness.
    """
    stamp, newest = _stamp(root)
    file = _file(root)
    known = _read(file, stamp)
    if entry not in known:
        known[entry] = find()
        # Files that are just being edited may change again within one tick of their clock, or have while this looked.
        if time.time_ns() - newest > RACY_NS and _stamp(root)[0] == stamp and not sys.dont_write_bytecode:
            _write(file, {"stamp": stamp, "digests": known})
    return known[entry]


def _file(root: Path) -> Path:
    return Path(cache_from_source(str(root / "closures.py"))).with_suffix(".json")


def _stamp(root: Path) -> tuple[str, int]:
    """One digest over names, sizes, times and inodes of all files, and when the last of them changed (ns).

    The ctime moves with every change and cannot be set back, so an edit whose mtime is restored is noticed.
    """
    # Another Python may read the same text in another way.
    found, newest = [sys.version], 0
    for path, stat in sorted(_files(str(root)), key=lambda item: item[0]):
        found.append(f"{path} {stat.st_size} {stat.st_mtime_ns} {stat.st_ctime_ns} {stat.st_ino}")
        newest = max(newest, stat.st_ctime_ns)
    return hashlib.sha256("\n".join(found).encode()).hexdigest(), newest


def _files(folder: str) -> Iterator[tuple[str, os.stat_result]]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name == _IGNORED:
                continue
            if entry.is_dir():
                yield from _files(entry.path)
            else:
                # A link to nowhere has a stamp as well.
                yield entry.path, entry.stat(follow_symlinks=os.path.exists(entry.path))  # noqa: PTH110


def _read(file: Path, stamp: str) -> dict[str, str]:
    """Entry → digest, if they are those of these files."""
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        if found["stamp"] == stamp:
            return {str(entry): str(digest) for entry, digest in found["digests"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        pass
    return {}


def _write(file: Path, content: dict[str, object]) -> None:
    """In one step, so that nobody reads half of it; another process may write the same at the same time."""
    beside = file.with_name(f".{file.name}.{os.getpid()}.{time.monotonic_ns()}")
    with suppress(OSError):
        try:
            file.parent.mkdir(exist_ok=True)
            beside.write_text(json.dumps(content, indent=0, sort_keys=True), encoding="utf-8")
            beside.replace(file)
        finally:
            beside.unlink(missing_ok=True)
