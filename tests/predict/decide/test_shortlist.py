"""Which variants are put forward, by what, and in which words."""

from __future__ import annotations

from typing import Any

import numpy as np

from ptp_core.predict.decide.decision import decide
from ptp_core.predict.quantities import Floats, Measured
from ptp_core.spec.select import Primary, Select
from tests.predict.decide.studies import QUICK, correlated, judged_case, study

RNG_SEED = 3


def decided(data: Measured, select: Select = QUICK, learned: Floats | None = None) -> dict[str, Any]:
    case, judged = judged_case(data, select)
    out_of_fold = np.full(len(case.variants), np.nan) if learned is None else learned
    return decide(case, judged, out_of_fold, select, data)


def two_indicators(n: int = 30) -> Measured:
    rng = np.random.default_rng(RNG_SEED)
    y = rng.normal(size=n)
    return study(y, {"close": y + 0.5 * rng.normal(size=n), "loose": y + 2 * rng.normal(size=n)})


def test_the_budget_is_the_size_of_the_list() -> None:
    chosen = decided(two_indicators(), QUICK.model_copy(update={"budget": 5}))["shortlist"]
    assert (chosen["k"], len(chosen["variants"]), chosen["runs_saved"]) == (5, 5, 25)
    assert chosen["note"].startswith("Had you fine-tuned only these 5 of 30 variants, the first by close")


def test_a_budget_beyond_the_variants_takes_them_all() -> None:
    chosen = decided(two_indicators(), QUICK.model_copy(update={"budget": 99}))["shortlist"]
    assert (chosen["k"], chosen["p_best"], chosen["has_best"], chosen["runs_saved"]) == (30, 1, 1, 0)


def test_by_default_the_list_is_the_shortest_that_reaches_the_confidence() -> None:
    data = two_indicators()
    chosen = decided(data)["shortlist"]
    one_less = decided(data, QUICK.model_copy(update={"budget": chosen["k"] - 1}))["shortlist"]
    assert one_less["p_best"] < 0.95 <= chosen["p_best"]
    assert "does not reach" in one_less["note"]


def test_the_indicator_whose_interval_ends_highest_makes_the_list_and_the_choice_is_owned_up_to() -> None:
    chosen = decided(two_indicators())["shortlist"]
    assert chosen["by"] == "close"
    assert "picked on these outcomes" in chosen["note"]


def test_an_indicator_named_beforehand_is_kept_even_if_another_is_better() -> None:
    named = QUICK.model_copy(update={"primary": Primary(outcome="y", indicator="loose")})
    data = two_indicators()
    chosen = decided(data, named, learned=data.outcomes["y"].values)["shortlist"]
    assert chosen["by"] == "loose"
    assert "named beforehand" in chosen["note"]


def test_the_learned_model_makes_the_list_only_where_it_is_clearly_more_accurate() -> None:
    data = two_indicators()
    close, y = data.indicators["close"].values, data.outcomes["y"].values
    assert decided(data, learned=y)["shortlist"]["by"] == "learned"
    a_little_better = close + 0.05 * (y - close)
    assert decided(data, learned=a_little_better)["shortlist"]["by"] == "close"


def test_a_setting_that_does_as_well_is_named() -> None:
    rng = np.random.default_rng(0)
    scores, y = correlated(30, 0.4, rng)
    assert "The setting lr" in decided(study(y, {"a": scores}, {"lr": y}))["shortlist"]["note"]


def test_a_list_cut_at_a_tie_says_so() -> None:
    y = np.arange(12.0)
    select = QUICK.model_copy(update={"budget": 2})
    assert "tied" in decided(study(y, {"a": np.repeat([0.0, 1.0], 6)}), select)["shortlist"]["note"]


def test_there_is_no_list_without_an_indicator() -> None:
    assert decided(study(np.arange(8.0), {}))["shortlist"] is None
