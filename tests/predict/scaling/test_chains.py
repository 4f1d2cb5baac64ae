from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from ptp_core.errors import UserError
from ptp_core.predict.scaling.analysis import analyze_scaling
from ptp_core.predict.scaling.chains import MOST_CHECKPOINTS, Combined, Law, Stage, loss_law, score_law, thinned
from ptp_core.predict.scaling.emerged import Metric, emerged, metrics_of, why_not
from ptp_core.predict.scaling.forms_of import loss_laws
from ptp_core.predict.scaling.group import group_of
from ptp_core.predict.scaling.laws.forms import Inputs
from ptp_core.predict.scaling.points import points_of
from ptp_core.predict.scaling.roles import roles_of
from ptp_core.spec.scaling import Scaling, Target
from ptp_core.table.schema import validate
from tests.predict.scaling.worlds import RATIOS, SIZES, table_of

SPEC = Scaling.model_validate(
    {
        "losses": ["loss"],
        "targets": {"accuracy": {"chance": 0.25}},
        "loss_forms": ["overtraining"],
        "score_forms": ["exponential"],
        "direct_forms": [],
        "bootstraps": 400,
    }
)


def chain(**fields: object) -> tuple[Law, Law]:
    """The law of the loss, and the chain from it to the accuracy."""
    spec = SPEC.model_copy(update={"fit": ("*",), "bootstraps": 50, **fields})
    points = points_of(table_of(SIZES, loss_sd=0.01, score_sd=0.01), spec)
    runs = group_of("", points, points.ends(), roles_of(points, points.ends(), spec), spec).fitted
    loss, accuracy = metrics_of(points, spec)
    first, second = loss_law("overtraining", loss, runs), score_law("exponential", accuracy, "ends", runs)
    assert isinstance(first, Stage)
    assert isinstance(second, Stage)
    return Law((first,)), Law((first, second))


@pytest.mark.slow
def test_the_bands_of_a_chain_hold_new_runs_at_the_nominal_rate() -> None:
    inside: dict[str, list[bool]] = {"loss": [], "accuracy": []}
    forms = {"loss": "overtraining", "accuracy": "overtraining+exponential"}
    for seed in range(60):
        table = table_of((*SIZES, 1.6e8), RATIOS, shares=(1.0,), loss_sd=0.01, score_sd=0.01, seed=seed)
        targets = analyze_scaling(table, SPEC, "coverage").summary["targets"]
        for name, form in forms.items():
            rows = [by[name][form] for by in targets.values()]
            inside[name] += [row["band95"][0] <= row["actual"] <= row["band95"][1] for row in rows]

    # Three runs a world share their law, so 60 worlds count: the standard error is at most 2.8 points.
    assert {name: len(values) for name, values in inside.items()} == {"loss": 180, "accuracy": 180}
    for name, values in inside.items():
        assert 0.88 <= np.mean(values) < 0.995, name


def test_a_chain_predicts_the_score_of_the_loss_it_predicts() -> None:
    first, both = chain()
    inputs = Inputs(np.array([1e8, 1e9]), np.array([1e10, 1e10]), np.array([6e18, 6e19]))
    loss = first.predict(inputs)
    second = both.stages[1]

    assert both.predict(inputs) == pytest.approx(second.predict(second.theta, Inputs(loss=loss)))
    assert both.draws(inputs, np.random.default_rng(0)).shape == (50, 2)
    assert set(both.parameters) == {"loss.E", "loss.a", "loss.beta", "loss.b", "epsilon", "k", "gamma"}


def test_the_band_of_a_mean_reaches_from_the_lowest_end_of_its_parts_to_the_highest() -> None:
    _, law = chain()
    other = replace(law, stages=(law.stages[0], replace(law.stages[1], theta=law.stages[1].theta * 1.02)))
    inputs = Inputs(np.array([1e8]), np.array([1e10]), np.array([6e18]))
    both = Combined((law, other))
    ends = np.stack([part.band(inputs, [0], 0.95)[0] for part in (law, other)])

    assert both.predict(inputs) == pytest.approx((law.predict(inputs) + other.predict(inputs)) / 2)
    assert both.band(inputs, [0], 0.95)[0].tolist() == [ends[:, 0].min(), ends[:, 1].max()]
    assert ends[0, 0] != ends[1, 0]


def test_no_score_is_predicted_beyond_its_ceiling() -> None:
    _, law = chain()
    stage = law.stages[1]
    draws = stage.draws(Inputs(loss=np.array([0.1, 30.0])), np.random.default_rng(0))

    assert float(stage.predict(stage.theta, Inputs(loss=np.array([0.1])))[0]) == 1.0
    assert draws.min() >= 0.0
    assert draws.max() <= 1.0


