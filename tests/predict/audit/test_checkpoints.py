"""Ends of training compared with checkpoints on the way are found; checkpoints that all share are not."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from ptp_core.predict.audit.checkpoints import mixed_checkpoints
from ptp_core.predict.audit.finding import Finding
from ptp_core.predict.quantities import measured
from ptp_core.table.schema import from_rows


def found(
    indicator: Sequence[int | None], outcome: Sequence[int | None], tokens: Sequence[int] | None = None
) -> list[Finding]:
    rows: list[dict[str, object]] = []
    for kind, name, places in (("indicator", "i", indicator), ("outcome", "o", outcome)):
        for i, place in enumerate(places):
            rows.append({"variant": f"v{i}", "kind": kind, "name": name, "value": float(i), "source": "a",
                         "checkpoint_tokens": place, "higher_is_better": True})  # fmt: skip
    for i, total in enumerate(tokens or ()):
        rows.append({"variant": f"v{i}", "kind": "config", "name": "tokens", "value": float(total), "source": "a"})
    table: pd.DataFrame = from_rows(rows)
    return mixed_checkpoints(table, measured(table))


def test_an_end_is_not_compared_with_the_way_in_silence() -> None:
    (finding,) = found([1000, 1000, 500, 1000], [1000] * 4)
    assert (finding.severity, finding.variants, finding.indicators) == ("warning", ("v2",), ("i",))
    assert (finding.outcomes, finding.numbers["fewest_tokens"]) == ((), 500.0)
    assert "i was measured on the way for variants v2" in finding.sentence


def test_the_configuration_says_where_the_end_is() -> None:
    (finding,) = found([1000] * 4, [1000] * 4, tokens=[1000, 1000, 1000, 4000])
    assert (finding.severity, finding.variants) == ("warning", ("v3",))
    assert (finding.indicators, finding.outcomes) == (("i",), ("o",))


def test_an_early_checkpoint_of_every_variant_compares_like_with_like() -> None:
    assert found([500] * 4, [1000] * 4) == []
    assert found([500] * 4, [None] * 4) == []
    assert found([None] * 4, [None] * 4) == []


def test_trainings_of_unequal_length_are_a_note() -> None:
    (finding,) = found([500, 1000, 2000, 4000], [500, 1000, 2000, 4000], tokens=[500, 1000, 2000, 4000])
    assert (finding.severity, finding.variants) == ("note", ())
    assert "i and o were measured after different numbers of pre-training tokens (500 to 4000)" in finding.sentence


def test_a_step_before_the_end_is_the_end() -> None:
    assert found([999, 1000, 1000, 999], [1000] * 4) == []
