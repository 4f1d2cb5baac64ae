"""Thirty published models fine-tuned on up to 1.6 million examples: what foretells the best of them.

Check figures of Lin et al. 2024 (arXiv 2402.02314): the loss before fine-tuning picks the better model of a pair about
half of the time. The rest was measured here.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from ptp_core.predict.scaling.tuning import tuning_law
from ptp_core.spec.load import load_study
from ptp_core.table.reading import read_measurements

SPEC = Path(__file__).parents[3] / "specs" / "rectified-law.yaml"
pytestmark = [
    pytest.mark.skipif("PTP_DATA_ROOT" not in os.environ, reason="PTP_DATA_ROOT does not say where the tables are"),
    pytest.mark.slow,
]


@pytest.fixture(scope="module")
def block() -> dict[str, Any]:
    study = load_study(SPEC)
    assert study.spec.scaling is not None
    table = read_measurements(study.spec.measurements[0], SPEC.parent, study.where("measurements"))
    return tuning_law(table, study.spec.scaling)


def accuracies(block: dict[str, Any]) -> dict[int | None, float]:
    return {entry["examples"]: entry["accuracy"] for entry in block["pairwise"]}


def test_thirty_models_and_fifteen_sizes_are_there(block: dict[str, Any]) -> None:
    assert (block["n_models"], len(block["sizes"]), block["sizes"][-1]) == (30, 15, 1_638_400)
    assert {entry["n_pairs"] for entry in block["pairwise"]} == {435}


def test_the_loss_before_fine_tuning_picks_the_better_model_half_of_the_time(block: dict[str, Any]) -> None:
    before = block["pairwise"][0]
    assert (before["examples"], round(before["accuracy"], 3)) == (0, 0.508)
    assert before["ci95"][0] < 0.5 < before["ci95"][1]


def test_size_is_hardly_better(block: dict[str, Any]) -> None:
    size = block["pairwise"][-1]
    assert (size["by"], round(size["accuracy"], 3)) == ("params", 0.553)
    assert size["ci95"][0] < 0.5 < size["ci95"][1]


def test_a_tiny_fine_tune_tells_more_the_larger_it_is(block: dict[str, Any]) -> None:
    found = accuracies(block)
    wanted = {200: 0.549, 6400: 0.566, 25_600: 0.589, 102_400: 0.632, 409_600: 0.807, 819_200: 0.878}
    assert {size: round(found[size], 3) for size in wanted} == wanted


def test_a_law_fitted_on_a_sixteenth_predicts_the_loss_at_full_size_within_six_percent(block: dict[str, Any]) -> None:
    law = block["law"]
    chosen = law["forms"][law["chosen"]]
    assert (block["largest_fitted"], law["chosen"]) == (102_400, "rectified_shared")
    assert chosen["mean_relative_error"] == pytest.approx(0.0594, abs=5e-5)
    assert chosen["median"] == pytest.approx(0.0414, abs=5e-5)
    assert chosen["accuracy"] == pytest.approx(0.669, abs=5e-4)


def test_every_form_states_its_error_and_the_rectified_one_beats_a_plain_power_law(block: dict[str, Any]) -> None:
    errors = {name: round(form["mean_relative_error"], 3) for name, form in block["law"]["forms"].items()}
    assert errors == {"last": 0.345, "slope": 0.046, "power": 0.168, "rectified": 0.070, "rectified_shared": 0.059}


def test_looking_back_the_slope_at_the_end_was_nearer_and_that_is_said(block: dict[str, Any]) -> None:
    assert block["law"]["forms"]["slope"]["accuracy"] == pytest.approx(0.805, abs=5e-4)
    assert any(words.startswith("Looking back, slope was nearer: 4.6 %") for words in block["words"])


def test_bands_hold_29_of_the_30_losses(block: dict[str, Any]) -> None:
    inside = [p["band95"][0] <= p["actual"] <= p["band95"][1] for p in block["law"]["predictions"]]
    assert (sum(inside), len(inside)) == (29, 30)
    assert block["law"]["covered"] == pytest.approx(29 / 30)
