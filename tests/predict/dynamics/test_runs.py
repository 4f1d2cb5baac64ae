"""Variants become checkpoints of runs as the spec says, or a clear error says why not."""

from __future__ import annotations

import pytest

from ptp_core.errors import UserError
from ptp_core.predict.dynamics.runs import runs_of
from ptp_core.spec.dynamics import Dynamics
from ptp_core.table.schema import from_rows
from tests.predict.dynamics.studies import scores, table


def test_without_trajectories_every_variant_is_a_run() -> None:
    found = runs_of(table(scores("t", {1: 0.1, 2: 0.2}, run="b"), scores("t", {2: 0.3}, run="a")), Dynamics())
    assert found.variants == {"a": ("a",), "b": ("b",)}


def test_variants_that_are_checkpoints_of_one_run_go_together() -> None:
    parts = [scores("t", {n: 0.1}, run=f"olmo-{n}") for n in (1, 2, 10)]
    found = runs_of(table(*parts, scores("t", {5: 0.1}, run="other")), Dynamics(trajectories={"olmo": ("olmo-*",)}))
    assert found.variants == {"olmo": ("olmo-1", "olmo-2", "olmo-10")}
    assert set(found.table["variant"]) == {"olmo-1", "olmo-2", "olmo-10"}


def test_a_missing_number_of_tokens_is_that_of_the_configuration() -> None:
    row = {"variant": "a", "source": "made"}
    config = row | {"kind": "config", "name": "tokens", "value": 7e9}
    score = row | {"kind": "indicator", "name": "t", "value": 0.5, "higher_is_better": True}
    assert runs_of(from_rows([config, score]), Dynamics()).scores["tokens"].tolist() == [7e9]


@pytest.mark.parametrize(
    ("trajectories", "message"),
    [
        ({"r": ("no",)}, 'dynamics.trajectories.r: nothing is called "no"'),
        ({"r": ("a",), "s": ("*",)}, "a is a checkpoint of r and of s; a checkpoint belongs to one run"),
        ({"r": ("a", "c")}, "a and c were saved after equal numbers of tokens"),
    ],
)
def test_what_is_no_run_is_refused(trajectories: dict[str, tuple[str, ...]], message: str) -> None:
    parts = [scores("t", {1: 0.1}, run="a"), scores("t", {2: 0.1}, run="b"), scores("t", {1: 0.3}, run="c")]
    with pytest.raises(UserError) as caught:
        runs_of(table(*parts), Dynamics(trajectories=trajectories))
    assert message in str(caught.value)


def test_checkpoints_without_tokens_cannot_be_put_in_order() -> None:
    made = table(scores("t", {1: 0.1}, run="a"), scores("t", {2: 0.1}, run="b")).assign(checkpoint_tokens=None)
    with pytest.raises(UserError, match="after how many tokens a and b were saved is not known"):
        runs_of(made, Dynamics(trajectories={"r": ("*",)}))
