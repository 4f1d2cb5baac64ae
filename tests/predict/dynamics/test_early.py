"""Whether an early number orders the final outcomes of runs, against tokens."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ptp_core.predict.dynamics.analysis import analyze_dynamics
from ptp_core.spec.dynamics import Dynamics
from tests.predict.dynamics.studies import scores, table


def study(n_runs: int = 6, *, intermediate: bool = False, spec: Dynamics | None = None) -> dict[str, Any]:
    """Runs whose loss is in the order of their outcome from half of the training on, and against it before."""
    parts = []
    for i in range(n_runs):
        run = f"v{i}"
        parts.append(scores("ppl", {1e6: 4 + 0.1 * i, 2e6: 3 - 0.1 * i, 4e6: 2 - 0.1 * i}, run=run, higher=False))
        parts.append(scores("kshot_t", {4e6: 0.3}, run=run))
        curve = {1e6: 0.3 + 0.01 * i} if intermediate else {}
        parts.append(scores("t", curve | {4e6: [0.5 + 0.02 * i, 0.52 + 0.02 * i]}, run=run, tuned=True))
    return analyze_dynamics(table(*parts), spec or Dynamics(), "s")


def test_accuracy_is_given_at_every_number_of_tokens_that_runs_share() -> None:
    (row,) = study()["early"]
    assert (row["indicator"], row["outcome"]) == ("ppl", "t")
    assert [point["tokens"] for point in row["points"]] == [1_000_000, 2_000_000, 4_000_000]
    assert [point["share"] for point in row["points"]] == [0.25, 0.5, 1.0]
    assert [point["accuracy"] for point in row["points"]] == [0.0, 1.0, 1.0]
    assert {(point["n_variants"], point["n_pairs"]) for point in row["points"]} == {(6, 15)}
    low, high = row["points"][1]["ci95"]
    assert low < 0.5 < high == 1.0  # six runs are few, however well they are ordered


def test_an_outcome_that_was_tuned_early_forecasts_itself() -> None:
    rows = {row["indicator"]: row for row in study(intermediate=True)["early"]}
    assert set(rows) == {"ppl", "t (fine-tuned)"}
    assert [point["tokens"] for point in rows["t (fine-tuned)"]["points"]] == [1_000_000]


def test_three_runs_have_no_order_worth_a_word() -> None:
    found = study(3)
    assert found["early"] == []
    assert any("takes four" in said for said in found["warnings"])


def test_a_run_of_several_variants_is_one_run() -> None:
    parts = []
    for i in range(4):
        parts.append(scores("t", {1e6: 0.1 * i}, run=f"r{i}-early"))
        parts.append(scores("t", {2e6: 0.1 * i}, run=f"r{i}-late"))
        parts.append(scores("t", {2e6: 0.2 * i}, run=f"r{i}-late", tuned=True))
    spec = Dynamics(trajectories={f"r{i}": (f"r{i}-*",) for i in range(4)})
    (row,) = analyze_dynamics(table(*parts), spec, "s")["early"]
    assert [(point["tokens"], point["accuracy"]) for point in row["points"]] == [(1_000_000, 1.0), (2_000_000, 1.0)]


def test_a_checkpoint_that_few_runs_have_is_left_out() -> None:
    parts = [scores("x", {2e6: 0.1 * i} | ({1e6: 0.1} if i < 3 else {}), run=f"v{i}") for i in range(5)]
    parts += [scores("t", {2e6: 0.2 * i}, run=f"v{i}", tuned=True) for i in range(5)]
    parts += [scores("t", {2e6: 0.1}, run=f"v{i}") for i in range(5)]
    assert analyze_dynamics(table(*parts), Dynamics(), "s")["early"] == []


def test_an_unrelated_number_is_at_one_half() -> None:
    rng = np.random.default_rng(0)
    parts = []
    for i in range(40):
        parts.append(scores("x", {1e6: rng.normal(), 2e6: rng.normal()}, run=f"v{i}"))
        parts.append(scores("t", {2e6: rng.normal()}, run=f"v{i}", tuned=True))
    (row,) = analyze_dynamics(table(*parts), Dynamics(), "s")["early"]
    for point in row["points"]:
        assert point["accuracy"] == pytest.approx(0.5, abs=0.13)
        assert point["ci95"][0] < 0.5 < point["ci95"][1]
