from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ptp_core.errors import UserError
from ptp_core.predict.scaling.analysis import Analysis, analyze_scaling
from ptp_core.spec.scaling import Scaling
from tests.predict.scaling.worlds import RATIOS, SIZES, loss_of, score_of, table_of, tidy

BASE: dict[str, Any] = {
    "losses": ["loss"],
    "targets": {"accuracy": {"chance": 0.25}},
    "bootstraps": 60,
}


def analyse(table: pd.DataFrame, **fields: Any) -> Analysis:
    return analyze_scaling(table, Scaling.model_validate(BASE | fields), "study")


@pytest.fixture(scope="module")
def exact() -> Analysis:
    """A world without noise: five sizes, the largest held out."""
    return analyse(table_of())


def test_the_largest_size_is_held_out_by_default(exact: Analysis) -> None:
    roles = {run["run"]: run["role"] for run in exact.summary["runs"]}

    assert [run for run, role in roles.items() if role == "held_out"] == ["320M-10", "320M-40", "320M-160"]
    assert sum(role == "fit" for role in roles.values()) == 12


def test_without_noise_the_true_forms_are_chosen_and_predict_what_is_measured(exact: Analysis) -> None:
    assert exact.summary["choice"][""]["loss"]["order"][0] in ("nd", "overtraining")
    assert exact.summary["choice"][""]["score"]["order"][0] in ("nd+exponential", "overtraining+exponential")
    for run in ("320M-10", "320M-160"):
        row = exact.summary["targets"][run]["accuracy"]["nd+exponential"]
        assert row["predicted"] == pytest.approx(row["actual"], abs=2e-3)
        assert row["relative_error"] == pytest.approx(abs(row["predicted"] - row["actual"]) / row["actual"])


def test_every_form_has_a_fit_an_error_and_a_prediction_for_every_run_held_out(exact: Analysis) -> None:
    forms = {f"{a}+{b}" for a in ("flp", "nd", "overtraining") for b in ("linear", "exponential", "sigmoid")}
    fits = exact.summary["fits"][""]["accuracy"]

    assert {"fp", "direct", *forms} <= set(fits) <= {"fp", "direct", "combined", *forms}
    assert all(fit["status"] in ("ok", "no convergence") for fit in fits.values())
    assert sum(fit["chosen"] for fit in fits.values()) == 1
    assert all(fit["inner_error"] is not None and fit["held_out_error"] is not None for fit in fits.values())
    for rows in exact.summary["targets"].values():
        assert set(rows["accuracy"]) == set(fits)
        assert all(row["band95"][0] <= row["band95"][1] for row in rows["accuracy"].values())


def test_reach_is_the_targets_compute_over_the_largest_fitted(exact: Analysis) -> None:
    compute = {run["run"]: run["compute"] for run in exact.summary["runs"]}
    row = exact.summary["targets"]["320M-160"]["loss"]["flp"]

    assert compute["320M-160"] == pytest.approx(6 * 3.2e8 * 3.2e8 * 160)
    assert row["reach"] == pytest.approx(compute["320M-160"] / compute["80M-160"])


def test_the_ranking_has_the_chosen_form_in_a_row_of_its_own(exact: Analysis) -> None:
    rows = [row for row in exact.summary["ranking"] if row["kind"] == "score"]
    chosen = next(row for row in rows if row["form"] == "chosen")
    fits = exact.summary["fits"][""]["accuracy"]
    name = next(form for form, fit in fits.items() if fit["chosen"])

    assert [row["held_out_error"] for row in rows] == sorted(row["held_out_error"] for row in rows)
    assert chosen["held_out_error"] == pytest.approx(fits[name]["held_out_error"])
    assert chosen["n"] == 3


def test_a_score_that_has_not_emerged_is_reported_as_such_and_not_extrapolated() -> None:
    found = analyse(table_of(), targets={"accuracy": {"chance": 0.25}, "puzzles": {"chance": 0.25}}).summary
    fits, rows = found["fits"][""]["puzzles"], found["targets"]["320M-160"]["puzzles"]

    assert {fit["status"] for fit in fits.values()} == {"not emerged"}
    assert not any(fit["chosen"] for fit in fits.values())
    assert all(row["predicted"] is None and row["band95"] is None and row["abstains"] for row in rows.values())
    assert "puzzles has not emerged: it is above 0.3" in rows["flp+linear"]["words"]
    assert "at 0 of 48 fitted checkpoints, at the end of 0 of 12 runs" in rows["flp+linear"]["words"]
    assert any("puzzles has not emerged" in warning for warning in found["warnings"])
    assert found["fits"][""]["accuracy"]["flp+linear"]["status"] == "ok"


def test_flps_line_is_fitted_to_checkpoints_that_have_emerged() -> None:
    table = table_of()
    fit = analyse(table, emerged=0.2).summary["fits"][""]["accuracy"]["flp+linear"]
    scores = table[(table["name"] == "accuracy") & ~table["variant"].str.startswith("320M")]

    assert 0 < fit["n_points"] == int((scores["value"] > 0.45).sum()) < len(scores)


