"""What is claimed and what is only explored: the headlines are few, their further quantities may be dozens."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ptp_core.predict.judge.singles import correct_for_many
from ptp_core.predict.quantities import Measured
from ptp_core.table.names import headlines


@dataclass(frozen=True)
class Claims:
    """The outcomes and indicators of the confirmatory tests, in their order in the table; all others are explored."""

    outcomes: tuple[str, ...]
    indicators: tuple[str, ...]


def claims_of(data: Measured, primary: Mapping[str, str | None]) -> Claims:
    """The headlines, and what the spec names as ``primary``."""

    def chosen(known: Mapping[str, object], named: str | None) -> tuple[str, ...]:
        wanted = {*headlines(known), named}
        return tuple(name for name in known if name in wanted)

    return Claims(chosen(data.outcomes, primary["outcome"]), chosen(data.indicators, primary["indicator"]))


def correct(claims: Claims, outcomes: Mapping[str, Mapping[str, Any]]) -> None:
    """Fill ``p_holm`` or ``q`` of every test in the JSON blocks of ``outcomes``.

    What was measured is one set of tests, what was configured is a set of baselines; each is corrected by itself.
    """
    for section in ("indicators", "configuration"):
        confirmatory: list[dict[str, Any]] = []
        exploratory: list[dict[str, Any]] = []
        for outcome, block in outcomes.items():
            for name, single in block[section].items():
                is_claim = outcome in claims.outcomes and (section == "configuration" or name in claims.indicators)
                (confirmatory if is_claim else exploratory).append(single)
        correct_for_many(confirmatory, exploratory)
