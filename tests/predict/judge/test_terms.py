"""What judgements of one outcome share."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from ptp_core.predict.case import case_of
from ptp_core.predict.judge.terms import Terms, agreeing, terms_of
from ptp_core.predict.quantities import measured
from ptp_core.spec.select import Select

MakeTable = Callable[..., pd.DataFrame]


def test_a_variant_of_unknown_cluster_is_one_by_itself_and_of_an_unknown_factor_stays_unknown(
    make_table: MakeTable,
) -> None:
    table = make_table({}, {"sft": list(range(6))}, {"recipe": ["a", "a", "b", "b", "c", "c"]})
    table = table[~((table["kind"] == "config") & table["variant"].isin(["v0", "v3"]))]
    case = case_of(measured(table), "sft")
    terms = terms_of(case, Select(clusters="recipe", nuisance="recipe"))
    assert terms.clusters is not None
    assert terms.nuisance is not None
    assert len(np.unique(terms.clusters)) == 5
    assert terms.clusters[4] == terms.clusters[5]
    assert (terms.nuisance == -1).tolist() == [True, False, False, True, False, False]


def test_variants_that_agree_in_all_columns_share_a_code_and_two_blanks_agree() -> None:
    codes = agreeing([np.array([0, 0, 0, -1, -1]), np.array([1, 1, 2, 3, 3])], 5)
    assert codes[0] == codes[1] != codes[2]
    assert codes[3] == codes[4]
    assert agreeing([], 3).tolist() == [0, 0, 0]


def test_a_thousand_variants_get_fewer_shuffles_and_never_more_than_asked() -> None:
    few, many = (Terms(np.zeros(n), Select()) for n in (50, 1000))
    assert (few.permutations, many.permutations) == (5000, 500)
    assert Terms(np.zeros(50), Select(permutations=100)).permutations == 100