def test_too_few_runs_are_refused() -> None:
    with pytest.raises(UserError, match=r"too few runs are fitted; expected at least 3, got 2; .*320M-10"):
        analyse(table_of((1e7, 2e7, 3.2e8), (10.0,)))


def test_a_form_with_more_parameters_than_runs_says_so() -> None:
    found = analyse(table_of((1e7, 2e7, 4e7, 8e7, 3.2e8), (20.0,))).summary
    fit = found["fits"][""]["loss"]["nd"]

    assert fit["status"] == "too few runs"
    assert fit["n_runs"] == 4
    assert "parameters" in fit["words"]
    assert found["fits"][""]["loss"]["flp"]["chosen"]
    assert found["targets"]["320M-20"]["loss"]["nd"]["predicted"] is None


def test_a_loss_that_is_not_above_0_is_refused() -> None:
    table = table_of()
    table.loc[table["name"] == "loss", "value"] -= 3.0

    with pytest.raises(UserError, match="is not above 0, and the law of a loss is one of powers"):
        analyse(table)


def test_without_flops_six_times_parameters_times_tokens_stands_in_and_prospects_are_counted_as_the_runs() -> None:
    table = table_of()
    more = [
        {"variant": run, "kind": "config", "name": "flops", "value": 8.0 * size * tokens}
        for run, size, tokens in (
            (
                r,
                *table[(table["variant"] == r) & (table["kind"] == "config")].set_index("name")["value"][
                    ["params", "tokens"]
                ],
            )
            for r in table["variant"].unique()
        )
    ]
    prospect = {"predict": {"next": {"params": 10**9, "tokens": 10**10}}}
    plain = {run["run"]: run["compute"] for run in analyse(table, **prospect).summary["runs"]}
    counted = {
        run["run"]: run["compute"] for run in analyse(pd.concat([table, tidy(more)]), **prospect).summary["runs"]
    }

    assert plain["10M-10"] == pytest.approx(6 * 1e7 * 1e8)
    assert plain["next"] == pytest.approx(6e19)
    assert counted["10M-10"] == pytest.approx(8 * 1e7 * 1e8)
    assert counted["next"] == pytest.approx(8e19)


def test_a_run_without_a_size_is_named() -> None:
    table = table_of()
    lacking = table[~((table["variant"] == "20M-40") & (table["name"] == "params"))]

    with pytest.raises(UserError, match="no params for 20M-40"):
        analyse(lacking)


def test_a_prospect_is_predicted_with_nothing_to_compare() -> None:
    found = analyse(table_of(), predict={"next": {"params": 10**9, "tokens": 4 * 10**10}}).summary
    row = found["targets"]["next"]["accuracy"]["nd+exponential"]

    assert row["actual"] is None
    assert row["relative_error"] is None
    assert row["predicted"] == pytest.approx(float(score_of(loss_of(1e9, 4e10))), abs=5e-3)
    headline = found["verdict"]["headline"]
    assert headline.startswith("next, ")
    assert "accuracy" in headline


def test_a_prospect_called_as_a_run_is_refused() -> None:
    with pytest.raises(UserError, match="a run of the table is called so"):
        analyse(table_of(), predict={"10M-10": {"params": 10**9, "tokens": 10**10}})


def test_a_run_that_is_fitted_and_held_out_is_refused() -> None:
    with pytest.raises(UserError, match="80M-10 would be fitted and held out"):
        analyse(table_of(), fit=["*"], hold_out=["80M-10"])


def test_groups_have_laws_of_their_own_and_prospects_name_theirs() -> None:
    table = pd.concat([table_of(prefix=f"{name}-", columns={"data": name}, seed=i) for i, name in enumerate("ab")])
    found = analyse(table, group="data", predict={"next": {"params": 10**9, "tokens": 10**10, "group": "b"}}).summary

    assert found["groups"] == ["a", "b"]
    assert {run for run in found["targets"] if run.startswith("a-")} == {"a-320M-10", "a-320M-40", "a-320M-160"}
    assert [run["group"] for run in found["runs"] if run["run"] == "next"] == ["b"]
    assert set(found["curves"]) == set(found["fits"]) == {"a", "b"}
    with pytest.raises(UserError, match=r"there are several groups of runs; write group: one of a and b"):
        analyse(table, group="data", predict={"next": {"params": 10**9, "tokens": 10**10}})


def test_the_order_of_rows_and_of_runs_changes_nothing() -> None:
    table = table_of(loss_sd=0.01, score_sd=0.01)
    turned = table.sample(frac=1, random_state=1).reset_index(drop=True)

    first, second = analyse(table), analyse(turned)

    assert json.dumps(first.summary) == json.dumps(second.summary)
    assert json.dumps(first.laws) == json.dumps(second.laws)


def test_scores_without_a_loss_have_direct_laws_only() -> None:
    found = analyse(table_of(), losses=[], targets=["accuracy"]).summary

    assert set(found["fits"][""]["accuracy"]) <= {"fp", "direct", "combined"}
    assert found["stage2"][""] == {}
    assert found["metrics"][0]["loss"] is None


