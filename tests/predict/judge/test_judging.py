"""The judgement of an outcome as a whole: the published figures, the order of variants, what a reader is given."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ptp_core.errors import UserError
from ptp_core.predict.case import Case, case_of
from ptp_core.predict.judge.claims import Claims
from ptp_core.predict.judge.judging import judge
from ptp_core.predict.quantities import measured
from ptp_core.spec.select import Select

MakeTable = Callable[..., pd.DataFrame]
OUTCOMES = ("sft_cms", "sft_rag", "sft_cbqa")
INDICATORS = ("ppl_clm", "ppl_sc", "kshot_cms", "kshot_rag", "kshot_cbqa")


@pytest.fixture(scope="module")
def cases(published_table: pd.DataFrame) -> dict[str, Case]:
    data = measured(published_table)
    return {outcome: case_of(data, outcome) for outcome in OUTCOMES}


@pytest.fixture(scope="module")
def claims(cases: dict[str, Case]) -> Claims:
    return Claims(OUTCOMES, tuple(cases["sft_cms"].indicators))


@pytest.fixture(scope="module")
def judged(cases: dict[str, Case], claims: Claims) -> dict[str, Any]:
    select = Select(nuisance="lr", bootstraps=500, permutations=1000)
    return {outcome: judge(case, select, claims, {}) for outcome, case in cases.items()}


EQUAL_LR = {
    "ppl_sc": (0.546, 0.563, 0.528),
    "kshot_rag": (0.542, 0.671, 0.493),
    "ppl_clm": (0.338, 0.434, 0.380),
    "kshot_cms": (0.688, 0.718, 0.537),
    "kshot_cbqa": (0.615, 0.601, 0.630),
}


def stratum(block: dict[str, Any], factor: str, kind: str) -> dict[str, Any]:
    (found,) = (entry for entry in block["strata"] if (entry["factor"], entry["kind"]) == (factor, kind))
    return dict(found)


@pytest.mark.parametrize("indicator", INDICATORS)
def test_the_published_pairs_of_equal_learning_rate_are_hit(judged: dict[str, Any], indicator: str) -> None:
    equal = [stratum(judged[outcome], "lr", "equal") for outcome in OUTCOMES]
    assert [entry["n_pairs"] for entry in equal] == [315] * 3
    found = [entry["indicators"][indicator]["accuracy"] for entry in equal]
    assert found == pytest.approx(EQUAL_LR[indicator], abs=0.001)


def test_within_the_nuisance_factor_is_what_the_stratum_says(judged: dict[str, Any]) -> None:
    for outcome in OUTCOMES:
        equal = stratum(judged[outcome], "lr", "equal")
        for name, single in judged[outcome]["indicators"].items():
            within = single["within"]
            assert within["factor"] == "lr"
            assert within["accuracy"] == equal["indicators"][name]["accuracy"]
            assert within["n_pairs"] == equal["n_pairs"] - equal["n_outcome_ties"]
            assert within["ci95"][0] < within["accuracy"] < within["ci95"][1]
    assert (
        judged["sft_cms"]["indicators"]["ppl_sc"]["p"] < 0.01 < judged["sft_cms"]["indicators"]["ppl_sc"]["within"]["p"]
    )


def test_a_setting_is_at_chance_within_itself(judged: dict[str, Any]) -> None:
    within = judged["sft_cms"]["configuration"]["lr"]["within"]
    assert (within["accuracy"], within["p"]) == (0.5, 1.0)


AS_GIVEN = {
    "ppl_clm": (0.327, 0.372, 0.348),
    "ppl_sc": (0.698, 0.620, 0.610),
    "kshot_cms": (0.572, 0.566, 0.528),
    "kshot_rag": (0.695, 0.765, 0.708),
    "kshot_cbqa": (0.468, 0.430, 0.461),
}
"""Share of the pairs i < j of the published table with (x_i > x_j) == (y_i > y_j)."""


@pytest.mark.parametrize("indicator", INDICATORS)
def test_the_convention_of_the_paper_judges_all_pairs_in_the_order_of_its_numbering(
    cases: dict[str, Case], claims: Claims, indicator: str
) -> None:
    select = Select(convention="paper", bootstraps=100, permutations=100, splits=2)
    for i, outcome in enumerate(OUTCOMES):
        single = judge(cases[outcome], select, Claims(OUTCOMES, ()), {})["indicators"][indicator]
        assert single["accuracy"] == pytest.approx(AS_GIVEN[indicator][i], abs=0.0006)
        assert single["n_pairs"] == 1225


def test_the_order_of_variants_changes_no_accuracy(cases: dict[str, Case], claims: Claims) -> None:
    case = cases["sft_rag"]
    order = np.random.default_rng(0).permutation(50)
    moved = permuted(case, order)
    select = Select(nuisance="lr", bootstraps=100, permutations=100, splits=2)
    one, other = (accuracies(judge(which, select, claims, {})) for which in (case, moved))
    assert one == other


def permuted(case: Case, order: np.ndarray) -> Case:
    """The same variants in another order (``Case.at`` takes indices as well as masks for all arrays)."""
    from dataclasses import replace

    def moved(quantity: Any) -> Any:
        return replace(
            quantity, **{k: getattr(quantity, k)[order] for k in ("values", "n_seeds", "squares", "item_errors")}
        )

    return Case(
        outcome=moved(case.outcome),
        variants=tuple(case.variants[i] for i in order),
        indicators={name: moved(q) for name, q in case.indicators.items()},
        numbers={name: values[order] for name, values in case.numbers.items()},
        words={name: tuple(values[i] for i in order) for name, values in case.words.items()},
    )


def accuracies(block: dict[str, Any]) -> dict[str, Any]:
    """All that involves no random draw."""
    singles = {
        (section, name): {k: v for k, v in single.items() if k not in ("ci95", "p", "p_holm", "q", "within")}
        | {"within": single["within"]["accuracy"]}
        for section in ("indicators", "configuration")
        for name, single in block[section].items()
    }
    inside = {
        (e["factor"], e["kind"]): (
            [round(i["accuracy"], 12) for i in e["indicators"].values()],
            e["n_pairs"],
            [(level["value"], level["n_pairs"], level["indicators"]) for level in e["levels"]],
        )
        for e in block["strata"]
    }
    by_gap = [
        (e["low"], e["high"], e["n_pairs"], [i["accuracy"] for i in e["indicators"].values()]) for e in block["gaps"]
    ]
    compared = {(e["a"], e["b"]): e["difference"] for e in block["differences"]}
    return {"singles": singles, "strata": inside, "gaps": by_gap, "differences": compared}


def test_the_block_is_plain_json_and_the_same_every_time(cases: dict[str, Case], claims: Claims) -> None:
    select = Select(bootstraps=100, permutations=100, splits=2)
    one, two = (json.dumps(judge(cases["sft_cms"], select, claims, {})) for _ in range(2))
    assert one == two
    assert list(json.loads(one)) == ["indicators", "configuration", "baselines", "strata", "gaps", "differences"]


@pytest.mark.parametrize("field", ["nuisance", "clusters"])
def test_an_unknown_column_is_refused_with_the_nearest_known_one(cases: dict[str, Case], field: str) -> None:
    with pytest.raises(
        UserError, match=rf'select\.{field}: no such configuration column; got .objectve.; did you mean "objective"'
    ):
        judge(cases["sft_cms"], Select(**{field: "objectve"}), Claims((), ()), {})


def test_an_indicator_that_mirrors_a_setting_is_at_chance_within_it(make_table: MakeTable, quick: Select) -> None:
    rng = np.random.default_rng(0)
    lr = np.repeat([1.0, 2.0, 3.0, 4.0], 15)
    columns = {"mirror": lr + 0.1 * rng.normal(size=60)}
    table = make_table(columns, {"sft": lr + 0.1 * rng.normal(size=60)}, {"lr": list(lr)})
    select = quick.model_copy(update={"nuisance": "lr", "permutations": 1000})
    block = judge(case_of(measured(table), "sft"), select, Claims(("sft",), ("mirror",)), {})
    single = block["indicators"]["mirror"]
    assert single["accuracy"] > 0.85
    assert single["p"] < 0.01
    assert single["within"]["accuracy"] == pytest.approx(0.5, abs=0.08)
    assert single["within"]["p"] > 0.05
    (equal,) = block["strata"]
    assert equal["indicators"]["mirror"]["accuracy"] == single["within"]["accuracy"]
    assert [level["value"] for level in equal["levels"]] == ["1", "2", "3", "4"]


def test_runs_of_one_recipe_are_one_observation(make_table: MakeTable, quick: Select) -> None:
    rng = np.random.default_rng(1)
    truth, guess = rng.normal(size=10), rng.normal(size=10)
    repeated = {"guess": list(np.repeat(guess, 6) + 1e-3 * rng.normal(size=60))}
    recipe = [f"r{i // 6}" for i in range(60)]
    table = make_table(repeated, {"sft": list(np.repeat(truth, 6) + 1e-3 * rng.normal(size=60))}, {"recipe": recipe})
    case = case_of(measured(table), "sft")
    width = {}
    for clusters in (None, "recipe"):
        select = quick.model_copy(update={"clusters": clusters, "bootstraps": 500})
        low, high = judge(case, select, Claims((), ()), {})["indicators"]["guess"]["ci95"]
        width[clusters] = high - low
    assert width["recipe"] > 1.5 * width[None]


def test_missing_values_leave_variants_out_of_one_column_only(make_table: MakeTable, quick: Select) -> None:
    rng = np.random.default_rng(2)
    truth = rng.normal(size=20)
    holes: list[float | None] = [None if i % 5 == 0 else float(x) for i, x in enumerate(truth)]
    table = make_table({"whole": list(truth), "holes": holes}, {"sft": list(truth)}, {"mix": ["a", "b"] * 10})
    block = judge(case_of(measured(table), "sft"), quick, Claims(("sft",), ("whole", "holes")), {})
    assert block["indicators"]["whole"]["n_variants"] == 20
    assert block["indicators"]["holes"]["n_variants"] == 16
    (equal,) = block["strata"]
    assert {name: entry["accuracy"] for name, entry in equal["indicators"].items()} == {"whole": 1.0, "holes": 1.0}
    assert block["gaps"][0]["indicators"]["holes"]["accuracy"] == 1.0
    assert block["differences"][0]["difference"] == 0.0
