"""The published ladder (Bhagia et al. 2024): a 3B and a 7B model from runs of up to 1B."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from ptp_core.errors import Where
from ptp_core.predict.scaling.analysis import analyze_scaling
from ptp_core.spec.measurements import WideTable
from ptp_core.spec.scaling import Scaling
from ptp_core.table.wide import read_wide

SPEC = Path(__file__).parents[3] / "specs" / "olmo-ladder.yaml"
DATA = Path(os.environ.get("PTP_DATA_ROOT", "/nowhere")) / "tables"
needs_data = pytest.mark.skipif(
    not (DATA / "olmo_ladder_trajectories.parquet").is_file(),
    reason="PTP_DATA_ROOT has no tables/olmo_ladder_trajectories.parquet",
)
pytestmark = [needs_data, pytest.mark.slow, pytest.mark.data]
LARGE, LARGEST = "3B-10xC", "peteish7_eval_anneal"


@pytest.fixture(scope="module")
def found() -> dict[str, Any]:
    raw = yaml.safe_load(SPEC.read_text(encoding="utf-8"))
    (mapping,) = raw["measurements"]
    table = read_wide(WideTable.model_validate(mapping), SPEC.parent, Where(SPEC))
    return analyze_scaling(table, Scaling.model_validate(raw["scaling"] | {"bootstraps": 100}), raw["study"]).summary


def errors(found: dict[str, Any], run: str, kind: str, form: str | None = None) -> dict[str, float]:
    """Metric → relative error of a form, by default of the chosen one."""
    names = [m["metric"] for m in found["metrics"] if m["kind"] == kind]
    fits = found["fits"][""]
    chosen = {name: form or next(f for f, fit in fits[name].items() if fit["chosen"]) for name in names}
    return {name: found["targets"][run][name][chosen[name]]["relative_error"] for name in names}


def test_only_runs_of_up_to_1b_are_fitted(found: dict[str, Any]) -> None:
    fitted = [run for run in found["runs"] if run["role"] == "fit"]

    assert len(fitted) == 20
    assert max(run["params"] for run in fitted) < 1.3e9
    assert {run["run"]: run["tokens"] for run in found["runs"]}[LARGEST] == pytest.approx(3.945e12, rel=1e-3)


def test_accuracy_at_3b_is_predicted_within_3_percent(found: dict[str, Any]) -> None:
    of = errors(found, LARGE, "score")

    assert len(of) == 7
    assert np.mean(list(of.values())) <= 0.03


def test_accuracy_at_7b_is_predicted_within_7_percent(found: dict[str, Any]) -> None:
    assert np.mean(list(errors(found, LARGEST, "score").values())) <= 0.07


def test_task_losses_are_predicted_within_2_percent_at_3b_and_5_at_7b(found: dict[str, Any]) -> None:
    assert np.mean(list(errors(found, LARGE, "loss").values())) <= 0.02
    assert np.mean(list(errors(found, LARGEST, "loss").values())) <= 0.05


def test_the_choice_beats_flp_and_a_plain_chain(found: dict[str, Any]) -> None:
    for run in (LARGE, LARGEST):
        chosen = np.mean(list(errors(found, run, "score").values()))
        assert chosen < np.mean(list(errors(found, run, "score", "flp+linear").values()))
        assert chosen < np.mean(list(errors(found, run, "score", "nd+sigmoid").values()))


def test_the_bands_of_losses_and_scores_hold_most_of_what_was_measured(found: dict[str, Any]) -> None:
    rows = [
        by[form]
        for run in (LARGE, LARGEST)
        for name, by in found["targets"][run].items()
        for form, fit in found["fits"][""][name].items()
        if fit["chosen"]
    ]
    inside = [row["band95"][0] <= row["actual"] <= row["band95"][1] for row in rows]

    assert len(inside) == 28
    assert np.mean(inside) >= 0.75
