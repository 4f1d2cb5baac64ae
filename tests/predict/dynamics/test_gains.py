"""Gains over checkpoints, over one checkpoint's items, and over tasks and runs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ptp_core.predict.dynamics.analysis import analyze_dynamics
from ptp_core.spec.dynamics import Dynamics
from tests.predict.dynamics.studies import TOKENS, along, scores, table


def test_a_gain_over_checkpoints_has_students_interval() -> None:
    made = table(
        scores("t", along(TOKENS[:3], [0.1, 0.2, 0.4])), scores("t", along(TOKENS[:3], [0.2, 0.5, 0.6]), tuned=True)
    )
    (row,) = analyze_dynamics(made, Dynamics(), "s")["gains"]
    assert (row["n"], row["over"], row["mean_gain"]) == (3, "checkpoints", pytest.approx(0.2))
    # sd .1, n = 3: t(.975, 2) = 4.3027
    assert row["ci95"] == pytest.approx([0.2 - 4.3027 * 0.1 / np.sqrt(3), 0.2 + 4.3027 * 0.1 / np.sqrt(3)], abs=1e-4)
    assert row["mean_ratio"] == pytest.approx((1 + 1.5 + 0.5) / 3)
    assert (row["final_base"], row["final_tuned"], row["share_falling"]) == (0.4, 0.6, 0.0)


def test_a_single_checkpoint_has_the_interval_of_its_items() -> None:
    made = table(scores("t", {1: 0.5}, error=0.03), scores("t", {1: 0.7}, tuned=True, error=0.04))
    found = analyze_dynamics(made, Dynamics(), "s")
    (row,) = found["gains"]
    assert (row["n"], row["over"]) == (1, "items")
    assert row["ci95"] == pytest.approx([0.2 - 1.96 * 0.05, 0.2 + 1.96 * 0.05], abs=1e-4)
    assert found["overall"]["ci95"] == row["ci95"]
    assert any("Intermediate checkpoints were not fine-tuned" in said for said in found["warnings"])


def test_a_gain_whose_interval_is_not_known_says_so() -> None:
    made = table(scores("x", {1e9: 0.5}), scores("x", {1e9: 0.501}, tuned=True))
    found = analyze_dynamics(made, Dynamics(), "s")
    assert found["verdict"]["headline"] == "Fine-tuning gains +0.001 on x (1 checkpoint, interval not known)."
    assert found["verdict"]["details"][0].startswith("+0.001 on x (n = 1 checkpoint, interval not known) is the gain")
    known = table(scores("x", {1e9: 0.5}, error=0.01), scores("x", {1e9: 0.6}, tuned=True, error=0.01))
    details = analyze_dynamics(known, Dynamics(), "s")["verdict"]["details"]
    assert details[0].startswith("+0.1 on x (n = 1 checkpoint, over its items, interval +0.0723 to +0.128)")


@pytest.mark.parametrize(
    ("factor", "higher", "why"),
    [(100.0, True, "percentages beside shares"), (500.0, True, "no known scale"), (1.0, False, "lower is better")],
)
def test_scores_on_different_scales_are_not_averaged(factor: float, higher: bool, why: str) -> None:
    other = {"before": [factor * 0.5, factor * 0.6], "after": [factor * 0.4, factor * 0.45]}
    made = table(
        scores("acc", along(TOKENS[:2], [0.3, 0.4])),
        scores("acc", along(TOKENS[:2], [0.5, 0.7]), tuned=True),
        scores("other", along(TOKENS[:2], other["before"]), higher=higher),
        scores("other", along(TOKENS[:2], other["after"]), higher=higher, tuned=True),
    )
    found = analyze_dynamics(made, Dynamics(), "s")
    assert (found["overall"]["alike"], found["overall"]["mean_gain"]) == (False, None), why
    assert set(found["overall"]["tests"]) == {"acc", "other"}
    headline, details = found["verdict"]["headline"], " ".join(found["verdict"]["details"])
    assert headline.startswith(
        "Fine-tuning changes scores, whose scales differ, by +0.25 on acc (2 checkpoints, interval"
    )
    assert (" and +" if not higher else " and \N{MINUS SIGN}") in headline
    assert "on average" not in headline
    assert "largest and the smallest" not in details


def test_error_rates_of_several_tasks_are_averaged() -> None:
    parts = []
    for name, after in (("a", 0.2), ("b", 0.3)):
        parts += [scores(name, {1: 0.5, 2: 0.5}, higher=False)]
        parts += [scores(name, {1: after, 2: after - 0.1}, higher=False, tuned=True)]
    over = analyze_dynamics(table(*parts), Dynamics(), "s")["overall"]
    assert (over["alike"], over["mean_gain"]) == (True, pytest.approx(0.3))


def several_runs(n_runs: int) -> list[Any]:
    """Runs with two tasks, fine-tuned at the end only; the gain of run i is .1 + .01·i on either."""
    parts = []
    for i in range(n_runs):
        for task in ("cms", "rag"):
            parts.append(scores(f"kshot_{task}", {1e6: 0.2 + 0.02 * i, 2e6: 0.3}, run=f"v{i}"))
            parts.append(scores(task, {2e6: [0.39 + 0.01 * i, 0.41 + 0.01 * i]}, run=f"v{i}", tuned=True))
    return parts


def test_over_several_runs_the_runs_are_what_is_counted() -> None:
    over = analyze_dynamics(table(*several_runs(5)), Dynamics(), "s")["overall"]
    assert (over["n"], over["over"], over["mean_gain"]) == (5, "runs", pytest.approx(0.12))
    assert over["ci95"][0] < 0.12 < over["ci95"][1]


def test_a_run_that_lacks_a_task_is_not_averaged_with_those_that_have_it() -> None:
    parts = [*several_runs(4), scores("kshot_cms", {2e6: 0.3}, run="x"), scores("cms", {2e6: 0.9}, run="x", tuned=True)]
    assert analyze_dynamics(table(*parts), Dynamics(), "s")["overall"]["n"] == 4


def test_a_mean_over_a_family_is_no_task_of_its_own() -> None:
    parts = [*several_runs(4)]
    for i in range(4):
        parts += [
            scores("mean_kshot_x", {2e6: 0.0}, run=f"v{i}"),
            scores("mean_x", {2e6: 0.9}, run=f"v{i}", tuned=True),
        ]
    over = analyze_dynamics(table(*parts), Dynamics(), "s")["overall"]
    assert set(over["tests"]) == {"cms", "rag"}
    assert over["mean_gain"] == pytest.approx(0.115)


def test_the_first_test_set_of_the_spec_stands_for_its_task() -> None:
    parts = [scores(test, {1: 0.2}) for test in ("m", "mm")]
    parts += [scores(test, {1: value}, tuned="mnli") for test, value in (("m", 0.3), ("mm", 0.6))]
    spec = Dynamics(in_domain={"mnli": ("mm", "m")})
    assert analyze_dynamics(table(*parts), spec, "s")["overall"]["mean_gain"] == pytest.approx(0.4)


def test_forgetting_is_summed_from_group_to_group_and_over_checkpoints() -> None:
    parts = [scores(name, {1: 0.5, 2: 0.5}, family=f) for name, f in (("a", "A"), ("b", "B"), ("b2", "B"))]
    parts += [scores("a", {1: 0.9, 2: 0.9}, tuned=True, family="A")]
    parts += [
        scores("b", {1: 0.4, 2: 0.3}, tuned="a", family="B"),
        scores("b2", {1: 0.5, 2: 0.6}, tuned="a", family="B"),
    ]
    (row,) = analyze_dynamics(table(*parts), Dynamics(), "s")["forgetting"]
    assert (row["from_group"], row["to_group"], row["n_cells"], row["n_checkpoints"]) == ("A", "B", 4, 2)
    assert row["mean_gain"] == pytest.approx(-0.05)
    assert row["share_falling"] == 0.5
    # Each checkpoint's cells are averaged first: both means are −.05, so nothing scatters over checkpoints.
    assert row["ci95"] is None


def test_a_test_set_with_the_same_right_answers_throughout_is_no_forgetting() -> None:
    tokens = [1e9, 1e10, 1e11, 2e11]
    parts = [
        scores("a", along(tokens, [0.2, 0.3, 0.4, 0.5]), family="A"),
        scores("b", along(tokens, [1, 1, 1, 0.9]), family="B"),
    ]
    parts += [
        scores("a", along(tokens, [0.5] * 4), tuned=True, family="A"),
        scores("b", along(tokens, [0.4] * 4), tuned="a", family="B"),
    ]
    found = analyze_dynamics(table(*parts), Dynamics(), "s")
    assert found["forgetting"] == []
    assert any("b: left out of forgetting" in said for said in found["warnings"])
    # Who names the groups decides.
    named = Dynamics(groups={"A": ("a",), "B": ("b",)})
    assert len(analyze_dynamics(table(*parts), named, "s")["forgetting"]) == 1
