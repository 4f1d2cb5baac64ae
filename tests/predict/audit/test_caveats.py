"""Copies and collapsed variants are found; an ordinary tail is left in peace."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from ptp_core.predict.audit.caveats import caveats, collapsed
from ptp_core.predict.quantities import measured
from ptp_core.predict.wording import listed, p_value

MakeTable = Callable[..., pd.DataFrame]

ORDINARY = [50 + float(x) for x in np.random.default_rng(0).normal(size=25)]


def test_a_variant_that_fell_to_nothing_has_collapsed(make_table: MakeTable) -> None:
    data = measured(make_table({"i": ORDINARY}, {"o": [*ORDINARY[:-1], 0.2]}))
    assert collapsed(data.outcomes["o"]) == [24]
    assert collapsed(data.indicators["i"]) == []
    assert any("v24 has collapsed on o: 0.2" in sentence for sentence in caveats(data))


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


def test_copies_are_grouped(make_table: MakeTable) -> None:
    copied = [*ORDINARY[:20], *ORDINARY[:2]]
    sentences = caveats(measured(make_table({"i": copied}, {"o": copied})))
    assert [s.split(" agree")[0] for s in sentences if "agree exactly" in s] == [
        "Variants v0 and v20",
        "Variants v1 and v21",
    ]


def test_lists_and_p_values_read_well() -> None:
    assert listed(["a"]) == "a"
    assert listed(["a", "b", "c"]) == "a, b and c"
    assert listed(list("abcdefghij")) == "a, b, c, d, e, f, g, h and 2 more"
    assert (p_value(0.0301), p_value(1e-9), p_value(None)) == ("p = 0.03", "p < 0.001", "not testable")


def test_what_is_true_of_a_headline_is_not_repeated_for_its_quantities(make_table: MakeTable) -> None:
    gap, other_gap = [None, *ORDINARY[1:]], [None, None, *ORDINARY[2:]]
    fallen = [*ORDINARY[:-1], 0.2]
    names = {"i": gap, "i.margin": gap, "i.prob": other_gap, "flat": [1.0] * 25, "flat@web": [1.0] * 25}
    sentences = caveats(measured(make_table(names, {"o": fallen, "o.f1": fallen})))
    assert [s for s in sentences if s.startswith("No indicator")] == [
        "No indicator i for variants v0: left out wherever it is used.",
        "No indicator i.prob for variants v0 and v1: left out wherever it is used.",
    ]
    assert len([s for s in sentences if "the same for all variants" in s]) == 1
    assert len([s for s in sentences if "collapsed" in s]) == 1
    assert any(s.startswith("o: one fine-tuning run per variant") for s in sentences)
