"""Collapsed variants are found and an ordinary tail is left in peace."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from ptp_core.predict.audit.collapse import collapsed, collapses, diverged
from ptp_core.predict.quantities import measured

MakeTable = Callable[..., pd.DataFrame]

ORDINARY = [50 + float(x) for x in np.random.default_rng(0).normal(size=25)]


def test_a_variant_that_fell_to_nothing_has_collapsed_and_is_left_out(make_table: MakeTable) -> None:
    data = measured(make_table({"i": ORDINARY}, {"o": [*ORDINARY[:-1], 0.2]}))
    assert collapsed(data.outcomes["o"]) == [24]
    assert collapsed(data.indicators["i"]) == []
    (found,) = collapses(data, leave_out=True)
    assert found.sentence.startswith("Variant v24 has collapsed on o: 0.2, where the median is")
    assert (found.variants, found.outcomes, found.action) == (("v24",), ("o",), "left out")
    assert found.sentence.endswith("it is left out.")
    (kept,) = collapses(data, leave_out=False)
    assert (kept.action, kept.sentence[-11:]) == ("kept", "it is kept.")


def test_an_indicator_that_is_wrong_about_a_sound_variant_is_not_spared_it(make_table: MakeTable) -> None:
    (found,) = collapses(measured(make_table({"i": [*ORDINARY[:-1], 0.2]}, {"o": ORDINARY})), leave_out=True)
    assert (found.indicators, found.action) == (("i",), "kept")


def test_a_variant_left_out_for_its_outcome_is_left_out_of_every_finding_on_it(make_table: MakeTable) -> None:
    fallen = [*ORDINARY[:-1], 0.2]
    found = collapses(measured(make_table({"i": fallen}, {"o": fallen})), leave_out=True)
    assert [finding.action for finding in found] == ["left out", "left out"]


def test_a_loss_collapses_upwards_and_a_very_good_score_has_not_collapsed(make_table: MakeTable) -> None:
    data = measured(make_table({"i": ORDINARY}, {"loss": [*ORDINARY[:-1], 900.0], "score": [*ORDINARY[:-1], 900.0]},
                               lower_is_better=["loss"]))  # fmt: skip
    assert collapsed(data.outcomes["loss"]) == [24]
    assert collapsed(data.outcomes["score"]) == []


def test_many_variants_far_off_are_a_group_of_their_own(make_table: MakeTable) -> None:
    data = measured(make_table({"i": ORDINARY}, {"o": [*ORDINARY[:-5], 0.1, 0.2, 0.3, 0.4, 0.5]}))
    assert collapsed(data.outcomes["o"]) == []


def test_perplexities_are_compared_by_their_logarithms(make_table: MakeTable) -> None:
    ppl = [float(x) for x in np.exp(np.random.default_rng(0).normal(3.0, 1.0, size=25))]
    spread, lost = {"ppl": [*ppl[:-1], max(ppl) * 3]}, {"ppl": [*ppl[:-1], 1e9]}
    assert collapsed(measured(make_table(spread, {"o": ORDINARY}, lower_is_better=["ppl"])).indicators["ppl"]) == []
    assert collapsed(measured(make_table(lost, {"o": ORDINARY}, lower_is_better=["ppl"])).indicators["ppl"]) == [24]


@pytest.mark.parametrize("draw", ["normal", "exponential", "standard_cauchy"])
def test_random_tables_rarely_hold_a_collapse(make_table: MakeTable, draw: str) -> None:
    rng = np.random.default_rng(1)
    found = 0
    for _ in range(20):
        values = 50 + getattr(rng, draw)(size=20)
        found += len(collapsed(measured(make_table({}, {"o": values.tolist()})).outcomes["o"]))
    assert found <= 4


def test_what_is_true_of_a_headline_is_not_repeated_for_its_quantities(make_table: MakeTable) -> None:
    fallen = [*ORDINARY[:-1], 0.2]
    assert len(collapses(measured(make_table({}, {"o": fallen, "o.f1": fallen})), leave_out=True)) == 1


def test_a_variant_that_is_configured_and_never_measured_is_missed(make_table: MakeTable) -> None:
    table = make_table({"i": ORDINARY[:5]}, {"o": ORDINARY[:5]}, {"lr": [1, 2, 3, 4, 5, 6]})
    (found,) = diverged(table, measured(table))
    assert (found.kind, found.variants) == ("diverged", ("v5",))
    whole = table[table["variant"] != "v5"]
    assert diverged(whole, measured(whole)) == []
