"""The least compute that reaches a value, against laws whose optimum is known."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import brentq

from ptp_core.errors import UserError
from ptp_core.predict.scaling.analysis import analyze_scaling
from ptp_core.predict.scaling.cheapest import cheapest
from ptp_core.predict.scaling.laws.form import LOG_COMPUTE, LOG_PARAMS, LOG_TOKENS
from ptp_core.predict.scaling.search import least_compute, saved_law
from ptp_core.spec.scaling import Prospect, Scaling
from tests.predict.scaling.worlds import SIZES, table_of, tidy

WORLDS = 40

E, A, ALPHA, B, BETA = 1.69, 406.4, 0.34, 410.7, 0.28
"""The loss law of Hoffmann et al. 2022 (appendix D.2)."""
RUNS = [
    {"run": "a", "group": "", "role": "fit", "params": 1e8, "tokens": 5e8, "compute": 3e17},
    {"run": "b", "group": "", "role": "fit", "params": 1e9, "tokens": 1e11, "compute": 6e20},
    {"run": "c", "group": "", "role": "held_out", "params": 1e12, "tokens": 1e15, "compute": 6e27},
]


def nd(e: float = E, a: float = A) -> list[float]:
    return [e, math.log(a) - ALPHA * LOG_PARAMS, ALPHA, math.log(B) - BETA * LOG_TOKENS, BETA]


def stage(
    form: str, theta: list[float], draws: list[list[float]] | None = None, inflation: float = 1.0, degrees: int = 10**16
) -> dict[str, Any]:
    """By default so many degrees of freedom that t is normal, and draws are taken as they are."""
    return {"form": form, "theta": theta, "draws": draws or [], "inflation": inflation, "degrees": degrees}


def entry(*stages: dict[str, Any], ceiling: float | None = None, flops: float = 6.0) -> dict[str, Any]:
    loss = "ppl" if len(stages) > 1 else None
    rising = ceiling is not None
    return {
        "stages": list(stages), "loss": loss, "ceiling": ceiling, "higher_is_better": rising, "largest_compute": 6e20,
        "flops_per_param_token": flops,
    }  # fmt: skip


def ask(metric: str, value: float, forms: dict[str, dict[str, Any]], **wanted: Any) -> dict[str, Any]:
    fits = {"": {metric: {form: {"chosen": i == 0} for i, form in enumerate(forms)}}}
    summary = {"confidence": 0.9, "runs": RUNS, "fits": fits}
    return cheapest(summary, {"": {metric: forms}}, metric, value, **wanted)


def optimum(loss: float, e: float = E, a: float = A) -> tuple[float, float]:
    """Where A/N^α and B/D^β share the loss above E as β to α (Hoffmann et al. 2022, equation 4)."""
    left = (loss - e) / (ALPHA + BETA)
    return (a / (BETA * left)) ** (1 / ALPHA), (B / (ALPHA * left)) ** (1 / BETA)


def along(ratio: float, loss: float, e: float, a: float = A) -> float:
    """What the law takes with so many tokens per parameter."""

    def above(log_params: float) -> float:
        params = math.exp(log_params)
        return e + a / params**ALPHA + B / (ratio * params) ** BETA - loss

    return 6 * ratio * math.exp(brentq(above, 5, 60, xtol=1e-12)) ** 2


def test_the_size_and_tokens_are_those_of_compute_optimal_training() -> None:
    found = ask("ppl", 2.3, {"nd": entry(stage("nd", nd()))})
    params, tokens = optimum(2.3)
    assert 5 < tokens / params < 100  # the search must not end at an edge for this test to say anything
    assert found["compute"] == pytest.approx(6 * params * tokens, rel=1e-6)
    assert found["params"] == pytest.approx(params, rel=5e-3)
    assert found["predicted"] == pytest.approx(2.3, rel=1e-9)
    assert found["reach"] == pytest.approx(found["compute"] / 6e20)


def test_a_score_is_reached_through_its_loss() -> None:
    linear = stage("linear", [1.5, -0.4])
    found = ask("quiz", 1.5 - 0.4 * 2.3, {"nd+linear": entry(stage("nd", nd()), linear, ceiling=1.0)})
    assert found["compute"] == pytest.approx(6 * math.prod(optimum(2.3)), rel=1e-6)


def test_the_band_is_that_of_the_resamples() -> None:
    floors = np.linspace(1.6, 1.78, 41).tolist()
    found = ask("ppl", 2.3, {"nd": entry(stage("nd", nd(), [nd(e) for e in floors]))})
    ratio = found["tokens"] / found["params"]
    ends = [6 * math.prod(optimum(2.3, floors[2])), along(ratio, 2.3, floors[38])]
    assert found["band95"] == pytest.approx(ends, rel=1e-6)
    assert ends[1] >= 6 * math.prod(optimum(2.3, floors[38]))
    assert (found["resamples"], found["resamples_reaching"]) == (41, 41)


def test_both_stages_of_a_draw_are_of_the_same_resample() -> None:
    floors, slopes = [1.6, 1.7, 1.8], [-0.4, -0.45, -0.5]
    stages = stage("nd", nd(), [nd(e) for e in floors]), stage("linear", [1.5, -0.5], [[1.5, s] for s in slopes])
    found = ask("quiz", 0.4, {"nd+linear": entry(*stages, ceiling=1.0)})
    drawn = [((1.5 - 0.4) / -s, e) for e, s in zip(floors, slopes, strict=True)]
    least = [6 * math.prod(optimum(loss, e)) for loss, e in drawn]
    most = [along(found["tokens"] / found["params"], loss, e) for loss, e in drawn]
    assert found["band95"] == pytest.approx([min(least), max(most)], rel=1e-6)


def test_the_band_of_few_runs_is_wider_than_their_resamples() -> None:
    draws = [nd(e) for e in np.linspace(1.66, 1.72, 41).tolist()]
    plain, inflated, few = (
        ask("ppl", 2.3, {"nd": entry(stage("nd", nd(), draws, *how))})["band95"]
        for how in ((1.0, 10**16), (1.5, 10**16), (1.0, 2))
    )
    assert inflated[0] < plain[0] < plain[1] < inflated[1]
    assert few[0] < plain[0] < plain[1] < few[1]
    # Of a law of logarithms the resample's distance from the fitted law grows by the factor, at each size.
    centre, low = (nd_loss(1e9, 2e10, e) for e in (E, 1.66))
    law = saved_law([entry(stage("nd", nd(), draws, 1.5))], resampled=True)
    assert law.predict(np.array([1e9]), np.array([2e10]))[0, 0] == pytest.approx(centre * (low / centre) ** 1.5)


def nd_loss(params: float, tokens: float, e: float) -> float:
    return e + A / params**ALPHA + B / tokens**BETA


def test_compute_is_counted_as_the_study_counts_it() -> None:
    usual = ask("ppl", 2.3, {"nd": entry(stage("nd", nd(), [nd()]))})
    found = ask("ppl", 2.3, {"nd": entry(stage("nd", nd(), [nd()]), flops=60.0)})
    for name in ("params", "tokens", "predicted"):
        assert found[name] == pytest.approx(usual[name])
    assert found["compute"] == pytest.approx(10 * usual["compute"])
    assert found["band95"] == pytest.approx([10 * end for end in usual["band95"]])
    for mine, its in zip(found["candidates"], usual["candidates"], strict=True):
        assert (mine["tokens"], mine["compute"]) == pytest.approx((its["tokens"], 10 * its["compute"]))


def test_the_law_inverted_gives_back_the_run_it_was_asked_about() -> None:
    """A prospect's loss, by a law of compute, takes the compute of the prospect, 60 FLOPs a parameter and token."""
    measured = table_of(shares=(1.0,), loss_sd=0.003, seed=1)
    sizes = measured[measured["kind"] == "config"].pivot_table(index="variant", columns="name", values="value")
    flops = [
        {"variant": run, "kind": "config", "name": "flops", "value": 60 * row["params"] * row["tokens"]}
        for run, row in sizes.iterrows()
    ]
    prospect = Prospect(params=3.2e8, tokens=1.28e10)
    spec = Scaling(losses=("loss",), loss_forms=("flp",), bootstraps=50, predict={"big": prospect})
    fitted = analyze_scaling(pd.concat([measured, tidy(flops)], ignore_index=True), spec, "s")
    aim = fitted.summary["targets"]["big"]["loss"]["flp"]["predicted"]
    found = cheapest(fitted.summary, fitted.laws["groups"], "loss", aim)
    assert found["compute"] == pytest.approx(60 * 3.2e8 * 1.28e10, rel=1e-5)
    assert found["params"] * found["tokens"] == pytest.approx(3.2e8 * 1.28e10, rel=1e-5)


