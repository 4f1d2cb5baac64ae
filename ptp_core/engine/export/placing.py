"""Where an export goes: built aside, put in place by a rename; nothing is replaced that an export did not write."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ptp_core.errors import UserError, Where
from ptp_core.progress import Progress

BLOCK = 1 << 22
FULL = (errno.ENOSPC, errno.EDQUOT)
Ours = Callable[[Path], bool]
"""Whether an earlier export wrote all that is at a path."""


def check_target(target: Path, store: Path, force: bool, ours: Ours) -> None:
    """Raise UserError if an export must not go there."""
    where = Where(target)
    if target.resolve().is_relative_to(store.resolve()):
        raise UserError("the store holds results only", where=where, fix="export to a place outside it")
    if not os.path.lexists(target):
        _check_parent(target)
    elif not force:
        raise UserError("this exists already", where=where, fix="choose another name, or add --force to replace it")
    elif target.is_symlink() or not ours(target):
        what = "this holds what no export wrote, so it is not replaced"
        raise UserError(what, where=where, fix="choose another name, or move it away")


def _check_parent(target: Path) -> None:
    """The nearest folder above that exists must be one in which we may write."""
    above = next(folder for folder in (target.absolute().parents) if os.path.lexists(folder))
    if not above.is_dir():
        raise UserError("this is no folder", where=Where(above), fix="choose another name for the export")
    if not os.access(above, os.W_OK | os.X_OK):
        raise UserError("you may not write here", where=Where(above), fix="choose another place for the export")


def check_space(target: Path, needed: int) -> None:
    """Raise UserError if the disk has no room for so many bytes."""
    above = next(folder for folder in (target.absolute().parents) if folder.is_dir())
    free = shutil.disk_usage(above).free
    if free < needed:
        raise UserError(
            "the disk has no room for this export", where=Where(above), expected=f"{needed:,} bytes free",
            got=free, fix="free some space, or export to another disk",
        )  # fmt: skip


@contextmanager
def built_aside(target: Path) -> Iterator[Path]:
    """A new folder beside the target, removed again whatever happens. A full disk becomes a UserError."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        aside = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}."))
        try:
            yield aside
        finally:
            shutil.rmtree(aside, ignore_errors=True)
    except OSError as error:
        if error.errno not in FULL:
            raise
        fix = "free some space, or export to another disk; nothing was kept of this export"
        raise UserError("the disk is full", where=Where(target.parent), fix=fix) from None


def put_in_place(built: Path, target: Path, force: bool, ours: Ours) -> None:
    """Rename what was built to its name; what an earlier export wrote makes room first, and is removed last."""
    _flush(built)
    if not os.path.lexists(target):
        built.rename(target)
        return
    # It may have changed while we built.
    if not force or target.is_symlink() or not ours(target):
        raise UserError("this has appeared meanwhile", where=Where(target), fix="choose another name")
    target.rename(Path(tempfile.mkdtemp(dir=built.parent)) / "replaced")
    built.rename(target)


def _flush(built: Path) -> None:
    paths = [*built.rglob("*"), built] if built.is_dir() else [built]
    for path in paths:
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def copy_checked(source: Path, target: Path, sha256: str, progress: Progress, link: bool = False) -> None:
    """Copy a file, or link to it where the disk can, if it holds what its receipt says; else UserError.

    A link costs no space. It is for files that nobody edits: whoever did would change the store.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    linked = link and _linked(source, target)
    if _read(source, None if linked else target, progress) != sha256:
        raise UserError(
            "this file is not what its receipt says", where=Where(source), expected=f"sha256 {sha256}",
            fix="remove its folder from the store and run snakemake again",
        )  # fmt: skip


def _linked(source: Path, target: Path) -> bool:
    try:
        target.hardlink_to(source.resolve())
    except OSError:
        # Another disk, or one that has no links.
        return False
    return True


def _read(source: Path, target: Path | None, progress: Progress) -> str:
    """The sha256 of a file, copied on the way."""
    found = hashlib.sha256()
    with source.open("rb") as stream, (target or Path(os.devnull)).open("wb") as out:
        while block := stream.read(BLOCK):
            found.update(block)
            out.write(block)
            progress.advance(len(block))
    return found.hexdigest()
