"""Files that are either wholly there or not there at all."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ptp_core.errors import UserError, Where


def write_atomically(path: Path, content: str | bytes) -> None:
    """Write beside the target, flush to disk, then rename: a reader never sees half a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content.encode() if isinstance(content, str) else content)
            stream.flush()
            os.fsync(stream.fileno())
        # mkstemp makes files private.
        as_readable_as_usual(Path(name))
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def as_readable_as_usual(path: Path) -> None:
    """Give a file the permissions that any file gets which the user makes."""
    umask = os.umask(0)
    os.umask(umask)
    path.chmod(0o666 & ~umask)


def write_if_changed(path: Path, content: str) -> bool:
    """Write only what differs, so that a file's time says when it last changed. Returns whether it wrote."""
    try:
        if path.read_bytes() == content.encode():
            return False
    except FileNotFoundError:
        pass
    write_atomically(path, content)
    return True


@contextmanager
def disk_full_is_said(folder: Path) -> Iterator[None]:
    """Turn what libraries make of a full disk into a UserError; half-written files are the business of the next run."""
    try:
        yield
    except Exception as error:
        # Writers in Rust and C++ hand on the words of the system, without its error number.
        if "No space left on device" not in str(error):
            raise
        free = shutil.disk_usage(folder).free
        fix = "free some space and run again: what was saved is kept"
        raise UserError("the disk is full", where=Where(folder), got=f"{free:,} bytes free", fix=fix) from None


def pretty_json(value: Any) -> str:
    """JSON for people and for diffs: sorted keys, one item a line; NaN is an error."""
    return json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"