@pytest.mark.slow
def test_bands_of_eight_runs_hold_the_true_least_compute_about_as_often_as_they_say() -> None:
    """Percentiles of the refits alone hold in 72 % of such worlds; a law of five parameters has three runs to spare."""
    true = stage("nd", [1.8, math.log(40) - 0.25 * LOG_PARAMS, 0.25, math.log(90) - 0.25 * LOG_TOKENS, 0.25])
    spec = Scaling(losses=("loss",), loss_forms=("nd",), fit=("*",), bootstraps=100)
    held = []
    for seed in range(WORLDS):
        world = table_of(sizes=SIZES, ratios=(10.0, 160.0), shares=(1.0,), seed=seed, loss_sd=0.01)
        fitted = analyze_scaling(world, spec, "s")
        low, high = cheapest(fitted.summary, fitted.laws["groups"], "loss", 2.45)["band95"]
        needed = least_compute(saved_law([entry(true)]), 2.45, (1e7, 8e9), (10.0, 160.0)).compute[0]
        held.append((low or math.inf) <= needed <= (high or math.inf))
    assert sum(held) >= 0.9 * WORLDS


def test_a_value_beyond_the_limit_of_the_law_is_never_reached() -> None:
    found = ask("ppl", 1.6, {"nd": entry(stage("nd", nd(), [nd(1.5), nd(), nd(1.8)]))})
    assert (found["reached"], found["compute"], found["reach"]) == (False, None, None)
    assert found["limit"] == pytest.approx(E)
    assert found["words"][0] == "ppl ≤ 1.6 is never reached: the law nd saturates at 1.69."


