"""Points of a scaling study from the tidy table."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from ptp_core.errors import UserError
from ptp_core.predict.scaling.points import matching, points_of
from ptp_core.spec.scaling import Scaling
from ptp_core.table.schema import from_rows

Row = dict[str, Any]


def config(run: str, **settings: float | str) -> list[Row]:
    return [
        {"variant": run, "kind": "config", "name": name, "source": "here"}
        | ({"text": value} if isinstance(value, str) else {"value": value})
        for name, value in settings.items()
    ]


def loss(run: str, value: float, **more: Any) -> Row:
    row = {"variant": run, "kind": "indicator", "name": "loss", "value": value, "higher_is_better": False}
    return row | {"source": "here"} | more


def table(*rows: Row | list[Row]) -> pd.DataFrame:
    return from_rows([one for row in rows for one in (row if isinstance(row, list) else [row])])


LOSSES = Scaling(losses=("loss",))


def test_a_run_without_flops_costs_six_times_its_parameters_times_its_tokens() -> None:
    points = points_of(table(config("a", params=10.0, tokens=20.0), loss("a", 3.0)), LOSSES)
    assert points.compute.tolist() == [6 * 10 * 20]


def test_a_checkpoint_on_the_way_has_spent_its_share_of_the_runs_compute() -> None:
    rows = [loss("a", 3.0, checkpoint_tokens=20), loss("a", 4.0, checkpoint_tokens=5)]
    points = points_of(table(config("a", params=10.0, tokens=20.0, flops=1000.0), rows), LOSSES)
    assert points.tokens.tolist() == [5, 20]
    assert points.compute.tolist() == [250, 1000]
    assert points.values["loss"].tolist() == [4.0, 3.0]


def test_sizes_may_be_written_as_people_write_them() -> None:
    points = points_of(table(config("a", params="1.4B", tokens="28B"), loss("a", 3.0)), LOSSES)
    assert (points.params[0], points.tokens[0]) == (1.4e9, 28e9)


def test_what_the_table_lacks_comes_from_the_spec_and_its_own_entry_wins_over_a_pattern() -> None:
    spec = Scaling(losses=("loss",), runs={"a*": {"params": 7, "tokens": 9}, "ab": {"params": 8, "tokens": 9}})
    points = points_of(table(loss("a", 3.0), loss("ab", 2.0)), spec)
    assert points.params.tolist() == [7, 8]


def test_seeds_count_alike_however_many_formats_each_was_measured_in() -> None:
    rows = [
        loss("a", 1.0, seed=0, prompt_format="x"),
        loss("a", 3.0, seed=0, prompt_format="y"),
        loss("a", 4.0, seed=1),
    ]
    points = points_of(table(config("a", params=1.0, tokens=1.0), rows), LOSSES)
    assert points.values["loss"].tolist() == [3.0]


def test_the_end_of_a_run_is_the_mean_of_its_last_measured_checkpoints() -> None:
    rows = [loss("a", value, checkpoint_tokens=t) for t, value in ((1, 9.0), (97, 4.0), (98, 2.0))]
    other = loss("a", 1.0, checkpoint_tokens=100) | {"name": "other"}
    spec = Scaling(losses=("loss", "other"))
    end = points_of(table(config("a", params=1.0), rows, other), spec).ends(last=2)
    assert end.tokens.tolist() == [100]
    assert end.values["loss"].tolist() == [3.0]
    assert end.values["other"].tolist() == [1.0]


def test_a_number_from_the_way_does_not_stand_for_the_end() -> None:
    rows = [loss("a", 9.0, checkpoint_tokens=10), loss("a", 1.0, checkpoint_tokens=100) | {"name": "other"}]
    points = points_of(table(config("a", params=1.0), rows), Scaling(losses=("loss", "other")))
    assert np.isnan(points.ends().values["loss"]).all()
    assert points.unfinished() == {"loss": ["a"]}


def test_the_order_of_rows_does_not_matter() -> None:
    rows = [*(loss(f"r{i}", 30.0 - i, checkpoint_tokens=10 + i) for i in range(12)), *config("r0", params=1.0)]
    rows += [row for i in range(1, 12) for row in config(f"r{i}", params=float(i))]
    first, second = points_of(table(rows), LOSSES), points_of(table(rows[::-1]), LOSSES)
    assert first.runs == second.runs == tuple(f"r{i}" for i in range(12))
    np.testing.assert_array_equal(first.values["loss"], second.values["loss"])
    np.testing.assert_array_equal(first.params, second.params)


def test_some_runs_keep_their_own_points_and_shares() -> None:
    spec = Scaling(losses=("loss",), mixture={"sources": ["x", "y"]})
    rows = [*config("a", params=1.0, tokens=1.0, x=1.0, y=3.0), *config("b", params=2.0, tokens=1.0, x=1.0, y=1.0)]
    points = points_of(table(rows, loss("a", 3.0), loss("b", 2.0)), spec).of_runs(["b"])
    assert points.runs == ("b",)
    assert points.run.tolist() == [0]
    assert points.shares.tolist() == [[0.5, 0.5]]
    assert points.values["loss"].tolist() == [2.0]


@pytest.mark.parametrize(
    ("rows", "spec", "words"),
    [
        ([loss("a", 3.0)], LOSSES, "scaling: no params for a"),
        ([loss("a", 3.0), *config("a", params=2.0)], LOSSES, "no tokens for a"),
        ([loss("a", -3.0), *config("a", params=2.0, tokens=1.0)], LOSSES, "the law of a loss is one of powers"),
        ([loss("a", 3.0), *config("a", params=-2.0, tokens=1.0)], LOSSES, "a size that is not above 0"),
        ([loss("a", 3.0)], Scaling(losses=("los",)), 'did you mean "loss"?'),
        ([loss("a", 3.0) | {"higher_is_better": True}, *config("a", params=2.0, tokens=1.0)], LOSSES, "it is no loss"),
        (
            [loss("a", 3.0), *config("a", params=2.0, tokens=1.0, data="c4")],
            Scaling(losses=("loss",), group="date"),
            'did you mean "data"?',
        ),
        (
            [loss("a", 3.0), *config("a", params=2.0, tokens=1.0, x=0.0, y=0.0)],
            Scaling(losses=("loss",), mixture={"sources": ["x", "y"]}),
            "shares of a run must be numbers",
        ),
    ],
)
def test_what_makes_no_sense_is_said(rows: list[Row], spec: Scaling, words: str) -> None:
    with pytest.raises(UserError, match=words.replace("?", r"\?")):
        points_of(table(rows), spec)


def test_a_name_with_brackets_is_no_pattern() -> None:
    assert matching(["a[1]", "b*"], ["a[1]", "b2", "b1"], "here") == ("a[1]", "b2", "b1")
