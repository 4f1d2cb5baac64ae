"""The state from which a training goes on: one file, whole or not there, with the one before it in reserve."""

from __future__ import annotations

import errno
import shutil
import zipfile
from pathlib import Path
from typing import Any

import torch

from ptp_core.errors import UserError, Where

STATE, PREVIOUS, NEW = "state.ckpt", "state.previous.ckpt", "state.new.ckpt"
DAMAGED = "state.damaged.ckpt"
FILES = (STATE, PREVIOUS, NEW, DAMAGED)
State = dict[str, Any]
"""``step``, ``weights``, ``moments``, ``history`` and what else the run wants back: tensors and plain values."""


def save_state(folder: Path, state: State) -> None:
    """Write the state; until it is whole, the last one stays what a resume finds.

    Raises UserError if the disk is full, with the bytes that are missing; the last good state survives.
    """
    new = folder / NEW
    try:
        torch.save(state, new)
        if (folder / STATE).exists():
            (folder / STATE).replace(folder / PREVIOUS)
        new.replace(folder / STATE)
    except (OSError, RuntimeError) as error:
        new.unlink(missing_ok=True)
        # Torch gives a full disk as a RuntimeError of its writer, without the cause.
        if isinstance(error, OSError) and error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        free, needed = shutil.disk_usage(folder).free, _bytes(state)
        missing = f"{needed - free:,} bytes" if needed > free else "some space, or raise your quota,"
        raise UserError(
            f"the disk is full: the state of step {state['step']} could not be saved", where=Where(folder),
            expected=f"{needed:,} bytes free", got=f"{free:,}",
            fix=f"free {missing} and run again: it goes on from the last state that was saved",
        ) from None  # fmt: skip


def put_aside_damaged(folder: Path) -> None:
    """Rename every state that cannot be read, with a line about it, so that ``load_state`` finds a good one or none.

    To be called by one process, before those that train begin.
    """
    for name in (STATE, PREVIOUS):
        path = folder / name
        if not path.exists():
            continue
        try:
            # Torch writes a checksum of every part and looks at none of them when it reads.
            with zipfile.ZipFile(path) as parts:
                if damaged := parts.testzip():
                    raise ValueError(f"{damaged} is damaged")
            int(_read(path)["step"])
        except (OSError, MemoryError):
            # The disk or the machine is in trouble, not the state.
            raise
        except Exception as error:  # Torch has many names for a damaged file; none of them is worth losing the run.
            path.replace(folder / DAMAGED)
            rest = "trying the state before it" if name == STATE and (folder / PREVIOUS).exists() else "from step 0"
            print(f"{name} cannot be read ({type(error).__name__}): {rest}", flush=True)


def load_state(folder: Path) -> State | None:
    """The newest state, or None if there is none; its tensors stay on disk until they are used."""
    path = next((folder / name for name in (STATE, PREVIOUS) if (folder / name).exists()), None)
    return None if path is None else _read(path)


def _read(path: Path) -> State:
    state: State = torch.load(path, weights_only=True, map_location="cpu", mmap=True)
    return state


def _bytes(value: Any) -> int:
    """Bytes of all tensors in a state; the rest of it is small."""
    if isinstance(value, torch.Tensor):
        return value.numel() * value.element_size()
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ()
    return sum(_bytes(part) for part in parts)