def test_a_value_beyond_what_is_searched_is_not_called_unreachable() -> None:
    found = ask("ppl", 2.0, {"nd": entry(stage("nd", nd()))}, params=(1e8, 1e9))
    assert not found["reached"]
    assert found["words"][0].startswith("ppl ≤ 2 is not reached by 1e+09 parameters and 100 tokens per parameter")


def test_resamples_that_never_reach_the_value_leave_the_band_open() -> None:
    found = ask("ppl", 2.3, {"nd": entry(stage("nd", nd(), [nd(1.6), nd(), nd(2.4)]))})
    assert found["band95"][1] is None
    assert "to never (90% interval, 2 of 3 resamples reach it)" in found["words"][-1]


def test_a_law_of_compute_alone_leaves_the_split_open() -> None:
    exponent, scale = 0.05, 1e30
    flp = stage("flp", [exponent * (math.log(scale) - LOG_COMPUTE), exponent])
    found = ask("ppl", 2.9, {"flp": entry(flp)})
    assert found["compute"] == pytest.approx(scale * 2.9 ** (-1 / exponent), rel=1e-9)
    assert found["tokens"] / found["params"] == pytest.approx(math.sqrt(5 * 100))
    assert found["candidates"] == []
    assert any("knows compute alone" in words for words in found["words"])


def test_what_other_sizes_cost_is_told_beside_the_cheapest() -> None:
    found = ask("ppl", 2.3, {"nd": entry(stage("nd", nd()))}, tokens_per_param=(0.1, 1e4))
    times = [candidate["times"] for candidate in found["candidates"]]
    assert min(times) == pytest.approx(1, abs=1e-9)
    assert len(times) == 7 and times[0] > times[2] > times[3] < times[4] < times[6]  # noqa: PT018


