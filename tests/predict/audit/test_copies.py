"""Copies are grouped and the first is kept; coarse scores that agree by accident are not copies."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from ptp_core.predict.audit.copies import duplicates, ties
from ptp_core.predict.quantities import measured

MakeTable = Callable[..., pd.DataFrame]

ORDINARY = [50 + float(x) for x in np.random.default_rng(0).normal(size=25)]


def test_copies_are_grouped_and_the_first_is_kept(make_table: MakeTable) -> None:
    copied = [*ORDINARY[:20], *ORDINARY[:2], ORDINARY[0]]
    found = duplicates(measured(make_table({"i": copied}, {"o": copied})), leave_out=True)
    assert [finding.variants for finding in found] == [("v0", "v20", "v22"), ("v1", "v21")]
    assert [(finding.numbers["kept"], finding.action) for finding in found] == [("v0", "left out"), ("v1", "left out")]
    assert found[0].sentence.startswith("Variants v0, v20 and v22 agree exactly in all 2 numbers")
    (kept, _) = duplicates(measured(make_table({"i": copied}, {"o": copied})), leave_out=False)
    assert (kept.action, "all are kept" in kept.sentence) == ("kept", True)


def test_equal_in_all_but_one_number_is_no_copy(make_table: MakeTable) -> None:
    copied = [*ORDINARY[:20], ORDINARY[0]]
    assert duplicates(measured(make_table({"i": copied, "j": ORDINARY[:21]}, {"o": copied})), leave_out=True) == []


def test_variants_that_lack_the_same_numbers_may_be_copies_but_not_by_one_number_alone(make_table: MakeTable) -> None:
    copied, gap = [*ORDINARY[:20], ORDINARY[0]], [None, *ORDINARY[1:20], None]
    two = duplicates(measured(make_table({"i": copied, "j": gap}, {"o": copied})), leave_out=True)
    assert [(finding.variants, finding.numbers["n_numbers"]) for finding in two] == [(("v0", "v20"), 2)]
    assert duplicates(measured(make_table({"i": gap}, {"o": copied})), leave_out=True) == []


def test_coarse_scores_that_agree_are_no_ground_to_leave_a_variant_out(make_table: MakeTable) -> None:
    rng = np.random.default_rng(3)
    coarse = {name: rng.integers(0, 5, size=30).astype(float).tolist() for name in ("i", "o")}
    found = duplicates(measured(make_table({"i": coarse["i"]}, {"o": coarse["o"]})), leave_out=True)
    assert found
    assert {(finding.severity, finding.action) for finding in found} == {("note", "kept")}


def test_a_table_of_one_value_is_not_emptied(make_table: MakeTable) -> None:
    found = duplicates(measured(make_table({"i": [1] * 6}, {"o": [2] * 6})), leave_out=True)
    assert [finding.action for finding in found] == ["kept"]


def test_ties_are_counted_in_pairs() -> None:
    assert ties(np.array([1.0, 1.0, 1.0, 2.0, 2.0, 3.0])) == 4
