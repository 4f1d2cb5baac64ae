"""How little is known is said once, of headlines."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from ptp_core.predict.audit import few
from ptp_core.predict.quantities import measured
from ptp_core.predict.wording import listed, p_value
from ptp_core.table.schema import from_rows

MakeTable = Callable[..., pd.DataFrame]

ORDINARY = [50 + float(x) for x in np.random.default_rng(0).normal(size=25)]


def test_twenty_variants_are_few_and_twenty_one_are_not(make_table: MakeTable) -> None:
    (found,) = few.few_variants(measured(make_table({}, {"o": ORDINARY[:20]})))
    assert "With 20 variants" in found.sentence
    assert round(found.numbers["null_sd"], 3) == 0.081
    assert few.few_variants(measured(make_table({}, {"o": ORDINARY[:21]}))) == []


def test_what_is_true_of_a_headline_is_not_repeated_for_its_quantities(make_table: MakeTable) -> None:
    gap, other_gap = [None, *ORDINARY[1:]], [None, None, *ORDINARY[2:]]
    names = {"i": gap, "i.margin": gap, "i.prob": other_gap, "flat": [1.0] * 25, "flat@web": [1.0] * 25}
    data = measured(make_table(names, {"o": ORDINARY, "o.f1": ORDINARY}))
    found = few.lacking(data)
    assert [finding.sentence for finding in found if finding.kind == "missing"] == [
        "No indicator i for variant v0: left out wherever it is used.",
        "No indicator i.prob for variants v0 and v1: left out wherever it is used.",
    ]
    assert [finding.indicators for finding in found if finding.kind == "constant_indicator"] == [("flat",)]
    assert few.single_runs(data)[0].sentence.startswith("o: one fine-tuning run per variant")


def test_a_constant_outcome_is_grave_and_a_constant_indicator_a_warning(make_table: MakeTable) -> None:
    found = few.lacking(measured(make_table({"i": [1.0] * 5}, {"o": [2.0] * 5})))
    assert [(f.kind, f.severity) for f in found] == [("constant_outcome", "grave"), ("constant_indicator", "warning")]


def test_many_missing_numbers_are_a_warning(make_table: MakeTable) -> None:
    (some,) = few.lacking(measured(make_table({"i": [None, *ORDINARY[1:]]}, {"o": ORDINARY})))
    (many,) = few.lacking(measured(make_table({"i": [None] * 6 + ORDINARY[6:]}, {"o": ORDINARY})))
    assert (some.severity, many.severity) == ("note", "warning")


def test_seeds_of_fine_tuning_leave_those_of_pre_training_unmeasured(make_table: MakeTable) -> None:
    seeds = [[value, value + 1] for value in ORDINARY]
    data = measured(make_table({}, {"o": seeds}))
    assert few.single_runs(data) == []
    assert [finding.kind for finding in few.one_pretraining(data)] == ["one_pretraining"]
    seeded = measured(make_table({}, {"o": seeds}, {"seed": [float(i % 2) for i in range(25)]}))
    assert few.one_pretraining(seeded) == []


def test_tables_without_a_variant_in_common_are_grave(make_table: MakeTable) -> None:
    halves = make_table({"i": [1.0, 2.0, None, None]}, {"o": [None, None, 3.0, 4.0]})
    (found,) = few.strangers(measured(halves))
    assert (found.severity, found.numbers) == ("grave", {"n_with_indicator": 2, "n_with_outcome": 2})


def test_notes_weigh_more_where_like_is_not_compared_with_like() -> None:
    rows = [
        {"variant": f"v{i}", "kind": "outcome", "name": "o", "value": 1.0 * i, "higher_is_better": True, "source": "a",
         "split": split, "checkpoint_tokens": 100 * (i + 1)}
        for i, split in enumerate(["a", "b", "a"])
    ]  # fmt: skip
    data = measured(from_rows(rows))
    found = few.averaged(data, checkpoints_said=False)
    assert sorted(finding.severity for finding in found) == ["note", "warning"]
    assert [finding.severity for finding in few.averaged(data, checkpoints_said=True)] == ["warning"]


def test_lists_and_p_values_read_well() -> None:
    assert listed(["a"]) == "a"
    assert listed(["a", "b", "c"]) == "a, b and c"
    assert listed(list("abcdefghij")) == "a, b, c, d, e, f, g, h and 2 more"
    assert (p_value(0.0301), p_value(1e-9), p_value(None)) == ("p = 0.03", "p < 0.001", "not testable")