def test_an_answer_at_the_edge_of_the_search_says_so() -> None:
    found = ask("ppl", 2.3, {"nd": entry(stage("nd", nd()))}, tokens_per_param=(5, 8))
    assert found["tokens"] / found["params"] == pytest.approx(8, rel=5e-5)  # the last grid is as fine as that
    assert "That is the edge of the 5 to 8 tokens per parameter searched." in found["words"]


def test_held_out_runs_do_not_widen_what_is_searched() -> None:
    found = ask("ppl", 2.3, {"nd": entry(stage("nd", nd()))})
    assert found["searched"] == {"params": [1e8, 1e11], "tokens_per_param": [5, 100]}


def test_the_chosen_form_answers_and_the_others_stand_beside_it() -> None:
    forms = {"nd": entry(stage("nd", nd())), "flp": entry(stage("flp", [1.0, 0.05]))}
    found = ask("ppl", 2.3, forms)
    assert found["form"] == "nd"
    assert [other["form"] for other in found["by_form"]] == ["nd", "flp"]
    assert ask("ppl", 2.3, forms, form="flp")["compute"] == found["by_form"][1]["compute"]
    assert any(words.startswith("By the other forms that reach it, 1 of 1, it takes ") for words in found["words"])
    assert "No other form reaches it (n = 1)." in ask("ppl", 1.65, forms, form="flp", params=(1e8, 1e60))["words"]


def test_forms_that_the_study_combined_answer_by_the_mean_of_their_predictions() -> None:
    forms = {name: entry(stage("nd", nd(e), [nd(e)])) for name, e in (("one", 1.6), ("other", 1.8))}
    fits = {"": {"ppl": {"combined": {"chosen": True}, "one": {"chosen": False}}}}
    choice = {"": {"loss": {"combined": ["one", "other"]}, "score": None}}
    summary = {"confidence": 0.9, "runs": RUNS, "fits": fits, "choice": choice}
    found = cheapest(summary, {"": {"ppl": forms}}, "ppl", 2.3)
    assert (found["form"], found["mean_of"]) == ("combined", ["one", "other"])
    assert found["compute"] == pytest.approx(6 * math.prod(optimum(2.3, 1.7)), rel=1e-6)
    ratio = found["tokens"] / found["params"]
    assert found["band95"] == pytest.approx([6 * math.prod(optimum(2.3, 1.6)), along(ratio, 2.3, 1.8)], rel=1e-6)
    assert [other["form"] for other in found["by_form"]] == ["combined", "one", "other"]
    assert " FLOPs by the mean of one and other: " in found["words"][0]


@pytest.mark.parametrize(
    ("metric", "value", "wanted", "said"),
    [
        ("quiz", 0.5, {"form": "n"}, "no law for this form; got 'n'"),
        ("quiz", 0.5, {"group": "web"}, "no law for this group; got 'web'"),
        ("quiz", 1.0, {}, "quiz: no law can say when that is reached; expected a number above 0 and below 1"),
        ("quiz", math.nan, {}, "quiz: no law can say when that is reached"),
        ("quiz", 0.5, {"params": (2.0, 1.0)}, "params: not a range"),
    ],
)
def test_mistakes_are_explained(metric: str, value: float, wanted: dict[str, Any], said: str) -> None:
    forms = {"nd+linear": entry(stage("nd", nd()), stage("linear", [1.5, -0.4]), ceiling=1.0)}
    with pytest.raises(UserError) as error:
        ask(metric, value, forms, **wanted)
    assert said in str(error.value)


def test_a_metric_without_laws_is_named() -> None:
    with pytest.raises(UserError, match="no law for this loss or score; got 'qiz'"):
        cheapest({"fits": {}}, {"": {"quiz": {}}}, "qiz", 0.5)
    fits = {"": {"quiz": {"fp": {"words": "quiz has not emerged"}}}}
    with pytest.raises(UserError, match="no form has a law; got 'quiz has not emerged'"):
        cheapest({"fits": fits}, {"": {"quiz": {}}}, "quiz", 0.5)
