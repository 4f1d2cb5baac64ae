"""Receipts: what a finished job is, what it made, what it measured, and what it took."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ptp_core.errors import UserError, Where
from ptp_core.identity.digests import file_digest

RECEIPT = "receipt.json"


def artifacts(folder: Path) -> dict[str, dict[str, Any]]:
    """Relative path → sha256 and size in bytes, of every file under a folder except its receipt."""
    return {
        path.relative_to(folder).as_posix(): {"sha256": file_digest(path), "bytes": path.stat().st_size}
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != RECEIPT
    }


def read_receipt(folder: Path) -> dict[str, Any]:
    """The receipt of a finished result; raises UserError if the result has been removed or damaged."""
    path = folder / RECEIPT
    fix = "remove the receipts under results/<study>/receipts that name it and run snakemake again"
    try:
        receipt = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError("this result is gone from the store", where=Where(folder), fix=fix) from None
    except ValueError:
        raise UserError("this receipt is not JSON any more", where=Where(path), fix=fix) from None
    if not isinstance(receipt, dict):
        raise UserError("this receipt is not JSON any more", where=Where(path), fix=fix)
    return receipt
