"""Every test on one table: what was tested, its estimate and interval, its p, the corrected one, and on how much."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ptp_core.report.learned import BRIEF
from ptp_core.report.lines import rows_of
from ptp_core.report.numbers import DASH, finite, fixed, interval, p_value, short
from ptp_core.report.strata import label_of
from ptp_core.report.study import Outcome, mapping

MOST_OPEN = 12
"""A longer table is folded away."""
MOST_ROWS = 400


@dataclass(frozen=True)
class Row:
    """One row, ready to print."""

    what: str
    against: str
    estimate: str
    interval: str
    p: str
    corrected: str
    n: str


@dataclass(frozen=True)
class Tested:
    """The tests of one outcome; ``n_more``: rows beyond what the page carries."""

    outcome: Outcome
    rows: tuple[Row, ...]
    is_folded: bool
    n_more: int


def all_tests(outcome: Outcome) -> Tested | None:
    """All tests of one outcome; None where there are none."""
    rows = [row for row in _all(outcome.data) if row.p != DASH]
    if not rows:
        return None
    return Tested(outcome, tuple(rows[:MOST_ROWS]), len(rows) > MOST_OPEN, max(0, len(rows) - MOST_ROWS))


def _all(data: Mapping[str, Any]) -> Iterator[Row]:
    indicators = {str(name): mapping(row) for name, row in mapping(data.get("indicators")).items()}
    for name, row in indicators.items():
        yield _accuracy(name, "chance", row)
        within = mapping(row.get("within"))
        if within:
            yield _accuracy(name, f"chance, same {within.get('factor', '')}", within)
    for row in rows_of(data.get("baselines")):
        yield _accuracy(str(row.get("name", "")), "chance", row)
    for block in rows_of(data.get("strata")):
        for name, row in mapping(block.get("indicators")).items():
            yield _accuracy(str(name), f"chance, {label_of(block)}", {"n_pairs": block.get("n_pairs"), **mapping(row)})
    for row in rows_of(data.get("differences")):
        yield _difference(row, {}, mapping(indicators.get(str(row.get("a")))).get("n_pairs"))
    learned = mapping(data.get("learned"))
    for row in rows_of(learned.get("comparisons")):
        yield _difference(row, BRIEF, None)


def _accuracy(name: str, against: str, row: Mapping[str, Any]) -> Row:
    q = finite(row.get("q"))
    corrected = p_value(row.get("p_holm")) if q is None else f"q {p_value(q)}"
    n = f"{short(row.get('n_pairs'), 7)} pairs"
    return Row(
        name, against, fixed(row.get("accuracy")), interval(row.get("ci95")), p_value(row.get("p")), corrected, n
    )


def _difference(row: Mapping[str, Any], labels: Mapping[str, str], n_pairs: object) -> Row:
    a, b = (labels.get(str(row.get(key)), str(row.get(key))) for key in ("a", "b"))
    n = "held-out variants" if n_pairs is None else f"{short(n_pairs, 7)} pairs"
    return Row(a, b, fixed(row.get("difference")), interval(row.get("ci95")), p_value(row.get("p")), DASH, n)
