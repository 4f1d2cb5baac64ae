"""Outcomes at chance, at their ceiling, tied or within seed noise are said to be, with what is left to predict."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from ptp_core.predict.audit.outcomes import at_bounds, seed_noise, tied
from ptp_core.predict.quantities import measured
from ptp_core.spec.select import Select

MakeTable = Callable[..., pd.DataFrame]

SPREAD = np.linspace(30.0, 70.0, 20).tolist()


def test_half_the_variants_at_chance_is_grave_and_their_pairs_are_lost(make_table: MakeTable) -> None:
    values = [25.1, 24.9, 24.0, 25.0, 25.2, 25.3, 25.4, 25.5, 24.8, 25.6, *SPREAD[10:]]
    (found,) = at_bounds(measured(make_table({}, {"o": values})), Select(), {"o": 25.0})
    assert (found.kind, found.severity, len(found.variants)) == ("at_chance", "grave", 10)
    assert (found.numbers["n_pairs"], found.numbers["n_pairs_left"]) == (190, 145)
    assert "145 of 190 pairs are left" in found.sentence


@pytest.mark.parametrize(("at_chance", "severity"), [(0, None), (1, None), (2, "warning"), (9, "warning")])
def test_one_variant_at_chance_costs_no_pair_and_two_do(
    make_table: MakeTable, at_chance: int, severity: str | None
) -> None:
    values = [25.0] * at_chance + SPREAD[at_chance:]
    found = at_bounds(measured(make_table({}, {"o": values})), Select(), {"o": 25.0})
    assert [finding.severity for finding in found] == [severity] * (severity is not None)


def test_chance_given_in_the_spec_goes_before_what_is_known_of_the_task(make_table: MakeTable) -> None:
    data = measured(make_table({}, {"o": [25.0, 25.0, *SPREAD[2:]]}))
    assert at_bounds(data, Select(chance={"o": 20.0}), {"o": 25.0}) == []


def test_known_noise_of_the_items_says_how_near_is_at_chance(make_table: MakeTable) -> None:
    table = make_table({}, {"o": [28.0, 27.5, *SPREAD[5:]]})
    assert at_bounds(measured(table), Select(), {"o": 25.0}) == []
    (found,) = at_bounds(measured(table.assign(stderr=2.0)), Select(), {"o": 25.0})
    assert found.variants == ("v0", "v1")


def test_a_loss_is_at_chance_from_above(make_table: MakeTable) -> None:
    data = measured(make_table({}, {"loss": [10.0, 10.4, 3.0, 4.0, 5.0]}, lower_is_better=["loss"]))
    (found,) = at_bounds(data, Select(), {"loss": 10.0})
    assert (found.kind, found.variants) == ("at_chance", ("v0", "v1"))


@pytest.mark.parametrize("scale", [1.0, 100.0])
def test_shares_and_percentages_have_a_ceiling_without_being_told(make_table: MakeTable, scale: float) -> None:
    values = [scale * value for value in (1.0, 1.0, 1.0, 0.5, 0.62, 0.71, 0.8)]
    (found,) = at_bounds(measured(make_table({}, {"o": values})), Select(), {})
    assert (found.kind, found.variants, found.numbers["bound"]) == ("at_ceiling", ("v0", "v1", "v2"), scale)
    assert "all right answers" not in found.sentence


def test_hardly_an_error_anywhere_points_at_the_labels(make_table: MakeTable) -> None:
    (found,) = at_bounds(measured(make_table({}, {"qqp": [1.0] * 19 + [0.4]})), Select(), {})
    assert found.severity == "grave"
    assert "19 make no error at all" in found.sentence


def test_a_ceiling_in_the_spec_is_used(make_table: MakeTable) -> None:
    data = measured(make_table({}, {"o": [*SPREAD[:-2], 70.0, 69.9]}))
    assert at_bounds(data, Select(), {}) == []
    (found,) = at_bounds(data, Select(ceiling={"o": 70.0}), {})
    assert found.variants == ("v18", "v19")


def test_ties_are_told_as_shares_of_pairs(make_table: MakeTable) -> None:
    halves = [1.0] * 10 + [2.0] * 10
    found = tied(measured(make_table({"i": SPREAD, "coarse": halves}, {"o": [30.0, *SPREAD[:-1]]})), "default")
    assert [(f.severity, f.indicators, f.outcomes) for f in found] == [("warning", ("coarse",), ())]
    assert found[0].numbers["shares"] == {"coarse": pytest.approx(90 / 190)}
    (outcome,) = tied(measured(make_table({}, {"o": [30.0, 30.0, 30.0, *SPREAD[3:]]})), "default")
    assert (outcome.severity, outcome.outcomes) == ("note", ("o",))


def test_pairs_within_the_noise_of_seeds_are_counted(make_table: MakeTable) -> None:
    seeds = [[value, value + 0.01] for value in SPREAD]
    assert seed_noise(measured(make_table({}, {"o": seeds})), 0.95) == []
    rng = np.random.default_rng(0)
    noisy = [list(50 + rng.normal(size=3)) for _ in range(20)]
    (found,) = seed_noise(measured(make_table({}, {"o": noisy})), 0.95)
    assert (found.severity, found.numbers["n_pairs"]) == ("warning", 190)
    assert 0.8 < found.numbers["share"] < 1  # 95 % are expected; pairs share variants, so it wanders
    assert seed_noise(measured(make_table({}, {"o": SPREAD})), 0.95) == []
