"""What makes an accuracy doubtful is said wherever the accuracy is: in the headline and beside the shortlist."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ptp_core.errors import UserError
from ptp_core.predict.analysis import analyze
from ptp_core.spec.select import Primary, Select
from tests.predict.conftest import MakeTable

QUICK: dict[str, Any] = {"bootstraps": 100, "permutations": 200, "splits": 2}
NAMED = Select(primary=Primary(outcome="o", indicator="i"), **QUICK)


def _leaking() -> tuple[dict[str, list[float]], list[float]]:
    rng = np.random.default_rng(0)
    outcome = rng.normal(size=30)
    indicators = {"i": outcome + 1e-3 * rng.normal(size=30), "honest": outcome + 0.8 * rng.normal(size=30)}
    return {name: column.tolist() for name, column in indicators.items()}, outcome.tolist()


def test_a_leak_is_no_evidence_in_the_headline_and_no_reason_to_trust_its_list(make_table: MakeTable) -> None:
    indicators, outcome = _leaking()
    result = analyze(make_table(indicators, {"o": outcome}), NAMED, "s")
    assert "better than chance" not in result["verdict"]["headline"]
    assert "proves nothing" in result["verdict"]["headline"]
    assert "Do not rely on this list" in result["outcomes"]["o"]["decision"]["shortlist"]["note"]
    assert any("It was given i, which leaks the outcome" in sentence for sentence in result["verdict"]["details"])


def test_an_honest_indicator_goes_before_a_leak_that_nobody_named(make_table: MakeTable) -> None:
    indicators, outcome = _leaking()
    result = analyze(make_table(indicators, {"o": outcome}), Select(**QUICK), "s")
    assert "honest, known before fine-tuning" in result["verdict"]["headline"]
    assert result["outcomes"]["o"]["decision"]["shortlist"]["by"] == "honest"


@pytest.mark.parametrize("shared", [True, False])
def test_an_indicator_that_mirrors_a_setting_is_doubted_in_the_headline(make_table: MakeTable, shared: bool) -> None:
    rng = np.random.default_rng(1)
    tokens = np.repeat(np.arange(8.0), 5) if shared else np.arange(40.0)
    outcome = tokens + rng.normal(size=40)
    indicator = tokens + rng.normal(size=40) * (0.3 if shared else 8)
    config = {"size": (1 + tokens).tolist()}
    result = analyze(make_table({"i": indicator.tolist()}, {"o": outcome.tolist()}, config), NAMED, "s")
    assert result["outcomes"]["o"]["indicators"]["i"]["verdict"] == "confounded"
    assert "what it knows may be the setting" in result["verdict"]["headline"]
    assert "may rest on a setting alone" in result["outcomes"]["o"]["decision"]["shortlist"]["note"]


def test_the_claim_named_beforehand_stands_by_its_own_p_everywhere(make_table: MakeTable) -> None:
    rng = np.random.default_rng(3)
    outcome = rng.normal(size=12)
    indicators = {f"n{j}": rng.normal(size=12).tolist() for j in range(12)}
    indicators["i"] = (outcome + 1.3 * rng.normal(size=12)).tolist()
    result = analyze(make_table(indicators, {"o": outcome.tolist()}), NAMED, "s")
    block = result["outcomes"]["o"]
    single = block["indicators"]["i"]
    assert single["p"] <= 0.05 < single["p_holm"]
    assert single["verdict"] == "better"
    assert "i, known before fine-tuning, orders the variants better" in result["verdict"]["headline"]
    assert block["decision"]["abstain"]["indicator"] is False


@pytest.mark.parametrize("key", ["chance", "ceiling"])
def test_a_misspelt_outcome_is_refused_and_the_right_one_proposed(make_table: MakeTable, key: str) -> None:
    table = make_table({"i": [1, 2, 3, 4.0]}, {"score": [1, 2, 3, 4.0]})
    with pytest.raises(UserError, match=r'no such outcome.*did you mean "score"'):
        analyze(table, Select(**QUICK, **{key: {"scroe": 0.5}}), "s")
    with pytest.raises(UserError, match=r"select.published.paper: no such outcome"):
        analyze(table, Select(**QUICK, published={"paper": {"scroe": 0.5}}), "s")


def test_variants_not_yet_tuned_are_proposed_in_words(make_table: MakeTable) -> None:
    outcome: list[float | None] = [float(i) for i in range(10)]
    indicator = [float(i) + 0.3 * (i % 3) for i in range(10)]
    table = make_table({"i": [*indicator, 15.0, 1.0]}, {"o": [*outcome, None, None]})
    result = analyze(table, Select(**QUICK), "s")
    (sentence,) = [s for s in result["verdict"]["details"] if "fine-tune v10 next" in s]
    assert sentence.startswith("2 variants have no o yet")


def test_the_caution_about_few_variants_counts_those_with_the_outcome(make_table: MakeTable) -> None:
    outcome = [float(i) for i in range(5)]
    table = make_table({"i": [float(i % 7) for i in range(40)]}, {"o": [*outcome, *[None] * 35]})
    result = analyze(table, Select(**QUICK), "s")
    assert any(warning.startswith("With 5 variants") for warning in result["warnings"])


def test_four_variants_are_not_said_to_do_where_no_order_of_four_is_significant(make_table: MakeTable) -> None:
    result = analyze(make_table({"i": [1, 2, 3, 4.0]}, {"o": [1.0, 2.1, 2.9, 4.5]}), Select(**QUICK), "s")
    power = result["outcomes"]["o"]["decision"]["power"]["for_indicator"]
    assert (power["n_needed"], power["power_now"]) == (5, 0)


def test_a_setting_that_is_the_same_for_all_changes_no_number(make_table: MakeTable) -> None:
    rng = np.random.default_rng(0)
    outcome, rate = rng.normal(size=12).tolist(), rng.permutation([1.0, 2.0, 3.0] * 4).tolist()
    indicators = {"i": rng.normal(size=12).tolist()}
    without = analyze(make_table(indicators, {"o": outcome}, {"lr": rate}), Select(**QUICK), "s")
    constant = {"lr": rate, "tokens": [1e9] * 12, "tokenizer": ["bpe"] * 12}
    found = analyze(make_table(indicators, {"o": outcome}, constant), Select(**QUICK), "s")
    assert found.pop("configuration") != without.pop("configuration")  # it tells what there is
    assert found == without
