"""The pieces of the page: numbers, scales, colours, curves, marks."""

from __future__ import annotations

import math
from typing import Any

import pytest

from ptp_core.report import numbers
from ptp_core.report.accuracy import mark_of
from ptp_core.report.charts import Scale, fit
from ptp_core.report.curves import MOST_POINTS, averaged, curves_of, finite_points
from ptp_core.report.run import Run
from ptp_core.report.study import OTHER, colour_by, group_labels, last_checkpoints, read_study
from ptp_core.table.schema import from_rows


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (numbers.p_value(0.0004), "< 0.001"),
        (numbers.p_value(0.0414), "0.041"),
        (numbers.p_value(None), "–"),
        (numbers.fixed(-0.25), "−0.250"),
        (numbers.fixed(-0.0001, 2), "0.00"),
        (numbers.fixed(float("nan")), "–"),
        (numbers.fixed(-5, 0), "−5"),
        (numbers.share(0.62), "62 %"),
        (numbers.share(0.999), "> 99 %"),
        (numbers.share(1), "100 %"),
        (numbers.tokens(1.5e9), "1.5B"),
        (numbers.tokens(20_000_000), "20M"),
        (numbers.duration(59), "59.0 s"),
        (numbers.duration(3725), "1 h 2 min"),
        (numbers.memory(1640), "1.6 GB"),
        (numbers.interval([0.25, 0.5]), "0.250 to 0.500"),
        (numbers.interval([0.25, None]), "–"),
    ],
)
def test_numbers_read_well(shown: str, expected: str) -> None:
    assert shown == expected


def test_decimals_tell_the_values_of_a_column_apart() -> None:
    assert numbers.decimals_for([0.55, 0.61, None]) == 4
    assert numbers.decimals_for([55.0, 61.0]) == 2
    assert numbers.decimals_for([]) == 3


def test_a_scale_holds_its_values_and_reverses() -> None:
    scale = fit([2.0, 4.0], pad=0.0)
    assert (scale.at(2.0), scale.at(3.0), scale.at(4.0)) == (0.0, 50.0, 100.0)
    assert Scale(2.0, 4.0, reverse=True).at(2.0) == 100.0


def test_a_wide_positive_range_is_logarithmic() -> None:
    scale = fit([1.0, 1000.0], may_log=True)
    assert scale.log
    assert [tick.label for tick in scale.ticks()] == ["1", "10", "100", "1000"]


@pytest.mark.parametrize("values", [[], [0.0], [3.0, 3.0], [None, float("nan")], [1e-300, 2e-300], [-1e12, 1e12]])
def test_odd_ranges_still_have_a_scale_with_ticks(values: list[Any]) -> None:
    scale = fit(values)
    assert scale.low < scale.high
    assert all(-1 <= tick.at <= 101 for tick in scale.ticks())


def test_an_interval_is_coloured_only_when_it_lies_on_one_side_of_chance() -> None:
    assert mark_of(0.7, [0.6, 0.8]).tone == "good"
    assert mark_of(0.3, [0.2, 0.4]).tone == "bad"
    assert mark_of(0.6, [0.45, 0.8]).tone == "open"
    assert mark_of(0.9, None).tone == "open"


def test_the_objective_gives_the_colours() -> None:
    config = {"lr": {"a": "1", "b": "2"}, "objective": {"a": "clm", "b": "sc"}}
    colouring = colour_by(config, ["a", "b"])
    assert (colouring.column, colouring.labels, colouring.tone("b")) == ("objective", ("clm", "sc"), "s1")


def test_more_than_eight_groups_share_grey() -> None:
    groups = [str(n) for n in range(10) for _ in range(10 - n)]
    assert group_labels(groups) == ("0", "1", "2", "3", "4", "5", "6", "other")
    colouring = colour_by({"size": {f"v{n}": str(n) for n in range(10)}}, [f"v{n}" for n in range(10)])
    assert colouring.of["v9"] == OTHER


def test_numbers_are_grouped_in_their_order() -> None:
    assert group_labels(["10", "9", "0.5"]) == ("0.5", "9", "10")


def indicator_row(variant: str, tokens: int | None, value: float) -> dict[str, Any]:
    row = {"variant": variant, "kind": "indicator", "name": "ppl", "source": "s", "higher_is_better": False}
    return row | {"checkpoint_tokens": tokens, "value": value}


def test_the_last_checkpoint_counts_and_missing_tokens_mean_the_end() -> None:
    rows = [("a", 10, 9.0), ("a", 20, 8.0), ("b", 10, 7.0), ("b", None, 6.0)]
    last = last_checkpoints(from_rows([indicator_row(*row) for row in rows]))
    assert dict(zip(last["variant"], last["value"], strict=True)) == {"a": 8.0, "b": 6.0}


def test_a_long_curve_is_averaged_and_keeps_its_mean() -> None:
    curve = [(float(step), math.sin(step)) for step in range(1600)]
    short = averaged(curve)
    assert len(short) == MOST_POINTS
    assert sum(loss for _, loss in short) / len(short) == pytest.approx(sum(loss for _, loss in curve) / len(curve))


def test_a_diverged_curve_ends_where_its_loss_does() -> None:
    assert finite_points([(1.0, 4.0), (2.0, float("nan")), (3.0, float("inf"))]) == [(1.0, 4.0)]


def test_a_late_explosion_does_not_flatten_the_others(made: Any) -> None:
    study = read_study(made[0], made[1])
    calm = [(float(t), 9.0 - t / 20) for t in range(100)]
    curves = curves_of(study, Run(curves={"calm": calm, "wild": [*calm[:60], (60.0, 1e6)]}))
    assert curves is not None
    assert curves.is_cut
    assert all(float(tick.label) < 10 for tick in curves.y_ticks)


def test_no_curves_no_plot(made: Any) -> None:
    study = read_study(made[0], made[1])
    assert curves_of(study, Run(curves={"a": [(1.0, float("nan"))]})) is None


@pytest.mark.parametrize(
    ("value", "shown"), [(113_400, "113400"), (113_000, "113000"), (1.2e9, "1.2e+09"), (0.0025, "0.0025"), (-3, "−3")]
)
def test_whole_numbers_are_shown_whole_where_that_is_no_longer(value: float, shown: str) -> None:
    assert numbers.short(value, 3) == shown
