"""A fine-tuned score finds the base score of its checkpoint, in the same prompt format, under either name."""

from __future__ import annotations

import pandas as pd
import pytest

from ptp_core.errors import UserError
from ptp_core.predict.dynamics.cells import Cell, as_json, cells_of
from ptp_core.predict.dynamics.runs import runs_of
from ptp_core.predict.dynamics.scores import base_names, format_of, on_other_items, scores_of
from ptp_core.spec.dynamics import Dynamics
from tests.predict.dynamics.studies import scores, table


def cells(made: pd.DataFrame, spec: Dynamics | None = None) -> list[Cell]:
    """The cells of a table."""
    spec = spec or Dynamics()
    of = scores_of(runs_of(made, spec))
    bases = base_names(of, spec)
    return cells_of(of, bases, format_of(of, bases, spec), spec)


@pytest.mark.parametrize(
    ("outcome", "indicator"),
    [("cms", "cms"), ("cms", "kshot_cms"), ("cms.f1", "kshot_cms.f1"), ("mean_cms", "mean_kshot_cms")],
)
def test_the_base_score_has_the_name_of_the_outcome_or_that_of_its_few_shot_indicator(
    outcome: str, indicator: str
) -> None:
    (cell,) = cells(table(scores(indicator, {1: 0.25, 2: 0.5}), scores(outcome, {2: 0.75}, tuned=True)))
    assert (cell.base, cell.tuned, cell.gain, cell.ratio) == (0.5, 0.75, 0.25, 0.5)
    assert cell.in_domain


def test_the_spec_may_name_another_base_score() -> None:
    made = table(scores("zero_shot", {1: 0.5}), scores("cms", {1: 0.25}), scores("cms", {1: 0.75}, tuned=True))
    (cell,) = cells(made, Dynamics(base={"cms": "zero_shot"}))
    assert cell.base == 0.5
    for wrong in ({"cmss": "zero_shot"}, {"cms": "zeroshot"}):
        with pytest.raises(UserError, match="did you mean"):
            cells(made, Dynamics(base=wrong))


def test_seeds_are_averaged_and_their_noise_is_in_the_interval() -> None:
    made = table(scores("t", {1: 0.5}, error=0.03), scores("t", {1: [0.7, 0.8, 0.9]}, tuned=True, error=0.04))
    (cell,) = cells(made)
    assert (cell.n_seeds, cell.tuned) == (3, pytest.approx(0.8))
    assert cell.error == pytest.approx((0.03**2 + 0.04**2 + 0.1**2 / 3) ** 0.5)
    low, high = as_json(cell, 0.95)["ci95"]
    assert (low, high) == pytest.approx((0.3 - 1.95996 * cell.error, 0.3 + 1.95996 * cell.error), abs=1e-5)


def test_without_standard_errors_there_is_no_interval() -> None:
    (cell,) = cells(table(scores("t", {1: 0.5}), scores("t", {1: [0.7, 0.8]}, tuned=True)))
    assert as_json(cell, 0.95)["ci95"] is None


def test_a_loss_that_falls_is_a_gain() -> None:
    (cell,) = cells(table(scores("t", {1: 3.0}, higher=False), scores("t", {1: 2.0}, tuned=True, higher=False)))
    assert cell.gain == 1.0


def test_figures_are_read_in_one_prompt_format() -> None:
    base, tuned = {"default": 0.1, "instruct": 0.2}, {"default": 0.5, "instruct": 0.9}
    parts = [scores("t", {1: value}, fmt=fmt) for fmt, value in base.items()]
    parts += [scores("t", {1: value}, fmt=fmt, tuned=True) for fmt, value in tuned.items()]
    (cell,) = cells(table(*parts))
    assert (cell.base, cell.tuned, cell.prompt_format) == (0.1, 0.5, "default")
    (cell,) = cells(table(*parts), Dynamics(prompt_format="instruct"))
    assert (cell.base, cell.tuned) == (0.2, 0.9)
    with pytest.raises(UserError, match="no score is in this prompt format"):
        cells(table(*parts), Dynamics(prompt_format="poem"))


def test_a_base_score_of_unknown_format_stands_for_all() -> None:
    (cell,) = cells(table(scores("t", {1: 0.25}), scores("t", {1: 0.5}, fmt="default", tuned=True)))
    assert (cell.base, cell.tuned) == (0.25, 0.5)


def test_other_tests_belong_to_a_task_where_the_spec_says_so() -> None:
    made = table(scores("mnli_mm", {1: 0.25}), scores("mnli_mm", {1: 0.5}, tuned="mnli"))
    assert [cell.in_domain for cell in cells(made)] == [False]
    assert [cell.in_domain for cell in cells(made, Dynamics(in_domain={"mnli": ("mnli_*",)}))] == [True]
    for wrong in ({"mnlii": ("mnli_mm",)}, {"mnli": ("mnli_nn",)}):
        with pytest.raises(UserError, match="did you mean"):
            cells(made, Dynamics(in_domain=wrong))


def test_a_missing_base_score_leaves_the_tuned_one() -> None:
    (cell,) = cells(table(scores("t", {1: 0.25}), scores("t", {2: 0.5}, tuned=True)))
    assert cell.tuned == 0.5
    assert as_json(cell, 0.95)["gain"] != as_json(cell, 0.95)["gain"]  # NaN


def test_one_checkpoint_of_unknown_tokens_is_the_end() -> None:
    made = table(scores("t", {1: 0.25}), scores("t", {1: 0.5}, tuned=True)).assign(checkpoint_tokens=None)
    (cell,) = cells(made)
    assert (cell.gain, as_json(cell, 0.95)["tokens"]) == (0.25, None)


def test_scores_before_and_after_on_other_items_are_told() -> None:
    rows = pd.DataFrame(
        {
            "kind": ["indicator", "outcome", "indicator", "outcome"],
            "name": ["kshot_quiz", "quiz", "kshot_maze", "maze"],
            "split": ["train", "test", None, "test"],
        }
    )
    assert on_other_items(rows, {"quiz": "kshot_quiz", "maze": "kshot_maze"}) == ["quiz"]
