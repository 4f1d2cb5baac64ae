"""Sun & Dredze 2024: every figure that was recomputed from the published scores, through the spec that ships."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from ptp_core.errors import Where
from ptp_core.predict.audit.audit import audit
from ptp_core.predict.dynamics.analysis import analyze_dynamics
from ptp_core.predict.quantities import measured
from ptp_core.spec.load import load_study
from ptp_core.spec.loaded import LoadedStudy
from ptp_core.table.reading import join, read_measurements
from ptp_core.table.schema import validate

SPEC = Path(__file__).parents[3] / "specs" / "amuro-char-published.yaml"
DATA = Path(os.environ.get("PTP_DATA_ROOT", "/nowhere")) / "tables" / "amuro_char_scores.csv.gz"
pytestmark = pytest.mark.skipif(not DATA.is_file(), reason="PTP_DATA_ROOT has no tables/amuro_char_scores.csv.gz")

Row = dict[str, Any]
STEP = 2048 * 2048


@pytest.fixture(scope="module")
def study() -> LoadedStudy:
    """The spec that ships."""
    return load_study(SPEC)


@pytest.fixture(scope="module")
def published(study: LoadedStudy) -> pd.DataFrame:
    """The table that it reads."""
    tables = study.spec.measurements
    return validate(join([read_measurements(table, SPEC.parent, Where(SPEC)) for table in tables]))


@pytest.fixture(scope="module")
def found(study: LoadedStudy, published: pd.DataFrame) -> dict[str, Any]:
    """Its dynamics."""
    assert study.spec.dynamics is not None
    return analyze_dynamics(published, study.spec.dynamics, study.spec.study)


def one(rows: list[Row], train_task: str | None, test: str) -> Row:
    """The row of a train task and a test set."""
    (row,) = [row for row in rows if (row["train_task"], row["test"]) == (train_task, test)]
    return row


def agrees(value: float, printed: str) -> bool:
    """Whether a value rounds to the digits that are printed."""
    return f"{value:.{len(printed.split('.')[1])}f}" == f"{float(printed):.{len(printed.split('.')[1])}f}"


@pytest.mark.parametrize(
    ("train_task", "test", "gain"),
    [
        ("mnli", "mnli_matched", ".3674"),
        ("mnli", "mnli_mismatched", ".3781"),
        ("paws", "paws", ".2756"),
        ("socialiqa", "socialiqa", ".5267"),
        ("xsum", "xsum", ".0641"),
        ("tulu", "hellaswag.rc_acc", ".0112"),
        ("tulu", "arc_challenge.rc_acc", ".0046"),
        ("tulu", "arc_easy.rc_acc", ".0202"),
        ("tulu", "sciq.rc_acc", ".0496"),
        ("tulu", "boolq.rc_acc", ".0857"),
    ],
)
def test_mean_gains_over_eight_checkpoints(found: dict[str, Any], train_task: str, test: str, gain: str) -> None:
    row = one(found["gains"], train_task, test)
    assert row["n"] == 8
    assert agrees(row["mean_gain"], gain)
    assert row["ci95"][0] < row["mean_gain"] < row["ci95"][1]


def test_the_gain_of_instruction_tuning_on_openbookqa_is_an_eighth_of_a_point(found: dict[str, Any]) -> None:
    # It is .00125 exactly, printed as .0012: rounding half to even.
    assert one(found["gains"], "tulu", "openbookqa.rc_acc")["mean_gain"] == pytest.approx(0.00125, abs=1e-9)


@pytest.mark.parametrize(
    ("train_task", "test", "base", "tuned"),
    [
        ("mnli", "mnli_matched", ".327", ".790"),
        ("paws", "paws", ".558", ".878"),
        ("socialiqa", "socialiqa", ".069", ".659"),
        ("xsum", "xsum", ".071", ".183"),
    ],
)
def test_scores_of_the_final_checkpoint(
    found: dict[str, Any], train_task: str, test: str, base: str, tuned: str
) -> None:
    row = one(found["gains"], train_task, test)
    assert agrees(row["final_base"], base)
    assert agrees(row["final_tuned"], tuned)


def test_the_mean_gain_over_the_four_tasks(found: dict[str, Any]) -> None:
    over = found["overall"]
    assert over["tests"] == {"mnli": "mnli_matched", "paws": "paws", "socialiqa": "socialiqa", "xsum": "xsum"}
    assert agrees(over["mean_gain"], ".3085")
    assert (over["n"], over["over"]) == (8, "checkpoints")


def test_tuning_on_classification_spoils_generation_and_not_the_other_way_round(found: dict[str, Any]) -> None:
    across = {(row["from_group"], row["to_group"]): row for row in found["forgetting"]}
    row = across["classification", "generation"]
    assert row["n_cells"] == 32
    assert agrees(row["mean_gain"], "-.0515")
    assert agrees(row["mean_ratio"], "-.615")
    assert f"{row['share_falling']:.0%}" == "97%"
    assert row["ci95"][1] < 0
    back = across["generation", "classification"]
    assert agrees(back["mean_gain"], ".0020")
    assert back["ci95"][0] < 0 < back["ci95"][1]


@pytest.mark.parametrize(
    ("train_task", "test", "at_18000", "last"),
    [
        ("mnli", "mnli_matched", ".091", ".076"),
        (None, "mnli_matched", ".005", ".004"),
        ("socialiqa", "socialiqa", ".159", ".075"),
        ("paws", "paws", ".092", ".008"),
        ("xsum", "xsum", ".057", ".041"),
    ],
)
def test_spread_over_three_prompt_formats(
    found: dict[str, Any], train_task: str | None, test: str, at_18000: str, last: str
) -> None:
    row = one(found["formats"], train_task, test)
    assert row["n_formats"] == 3
    assert agrees(row["sd"][row["tokens"].index(18000 * STEP)], at_18000)
    assert agrees(row["last"], last)


def test_wording_matters_most_to_the_tuned_model_at_step_424000(found: dict[str, Any]) -> None:
    row = one(found["formats"], "mnli", "mnli_matched")
    assert agrees(row["peak"], ".154")
    assert row["peak_tokens"] == 424000 * STEP


@pytest.mark.parametrize(
    ("train_task", "test", "rho"),
    [
        ("mnli", "mnli_matched", "-.40"),
        ("paws", "paws", "-.45"),
        ("socialiqa", "socialiqa", ".12"),
        ("xsum", "xsum", ".45"),
        ("tulu", "hellaswag.rc_acc", ".83"),
        ("tulu", "arc_challenge.rc_acc", ".80"),
        ("tulu", "arc_easy.rc_acc", ".79"),
        ("tulu", "openbookqa.rc_acc", ".96"),
        ("tulu", "sciq.rc_acc", ".51"),
        ("tulu", "boolq.rc_acc", ".13"),
    ],
)
def test_rank_correlation_of_base_and_tuned_scores(found: dict[str, Any], train_task: str, test: str, rho: str) -> None:
    row = one(found["correlation"], train_task, test)
    assert row["n"] == 8
    assert agrees(row["spearman"], rho)
    assert agrees(row["null_sd"], ".144")


def test_what_eight_checkpoints_cannot_tell_is_said(found: dict[str, Any]) -> None:
    assert any("n = 8" in said and "0.144" in said for said in found["verdict"]["details"])
    assert "+0.308" in found["verdict"]["headline"]
    assert "not shown to order checkpoints better than chance" in found["verdict"]["headline"]


def test_no_latent_gain_is_claimed_from_six_checkpoints_that_scatter(found: dict[str, Any]) -> None:
    assert {row["n"] for row in found["latent"]} == {6}
    assert not any(row["latent"] for row in found["latent"])


def test_the_audit_names_the_two_test_sets_whose_gold_labels_are_all_the_same(
    study: LoadedStudy, published: pd.DataFrame, found: dict[str, Any]
) -> None:
    findings = audit(published, measured(published), study.spec.select, {}).findings
    named = [finding for finding in findings if finding.kind == "constant_labels"]
    assert [finding.indicators for finding in named] == [("qqp",), ("stsb",)]
    assert [finding.sentence for finding in named] == found["warnings"][:2]


def test_the_selection_is_of_the_tasks_that_are_tested_under_their_own_name(published: pd.DataFrame) -> None:
    data = measured(published)
    assert list(data.outcomes) == ["paws", "socialiqa", "xsum"]
    assert len(data.variants) == 8
