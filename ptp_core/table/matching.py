"""Whether a cell of a table is what a spec asks for."""

from __future__ import annotations

import math
import re

from ptp_core.spec.measurements import Cell

NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


def as_number(cell: str) -> float | None:
    """The number a cell spells, NaN and infinities included; None for words, "1_000" and "12 %"."""
    if NUMBER.fullmatch(cell):
        return float(cell)
    return float(cell) if cell.lower().lstrip("+-") in ("nan", "inf", "infinity") else None


def as_finite(cell: str) -> float | None:
    """The finite number a cell spells, else None."""
    number = as_number(cell)
    return number if number is not None and math.isfinite(number) else None


def is_wanted(cell: str, wanted: Cell | tuple[Cell, ...]) -> bool:
    """Words compare as they are, numbers by value (``4`` is ``4.0``), true and false in any case; null is empty.

    YAML reads 2e-6 as a word, so a word that spells a number is one.
    """
    if isinstance(wanted, tuple):
        return any(is_wanted(cell, one) for one in wanted)
    if wanted is None:
        return cell == ""
    if isinstance(wanted, bool):
        # Parquet's flags are read as 1 and 0.
        return cell.lower() in (("true", "1") if wanted else ("false", "0"))
    number = as_number(wanted) if isinstance(wanted, str) else wanted
    return cell == wanted or (number is not None and as_number(cell) == number)