def test_a_score_may_be_lower_is_better() -> None:
    table = table_of()
    wrong = table["name"] == "accuracy"
    table.loc[wrong, "value"] = 1 - table.loc[wrong, "value"].astype(float)
    table.loc[wrong, "higher_is_better"] = False
    found = analyse(table, targets={"accuracy": {"chance": 0.75}}).summary
    row = found["targets"]["320M-160"]["accuracy"]["nd+exponential"]

    assert row["predicted"] == pytest.approx(row["actual"], abs=2e-3)


def test_curves_reach_twice_the_largest_target_and_keep_within_the_ceiling(exact: Analysis) -> None:
    block = exact.summary["curves"][""]["accuracy"]
    largest = max(run["compute"] for run in exact.summary["runs"])

    assert {len(line[key]) for line in block["lines"] for key in ("x", "y", "low", "high")} == {40}
    assert block["lines"][0]["x"][-1] == pytest.approx(2 * largest, rel=1e-3)
    assert all(0 <= value <= 1 for line in block["lines"] for value in (*line["low"], *line["high"]))
    assert {point["role"] for point in block["points"]} == {"fit", "held_out"}
    stage2 = exact.summary["stage2"][""]["accuracy"]
    assert stage2["loss"] == "loss"
    assert {line["form"] for line in stage2["lines"]} == {"linear", "exponential", "sigmoid"}
    assert sum(point["final"] for point in stage2["points"]) == len(SIZES) * len(RATIOS) + 3


def test_saved_laws_say_the_same_as_the_predictions(exact: Analysis) -> None:
    from ptp_core.predict.scaling.laws.forms import FORMS, Inputs

    law = exact.laws["groups"][""]["accuracy"]["nd+exponential"]
    first, second = law["stages"]
    inputs = Inputs(np.array([3.2e8]), np.array([3.2e8 * 40]))
    loss = FORMS[first["form"]].predict(np.array(first["theta"]), inputs)
    score = FORMS[second["form"]].predict(np.array(second["theta"]), Inputs(loss=loss), ceiling=law["ceiling"])

    row = exact.summary["targets"]["320M-40"]["accuracy"]["nd+exponential"]
    assert float(score[0]) == pytest.approx(row["predicted"], abs=1e-4)
    assert law["loss"] == "loss"
    assert len(first["draws"]) == len(second["draws"]) == 60


def test_the_headline_names_the_best_form_its_error_and_its_n(exact: Analysis) -> None:
    headline = exact.summary["verdict"]["headline"]

    assert "chosen inside the fitted runs, is 0.0 % off on scores of 3 held-out runs" in headline
    assert "3 predictions, too few to generalise" in headline
    details = exact.summary["verdict"]["details"]
    assert any("bands of the chosen forms hold" in sentence for sentence in details)


def test_without_held_out_runs_a_warning_says_that_no_error_is_known() -> None:
    found = analyse(table_of(SIZES), fit=["*"]).summary

    assert any("no run is held out" in warning for warning in found["warnings"])
    assert found["targets"] == {}
    assert found["verdict"]["headline"].startswith("Fitted on the smaller of the fitted sizes")


def test_progress_is_told_from_0_to_1() -> None:
    heard: list[float] = []
    spec = Scaling.model_validate(BASE)
    analyze_scaling(table_of(), spec, "study", lambda what, share: heard.append(share))

    assert heard == sorted(heard)
    assert heard[0] == 0.0
    assert heard[-1] == 1.0


def test_a_study_of_fine_tuning_alone_needs_no_losses_and_no_sizes() -> None:
    rng = np.random.default_rng(0)
    rows = [
        {
            "variant": f"model {i}",
            "kind": "outcome",
            "name": f"flan.{n}",
            "value": 1.5 + i / 10 + (3 + 0.01 * rng.standard_normal()) / (40 + n) ** 0.25,
            "higher_is_better": False,
        }
        for i in range(8)
        for n in (0, 50, 100, 200, 400, 800, 1600, 3200, 6400)
    ]
    found = analyze_scaling(tidy(rows), Scaling.model_validate({"tuning": {"name": "flan", "largest": 1600}}), "tuned")

    assert found.summary["tuning"]["n_models"] == 8
    assert found.summary["groups"] == []
    assert (found.summary["targets"], found.laws) == ({}, {"groups": {}, "mixture": None})
    assert found.summary["verdict"]["headline"] == found.summary["tuning"]["words"][0]


def test_a_chain_that_starts_from_a_bad_loss_law_is_not_chosen() -> None:
    choice = analyse(table_of(loss_sd=0.003, score_sd=0.005)).summary["choice"][""]
    sound = choice["loss"]["combined"] or [choice["loss"]["chosen"]]

    assert "flp" not in sound
    assert all(form.split("+")[0] in (*sound, "fp", "direct") for form in choice["score"]["combined"])
    assert [form for form in choice["score"]["order"] if form.startswith("flp")] == choice["score"]["order"][-3:]
