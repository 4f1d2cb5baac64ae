"""Receipts: what a finished job is, what it made, what it measured, and what it took."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ptp_core.errors import UserError, Where
from ptp_core.identity.digests import file_digest

RECEIPT = "receipt.json"
OK, DIVERGED, SKIPPED, FAILED = "ok", "diverged", "skipped", "failed"
"""Status of a result: made; a training that came to nothing; not attempted, because a parent did; an indicator that
broke, which is in a job's receipt only: the store keeps no trace of it, so that the next run tries again."""


def artifacts(folder: Path, without: tuple[str, ...] = ()) -> dict[str, dict[str, Any]]:
    """Relative path → sha256 and size in bytes, of every file under a folder except its receipt and those named."""
    return {
        path.relative_to(folder).as_posix(): artifact(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name not in (RECEIPT, *without)
    }


def artifact(path: Path) -> dict[str, Any]:
    """What a receipt says of a file: sha256, and size in bytes."""
    return {"sha256": file_digest(path), "bytes": path.stat().st_size}


def read_receipt(folder: Path) -> dict[str, Any]:
    """The receipt of a finished result; raises UserError if the result has been removed or damaged."""
    path = folder / RECEIPT
    fix = "run snakemake again: what is gone is made again"
    try:
        receipt = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError("this result is gone from the store", where=Where(folder), fix=fix) from None
    except (ValueError, RecursionError):
        raise UserError("this receipt is not JSON any more", where=Where(path), fix=fix) from None
    if not isinstance(receipt, dict):
        raise UserError("this receipt is not JSON any more", where=Where(path), fix=fix)
    return receipt


def check_sizes(folder: Path, receipt: dict[str, Any]) -> None:
    """Raise UserError if an artifact is missing or of another size than its receipt says: a cheap look, no proof."""
    for name, artifact in receipt["artifacts"].items():
        path = folder / name
        size = path.stat().st_size if path.is_file() else None
        if size != artifact["bytes"]:
            raise UserError(
                "this file is not what its receipt says", where=Where(path), expected=f"{artifact['bytes']} bytes",
                got="nothing" if size is None else f"{size} bytes", fix=f"remove {folder} and run snakemake again",
            )  # fmt: skip
