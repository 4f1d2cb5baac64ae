"""The block ``learned`` as a whole: its keys, its bounds, and that each of its parts finds what was put in."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ptp_core.predict.case import Case, case_of
from ptp_core.predict.learn.calibration import calibrated
from ptp_core.predict.learn.learning import Learned, best_setting, learn
from ptp_core.predict.learn.transfer import transfer
from ptp_core.predict.quantities import measured
from ptp_core.spec.select import Select
from tests.predict.learn.cases import make_case

SELECT = Select(splits=6, bootstraps=200)
MODELS = ["catboost", "catboost_config", "config_only", "logistic", "mlp", "best_single", "sum", "setting"]
OUTCOMES = ("sft_cms", "sft_rag", "sft_cbqa")


@pytest.fixture(scope="module")
def case() -> Case:
    """Forty variants; one indicator is the outcome with a little noise, one is noise."""
    rng = np.random.default_rng(0)
    outcome = rng.normal(size=40)
    return make_case(
        outcome,
        {"good": outcome + 0.1 * rng.normal(size=40), "noise": rng.normal(size=40)},
        {"lr": np.tile([1e-4, 1e-3], 20), "size": outcome.round()},
        {"mix": ("a", "b", "b", "c") * 10},
    )


@pytest.fixture(scope="module")
def learned(case: Case) -> Learned:
    return learn(case, ("good", "noise"), SELECT)


def test_the_block_has_the_agreed_keys_and_is_plain_json(learned: Learned) -> None:
    block = learned.block
    assert list(block) == [
        "models", "comparisons", "indicators", "n_train", "n_test",
        "leave_one_out", "leave_family_out", "learning_curve", "calibration", "importance",
    ]  # fmt: skip
    assert list(block["models"]) == MODELS
    assert all({"mean", "sd", "ci95", "n_splits", "accuracies"} <= set(model) for model in block["models"].values())
    assert block["models"]["setting"]["name"] == "size"
    assert block["models"]["best_single"]["names"] == {"good": 6}
    assert [(row["a"], row["b"]) for row in block["comparisons"]] == [
        (a, b)
        for a in ("catboost", "catboost_config")
        for b in ("best_single", "setting", "config_only", "sum", "logistic", "mlp")
    ]
    assert (block["n_train"], block["n_test"]) == (24, 16)
    assert json.loads(json.dumps(block, allow_nan=False)) == block


def test_a_comparison_is_the_difference_of_two_models(learned: Learned) -> None:
    models = learned.block["models"]
    for row in learned.block["comparisons"]:
        assert row["difference"] == pytest.approx(models[row["a"]]["mean"] - models[row["b"]]["mean"])
        assert row["ci95"][0] <= row["difference"] <= row["ci95"][1]


def test_scores_follow_the_outcome(case: Case, learned: Learned) -> None:
    for score in (learned.borda, learned.out_of_fold):
        tested = np.isfinite(score)
        assert np.corrcoef(score[tested], case.goodness[tested])[0, 1] > 0.9
    assert np.isfinite(learned.out_of_fold).all()


def test_quick_learning_says_the_same_with_fewer_keys(case: Case, learned: Learned) -> None:
    quick = learn(case, ("good", "noise"), SELECT, thorough=False)
    assert quick.block == {key: learned.block[key] for key in quick.block}
    assert "leave_one_out" not in quick.block
    assert np.array_equal(quick.borda, learned.borda, equal_nan=True)
    assert np.nanmin(quick.out_of_fold) >= 0


def test_more_variants_teach_more() -> None:
    columns = np.random.default_rng(1).normal(size=(60, 4))
    case = make_case(columns.sum(axis=1), {f"i{k}": columns[:, k] for k in range(4)})
    block = learn(case, tuple(case.indicators), SELECT).block
    curve = block["learning_curve"]
    assert [row["n_train"] for row in curve] == [6, 10, 15, 20, 30, 36]
    assert curve[-1]["mean"] == block["models"]["catboost"]["mean"] > curve[0]["mean"] + 0.1
    assert curve[-1]["best_single"] == block["models"]["best_single"]["mean"] < curve[-1]["mean"]


def test_the_indicator_that_knows_is_leant_on_and_noise_is_not(learned: Learned) -> None:
    drops = {row["name"]: row for row in learned.block["importance"]}
    assert drops["good"]["drop"] > 0.3
    assert drops["noise"]["drop"] == pytest.approx(0, abs=0.05)
    assert drops["noise"]["ci95"][0] < 0 < drops["noise"]["ci95"][1] or drops["noise"]["drop"] == 0


def test_calibration_counts_every_test_pair(learned: Learned) -> None:
    found = learned.block["calibration"]
    assert sum(row["n_pairs"] for row in found["bins"]) == found["n_pairs"] == 6 * 120
    assert all(row["low"] <= row["predicted"] <= row["high"] + 1e-9 for row in found["bins"])
    assert 0 <= found["brier"] < 0.25


def test_a_coin_that_says_so_is_calibrated() -> None:
    found = calibrated(np.full(100, 0.5), np.full(100, 0.5))
    assert found["bins"] == [{"low": 0.5, "high": 0.55, "predicted": 0.5, "observed": 0.5, "n_pairs": 100}]
    assert (found["brier"], found["expected_calibration_error"]) == (0.25, 0.0)


def test_a_boaster_is_found_out() -> None:
    won = np.array([1.0, 0.0] * 50)
    found = calibrated(np.full(100, 0.9), won)
    assert found["expected_calibration_error"] == pytest.approx(0.4)
    assert found["brier"] == pytest.approx((0.01 + 0.81) / 2)
    honest = np.random.default_rng(0)
    p = honest.uniform(0.5, 1, 20_000)
    assert calibrated(p, (honest.uniform(size=20_000) < p).astype(float))["expected_calibration_error"] < 0.02


def test_progress_climbs_to_one(case: Case) -> None:
    shares: list[float] = []
    learn(case, ("good",), Select(splits=2, bootstraps=100), report=lambda what, share: shares.append(share))
    assert shares == sorted(shares)
    assert (shares[0], shares[-1]) == (0.0, 1.0)


@pytest.mark.parametrize(
    ("outcome", "indicators", "numbers"),
    [
        (np.arange(4.0), {}, {}),
        (np.arange(4.0), {}, {"lr": np.ones(4)}),
        (np.ones(6), {"i": np.arange(6.0)}, {}),
        (np.arange(6.0), {"i": np.full(6, np.nan)}, {"lr": np.full(6, np.nan)}),
        (np.arange(8.0), {"i": np.ones(8), "j": np.arange(8.0)}, {"lr": np.array([1.0, 2] * 4)}),
    ],
)
@pytest.mark.filterwarnings("error")
def test_poor_tables_give_numbers_or_nan_and_no_warning(outcome: Any, indicators: Any, numbers: Any) -> None:
    case = make_case(outcome, indicators, numbers)
    result = learn(case, tuple(indicators), SELECT)
    assert list(result.block["models"]) == MODELS
    assert len(result.borda) == len(result.out_of_fold) == len(outcome)
    if not indicators:
        assert np.isnan(result.block["models"]["catboost"]["mean"])
        assert np.isnan(result.out_of_fold).all()


def test_the_best_setting_is_a_number_with_larger_better() -> None:
    outcome = np.arange(6.0)
    case = make_case(outcome, {}, {"down": -outcome, "up": outcome}, {"mix": tuple("abcabc")})
    assert best_setting(case, 0) == "up"
    assert best_setting(make_case(outcome, {}), 0) is None


def test_the_diagonal_of_transfer_is_the_accuracy_of_the_splits(case: Case, learned: Learned) -> None:
    opposite = make_case(-case.goodness, {name: q.goodness for name, q in case.indicators.items()})
    found = transfer({"o": case, "opposite": opposite}, ("good", "noise"), SELECT)
    model = learned.block["models"]["catboost"]
    assert found["o"]["o"] == {"mean": model["mean"], "ci95": model["ci95"]}
    assert found["o"]["opposite"]["mean"] == pytest.approx(1 - model["mean"])


def test_transfer_takes_the_variants_that_have_every_outcome(case: Case) -> None:
    fewer = case.at(np.arange(40) < 20)
    found = transfer({"all": case, "some": fewer}, ("good",), SELECT)
    assert found["all"] == {"all": found["some"]["some"], "some": found["some"]["some"]}
    assert transfer({"one": case}, ("good",), SELECT) == {}
    assert transfer({"all": case, "few": case.at(np.arange(40) < 3)}, ("good",), SELECT) == {}


@pytest.mark.slow
def test_the_published_models_are_told_apart_as_well_as_published(published_table: pd.DataFrame) -> None:
    data = measured(published_table)
    means = []
    for outcome in OUTCOMES:
        models = learn(case_of(data, outcome), tuple(data.indicators), Select(), thorough=False).block["models"]
        means.append([models[name]["mean"] for name in ("catboost", "catboost_config")])
    alone, with_settings = np.array(means).T
    assert (alone >= [0.77, 0.74, 0.77]).all()
    assert (with_settings.round(2) >= [0.80, 0.78, 0.80]).all()
