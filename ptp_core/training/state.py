"""The state from which a training goes on: one file, whole or not there, with the one before it in reserve."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path
from typing import Any

import torch

from ptp_core.errors import UserError, Where

STATE, PREVIOUS, NEW = "state.ckpt", "state.previous.ckpt", "state.new.ckpt"
FILES = (STATE, PREVIOUS, NEW)
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
        free, needed = shutil.disk_usage(folder).free, _bytes(state)
        # Torch gives a full disk as a RuntimeError of its writer, without the cause.
        if free >= needed and not (isinstance(error, OSError) and error.errno == 28):
            raise
        raise UserError(
            f"the disk is full: the state of step {state['step']} could not be saved", where=Where(folder),
            expected=f"{needed:,} bytes free", got=f"{free:,}",
            fix=f"free {max(needed - free, 0):,} bytes and run again: it goes on from the last state that was saved",
        ) from None  # fmt: skip


def load_state(folder: Path) -> State | None:
    """The newest state that can be read, or None. A damaged one is named, removed and passed over."""
    for name in (STATE, PREVIOUS):
        path = folder / name
        if not path.exists():
            continue
        try:
            return _read(path)
        except Exception as error:  # Torch has many names for a damaged file; none of them is worth losing the run.
            path.unlink()
            rest = "trying the state before it" if name == STATE and (folder / PREVIOUS).exists() else "from step 0"
            print(f"{name} cannot be read ({type(error).__name__}): {rest}", flush=True)
    return None


def _read(path: Path) -> State:
    # Torch writes a checksum of every part and looks at none of them when it reads.
    with zipfile.ZipFile(path) as parts:
        if damaged := parts.testzip():
            raise ValueError(f"{damaged} is damaged")
    state: State = torch.load(path, weights_only=True, map_location="cpu")
    int(state["step"])
    return state


def _bytes(value: Any) -> int:
    """Bytes of all tensors in a state; the rest of it is small."""
    if isinstance(value, torch.Tensor):
        return value.numel() * value.element_size()
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ()
    return sum(_bytes(part) for part in parts)
