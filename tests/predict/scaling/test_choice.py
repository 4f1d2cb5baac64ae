from __future__ import annotations

import numpy as np
import pytest

from ptp_core.predict.scaling.abstain import reason_to_abstain, spread_of_candidates
from ptp_core.predict.scaling.choice import Choice, alike, best_first, means_of, relative_errors
from ptp_core.predict.scaling.emerged import metrics_of
from ptp_core.predict.scaling.group import Group, group_of
from ptp_core.predict.scaling.inner import cuts_of, reads_of
from ptp_core.predict.scaling.points import points_of
from ptp_core.predict.scaling.roles import roles_of, steps
from ptp_core.spec.scaling import Scaling
from tests.predict.scaling.worlds import RATIOS, SIZES, table_of


def spec_of(**fields: object) -> Scaling:
    return Scaling.model_validate({"losses": ["loss"], "targets": {"accuracy": {"chance": 0.25}}} | fields)


def group(sizes: tuple[float, ...], ratios: tuple[float, ...] = RATIOS, **world: object) -> Group:
    spec = spec_of(fit=["*"], bootstraps=20)
    points = points_of(table_of(sizes, ratios, **world), spec)  # type: ignore[arg-type]
    ends = points.ends()
    return group_of("", points, ends, roles_of(points, ends, spec), spec)


def test_forms_are_compared_on_the_cells_that_all_of_them_have() -> None:
    easy, hard = (0, "easy"), (0, "hard")
    errors = {"everywhere": {easy: 0.02, hard: 0.5}, "where it is easy": {easy: 0.05}}

    assert best_first(errors) == {"everywhere": (0.02, 1), "where it is easy": (0.05, 1)}


def test_a_form_with_few_cells_comes_last_and_narrows_nothing() -> None:
    cells = [(0, str(i)) for i in range(4)]
    errors = {"rare": {cells[0]: 0.0}, "b": dict.fromkeys(cells, 0.2), "a": dict.fromkeys(cells, 0.1), "none": {}}

    assert best_first(errors) == {"a": (pytest.approx(0.1), 4), "b": (pytest.approx(0.2), 4), "rare": (0.0, 1)}


def test_only_forms_that_hardly_differ_are_combined() -> None:
    cell = (0, "score")

    assert alike(["a", "b", "c"], {"a": {cell: 0.1}, "b": {cell: 0.14}, "c": {cell: 0.141}}) == ("a", "b")
    assert alike(["a", "b"], {"a": {cell: 0.1}, "b": {cell: 0.16}}) == ("a",)
    assert alike(["a"], {"a": {cell: 0.1}}) == ("a",)


def test_the_next_best_form_stands_in_where_the_chosen_one_could_not_be_fitted() -> None:
    choice = Choice({"a": (0.1, 2), "b": (0.11, 2), "c": (0.3, 2)}, ("a", "b"), {})

    assert choice.chosen == "combined"
    assert choice.preferred(["combined", "a", "b", "c"]) == "combined"
    assert choice.preferred(["b", "c"]) == "b"
    assert choice.preferred([]) is None


def test_a_combined_prediction_is_the_mean() -> None:
    inner = {"a": {(0, "m"): np.array([1.0, 2.0]), (1, "m"): np.array([9.0])}, "b": {(0, "m"): np.array([3.0, 2.0])}}

    assert {cell: mean.tolist() for cell, mean in means_of(inner, ["a", "b"]).items()} == {(0, "m"): [2.0, 2.0]}


def test_an_error_relative_to_0_is_none() -> None:
    errors = relative_errors(np.array([1.0, 1.0, 1.1]), np.array([0.0, np.nan, 1.0]))

    assert np.isnan(errors[:2]).all()
    assert errors[2] == pytest.approx(0.1)


def test_sizes_within_five_percent_are_one() -> None:
    assert steps(np.array([2e8, 1e8, 1.02e8, 2.04e8, 9e8])).tolist() == [1, 0, 0, 1, 2]


def test_four_sizes_are_cut_twice_three_once() -> None:
    four, three = cuts_of(group(SIZES).fitted), cuts_of(group(SIZES[:3]).fitted)

    assert [len(cut.fitted) for cut in four] == [9, 6]
    assert set(four[0].predicted) == {"80M-10", "80M-40", "80M-160"}
    assert [len(cut.predicted) for cut in three] == [3]


def test_two_sizes_are_cut_by_compute() -> None:
    (cut,) = cuts_of(group(SIZES[:2]).fitted)

    assert set(cut.predicted) == {"20M-160", "20M-40"}


def test_a_plateau_is_read_off_the_ends_where_checkpoints_on_the_way_mislead() -> None:
    table = table_of(shares=(0.5, 0.75, 1.0))
    early = (table["name"] == "accuracy") & ~table["checkpoint_tokens"].isin(
        table[table["kind"] == "indicator"].groupby("variant")["checkpoint_tokens"].max()
    )
    # Learning rates that have not come down yet: less accurate than their loss says.
    table.loc[early, "value"] = table.loc[early, "value"].astype(float) - 0.04
    spec = spec_of(fit=["*"], bootstraps=20)
    points = points_of(table, spec)
    misled = group_of("", points, points.ends(), roles_of(points, points.ends(), spec), spec)
    metrics = metrics_of(points, spec)

    reads = reads_of(metrics, spec, misled.fitted, cuts_of(misled.fitted))

    assert reads == {"linear": "checkpoints", "exponential": "ends", "sigmoid": "ends"}


def test_a_band_wider_than_the_candidates_differ_abstains_and_says_both_numbers() -> None:
    spread = spread_of_candidates(np.array([0.5, 0.6, np.nan]), np.array([1.0, 2.0, 3.0]), np.array([0.1, 0.9]))

    assert spread == pytest.approx(0.1)
    assert reason_to_abstain((0.5, 0.59), spread, 3) is None
    words = reason_to_abstain((0.5, 0.75), spread, 3)
    assert (
        words
        == "the band is 0.25 wide, and the 3 predicted runs differ by 0.1: this prediction tells none of them apart"
    )


def test_a_single_candidate_is_held_against_the_fitted_runs() -> None:
    fitted = np.array([0.1, 0.9, np.nan])
    assert spread_of_candidates(np.array([0.5]), np.array([1.0]), fitted) == pytest.approx(0.8)


def test_seeds_of_one_size_are_one_candidate_and_sizes_predicted_alike_are_several() -> None:
    alike, fitted = np.array([1.0, 1.0]), np.array([0.1, 0.9])
    assert spread_of_candidates(alike, np.array([5.0, 5.0]), fitted) == pytest.approx(0.8)
    assert spread_of_candidates(alike, np.array([5.0, 9.0]), fitted) == 0.0