def test_a_long_run_counts_with_evenly_spaced_checkpoints_and_its_last() -> None:
    run = np.repeat([0, 1], [1000, 5])
    kept = thinned(run, np.ones(1005, dtype=bool))

    assert kept[:1000].sum() == MOST_CHECKPOINTS
    assert kept[999]
    assert kept[1000:].all()
    assert set(np.diff(np.flatnonzero(kept[:1000])).tolist()) <= {25, 26}


def test_emerged_is_better_than_chance_by_a_share_of_the_ceiling_whichever_way_is_better() -> None:
    values = np.array([0.29, 0.31, np.nan])
    accuracy = Metric("accuracy", "score", True, chance=0.25, ceiling=1.0)
    error = Metric("error", "score", False, chance=0.75, ceiling=1.0)
    percent = Metric("percent", "score", True, chance=25, ceiling=100.0)

    assert emerged(accuracy, values, 0.05).tolist() == [False, True, False]
    assert emerged(error, 1 - values, 0.05).tolist() == [False, True, False]
    assert emerged(percent, 100 * values, 0.05).tolist() == [False, True, False]
    assert emerged(Metric("any", "score", True, ceiling=1.0), values, 0.05).tolist() == [True, True, False]


def test_a_constant_answer_above_chance_has_not_emerged() -> None:
    spec = SPEC.model_copy(update={"fit": ("*",)})
    table = table_of(SIZES)
    table.loc[table["name"] == "accuracy", "value"] = 0.301
    points = points_of(table, spec)
    accuracy = metrics_of(points, spec)[1]

    assert "the same number at each, as a constant answer gives" in (why_not(accuracy, points, 0.05) or "")


def test_scores_above_1_are_percentages() -> None:
    table = table_of(SIZES)
    scored = table["name"] == "accuracy"
    table.loc[scored, "value"] = 100 * table.loc[scored, "value"].astype(float)
    spec = SPEC.model_copy(update={"fit": ("*",), "targets": {"accuracy": Target(chance=25)}})
    assert metrics_of(points_of(table, spec), spec)[1].ceiling == 100.0

    with pytest.raises(UserError, match="chance is not on the scale of accuracy"):
        metrics_of(points_of(table, SPEC), SPEC)


def test_a_chance_in_percent_of_scores_that_are_shares_is_refused() -> None:
    spec = SPEC.model_copy(update={"targets": {"accuracy": Target(chance=25)}})
    with pytest.raises(UserError, match="expected a number between 0 and 1, got 25"):
        metrics_of(points_of(table_of(SIZES), spec), spec)


def test_what_has_no_ceiling_is_no_score() -> None:
    table = table_of(SIZES)
    scored = table["name"] == "accuracy"
    table.loc[scored, "value"] = 1000 * table.loc[scored, "value"].astype(float)
    spec = SPEC.model_copy(update={"targets": ("accuracy",)})
    with pytest.raises(UserError, match="no score between 0 and 100"):
        metrics_of(points_of(table, spec), spec)


def test_a_number_is_a_loss_or_a_score() -> None:
    spec = SPEC.model_copy(update={"targets": ("*",)})
    with pytest.raises(UserError, match="loss is listed as a loss as well"):
        metrics_of(points_of(table_of(SIZES), spec), spec)


def test_a_loss_that_lies_on_its_law_by_luck_is_not_surer_than_the_others() -> None:
    spec = SPEC.model_copy(update={"fit": ("*",), "bootstraps": 20})
    few = table_of(SIZES[:2], loss_sd=0.02)
    lucky = few[few["name"] == "loss"].assign(name="other")
    noise = np.random.default_rng(0).normal(0, 0.05, len(lucky))
    noisy = lucky.assign(value=lucky["value"].astype(float) * np.exp(noise))
    both = validate(pd.concat([few, noisy]))
    spec = spec.model_copy(update={"losses": ("loss", "other"), "targets": ()})
    points = points_of(both, spec)
    fitted = group_of("", points, points.ends(), roles_of(points, points.ends(), spec), spec).fitted
    metrics = metrics_of(points, spec)
    alone = {m.name: loss_law("overtraining", m, fitted) for m in metrics}
    shared = {name: law for (name, _), law in loss_laws(metrics, spec, fitted).items()}
    sds = {name: law.spread.sd for name, law in alone.items() if isinstance(law, Stage)}
    surest = min(sds, key=lambda name: sds[name])
    one, other = alone[surest], shared[surest]
    assert isinstance(one, Stage)
    assert isinstance(other, Stage)
    assert one.spread.degrees < 4
    assert other.spread.sd == pytest.approx(float(np.median(list(sds.values()))))
    assert other.spread.inflation / one.spread.inflation == pytest.approx(other.spread.sd / one.spread.sd)
