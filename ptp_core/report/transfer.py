"""The transfer matrix: a model taught on one outcome and asked about another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ptp_core.report.numbers import finite, fixed, interval
from ptp_core.report.study import mapping

STEPS = 5
"""Shades on either side of chance in the heat map."""


@dataclass(frozen=True)
class Transfer:
    """A heat map: a row for the outcome learned on, a column for the outcome predicted."""

    tested: tuple[str, ...]
    rows: tuple[tuple[str, tuple[tuple[str, str, str, bool], ...]], ...]
    """Outcome learned on, and a cell (accuracy, interval, shade class, whether it is the same outcome) a column."""


def transfer_of(selection: Mapping[str, Any]) -> Transfer | None:
    """Accuracy of the model taught on one outcome and asked about another; None without any."""
    block = {str(train): mapping(row) for train, row in mapping(selection.get("transfer")).items()}
    tested = tuple(dict.fromkeys(str(test) for row in block.values() for test in row))
    rows = tuple(
        (train, tuple(_heat(mapping(row.get(test)), train == test) for test in tested)) for train, row in block.items()
    )
    return Transfer(tested, rows) if tested else None


def _heat(cell: Mapping[str, Any], is_same: bool) -> tuple[str, str, str, bool]:
    mean = finite(cell.get("mean"))
    return fixed(mean), interval(cell.get("ci95"), 2, missing=""), shade(mean), is_same


def shade(accuracy: float | None) -> str:
    """Class of a heat-map cell: the further from chance, the stronger; above chance ``up``, below it ``down``."""
    if accuracy is None:
        return ""
    steps = min(STEPS, round(abs(accuracy - 0.5) * 2 * (STEPS + 1)))
    return f"{'up' if accuracy >= 0.5 else 'down'}{steps}"
