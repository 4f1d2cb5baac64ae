"""The whole decision: its keys, its abstentions, and that nothing breaks it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from ptp_core.predict.decide.decision import decide
from ptp_core.predict.quantities import Floats, Measured
from tests.predict.decide.studies import QUICK, correlated, judged_case, study


def decided(data: Measured, learned: Floats | None = None, **block: Any) -> dict[str, Any]:
    case, judged = judged_case(data)
    for indicator in judged["indicators"].values():
        indicator.update(block)
    out_of_fold = np.full(len(case.variants), np.nan) if learned is None else learned
    return decide(case, judged, out_of_fold, QUICK, data)


def test_a_decision_has_its_keys_and_is_json() -> None:
    scores, y = correlated(20, 0.7, np.random.default_rng(0))
    decision = decided(study(y, {"a": scores}, {"lr": scores}, seeds=3, seed_sd=0.1), learned=y)
    assert set(decision) == {"strategies", "shortlist", "power", "next", "p_top", "abstain"}
    assert json.loads(json.dumps(decision)) == decision


def test_equal_inputs_give_equal_decisions() -> None:
    scores, y = correlated(15, 0.5, np.random.default_rng(1))
    data = study(y, {"a": scores}, seeds=2, seed_sd=0.3)
    assert decided(data) == decided(data)


NAN = float("nan")

ODD = {
    "four variants": study(np.array([1.0, 3.0, 2.0, 4.0]), {"a": np.array([1.0, 2.0, 3.0, 4.0])}),
    "a constant indicator": study(np.arange(6.0), {"a": np.zeros(6)}),
    "all outcomes tied": study(np.zeros(6), {"a": np.arange(6.0)}),
    "all outcomes tied over seeds": study(np.zeros(6), {"a": np.arange(6.0)}, seeds=3, seed_sd=0.0),
    "an indicator nobody has": study(np.arange(6.0), {"a": np.full(6, NAN)}),
    "an indicator that two have": study(np.arange(6.0), {"a": np.array([1.0, 2.0, NAN, NAN, NAN, NAN])}),
    "an indicator that some lack": study(np.arange(6.0), {"a": np.array([NAN, 2.0, 3.0, 1.0, NAN, 5.0])}),
    "no indicator": study(np.arange(6.0), {}),
    "a setting with gaps": study(np.arange(6.0), {}, {"lr": np.array([NAN, 1.0, 1.0, 2.0, 2.0, NAN])}),
    "outcomes to come": study(np.array([1.0, 2.0, 4.0, 3.0, NAN, NAN, 5.0, 6.0, 7.0]), {"a": np.arange(9.0)}),
    "a tie at the top with seeds": study(np.array([1.0, 2.0, 5.0, 5.0]), {"a": np.arange(4.0)}, seeds=2, seed_sd=0.5),
}


@pytest.mark.parametrize("odd", ODD)
def test_a_decision_can_be_made_of_anything(odd: str) -> None:
    decision = decided(ODD[odd])
    json.dumps(decision)
    assert decision["strategies"][-1]["kind"] == "chance"
    assert all(sentence.endswith(".") and "nan" not in sentence for sentence in decision["abstain"]["why"])


def test_names_from_the_json_may_be_missing_as_none() -> None:
    decision = decided(
        study(np.arange(6.0), {"a": np.arange(6.0)}), accuracy=None, p=None, p_holm=None, ci95=[None, None]
    )
    assert decision["shortlist"] is None
    assert decision["power"]["for_indicator"] is None
    assert decision["abstain"]["indicator"]


def test_with_one_run_each_it_abstains_on_the_best() -> None:
    abstain = decided(study(np.arange(20.0), {"a": np.arange(20.0)}))["abstain"]
    assert (abstain["best"], abstain["indicator"]) == (True, False)
    assert "One run per variant" in abstain["why"][0]


def test_a_clear_best_and_a_clear_indicator_leave_nothing_to_abstain_from() -> None:
    decision = decided(study(np.arange(20.0), {"a": np.arange(20.0)}, seeds=3, seed_sd=0.1))
    assert decision["abstain"] == {"best": False, "indicator": False, "why": []}
    assert decision["p_top"][0] > 0.99


def test_a_lead_within_the_noise_is_abstained_from_and_the_seeds_it_takes_are_said() -> None:
    y = np.array([*np.arange(10.0), 9.1])
    abstain = decided(study(y, {"a": y}, seeds=3, seed_sd=0.5))["abstain"]
    assert abstain["best"]
    assert "seeds per variant" in " ".join(abstain["why"])


def test_an_indicator_is_abstained_from_by_holms_p_else_by_its_own() -> None:
    data = study(np.arange(20.0), {"a": np.arange(20.0)})
    assert not decided(data)["abstain"]["indicator"]
    corrected = decided(data, p_holm=0.3)["abstain"]
    assert corrected["indicator"]
    assert "after Holm's correction" in " ".join(corrected["why"])


def test_an_indicator_that_is_shown_to_be_worse_than_chance_is_no_indicator() -> None:
    abstain = decided(study(np.arange(20.0), {"a": -np.arange(20.0)}))["abstain"]
    assert abstain["indicator"]
    assert "Worse than chance: a." in abstain["why"]


def test_further_quantities_of_an_indicator_are_no_strategies() -> None:
    y = np.arange(12.0)
    decision = decided(study(y, {"a": y, "a.acc_norm": y}))
    assert [block["name"] for block in decision["strategies"]] == ["a", "chance"]


def test_variants_to_come_are_listed_and_measured_ones_are_not() -> None:
    scores, y = correlated(15, 0.8, np.random.default_rng(4))
    y[[2, 5]] = np.nan
    decision = decided(study(y, {"a": scores}))
    assert {row["variant"] for row in decision["next"]["variants"]} == {"v2", "v5"}
    assert decided(replace(study(np.arange(15.0), {"a": scores})))["next"] is None


@pytest.mark.slow
def test_a_thousand_variants_take_seconds() -> None:
    from time import process_time

    rng = np.random.default_rng(5)
    y = rng.normal(size=1000)
    data = study(y, {f"i{k}": y + rng.normal(size=1000) for k in range(10)}, seeds=3, seed_sd=0.1)
    case, _ = judged_case(study(y, {}))
    block = {"accuracy": 0.7, "ci95": [0.6, 0.8], "p": 0.001, "n_variants": 1000}
    judged = {"indicators": dict.fromkeys(data.indicators, block), "configuration": {}}
    case = replace(case, indicators=data.indicators, outcome=data.outcomes["y"])
    start = process_time()
    decide(case, judged, y, QUICK.model_copy(update={"bootstraps": 2000}), data)
    assert process_time() - start < 8
