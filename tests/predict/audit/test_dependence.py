"""A line drawn through part of a table is found there, and honest tables raise no alarm."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from ptp_core.predict.audit.dependence import dependence
from ptp_core.predict.audit.strata import MOST_CUTS, strata
from ptp_core.predict.quantities import Floats, Measured, Quantity, measured

MakeTable = Callable[..., pd.DataFrame]
MakeHonest = Callable[..., Measured]


def quantity(name: str, values: Floats) -> Quantity:
    n = len(values)
    return Quantity(name, True, values, np.ones(n, dtype=np.int64), np.zeros(n), np.full(n, np.nan))


def test_the_published_line_is_found_unaided(published_table: pd.DataFrame) -> None:
    (found,) = dependence(measured(published_table))
    assert (found.kind, found.severity, found.factor) == ("dependence", "grave", "lr")
    assert (found.indicators, found.outcomes) == (("kshot_cbqa",), ("sft_cbqa",))
    assert found.numbers["ratio"] == pytest.approx(0.5017, abs=0.00005)
    assert found.numbers["r"] == pytest.approx(0.997, abs=0.0005)
    assert found.numbers["r_elsewhere"] == pytest.approx(-0.11, abs=0.005)
    assert (found.numbers["n"], found.numbers["stratum"]) == (13, "lr ≥ 0.00075")
    assert "In the 13 variants with lr ≥ 0.00075, kshot_cbqa is close to 0.5017 × sft_cbqa" in found.sentence


@pytest.mark.parametrize("draw", ["normal", "long tails", "two humps"])
@pytest.mark.parametrize("n", [20, 50])
@pytest.mark.parametrize("r", [0.0, 0.9])
def test_honest_tables_raise_an_alarm_at_most_once_in_a_hundred(
    make_honest: MakeHonest, n: int, r: float, draw: str
) -> None:
    rng, tables = np.random.default_rng([n, int(10 * r)]), 100
    assert sum(bool(dependence(make_honest(rng, n, r, draw))) for _ in range(tables)) <= tables // 100


def test_an_outcome_written_into_some_variants_is_found_whatever_marks_them_off(make_honest: MakeHonest) -> None:
    data = make_honest(np.random.default_rng(0), 50, 0.6)
    objective = np.array(data.words["mix"])
    for name, members in (("mix", objective == "x"), ("lr", data.numbers["lr"] <= 2.5e-4)):
        values = np.where(members, 0.3 * data.outcomes["o1"].values, data.indicators["i2"].values)
        forged = Measured(data.variants, data.indicators | {"i2": quantity("i2", values)}, data.outcomes, data.numbers,
                          data.words, ())  # fmt: skip
        (found,) = dependence(forged)
        assert (found.factor, found.indicators, found.outcomes) == (name, ("i2",), ("o1",))
        assert set(found.variants) == {v for v, there in zip(data.variants, members, strict=True) if there}
        assert found.numbers["slope"] == pytest.approx(0.3)


def test_a_copied_column_is_found_in_the_whole_table(make_table: MakeTable) -> None:
    values = np.random.default_rng(1).normal(size=25)
    (found,) = dependence(measured(make_table({"i": list(2 * values)}, {"o": list(values)})))
    assert (found.factor, found.numbers["stratum"], found.numbers["n"]) == (None, "the whole table", 25)
    assert "elsewhere" not in found.sentence


def test_one_variant_far_off_makes_no_line() -> None:
    rng = np.random.default_rng(2)
    x, y = rng.normal(size=30), rng.normal(size=30)
    x[0] = y[0] = 1e4
    data = Measured(tuple(map(str, range(30))), {"i": quantity("i", x)}, {"o": quantity("o", y)}, {}, {}, ())
    assert np.corrcoef(x, y)[0, 1] > 0.999
    assert dependence(data) == []


def test_copies_do_not_make_a_line_out_of_few_variants() -> None:
    rng = np.random.default_rng(4)
    x, y, group = rng.normal(size=40), rng.normal(size=40), np.array(["a"] * 10 + ["b"] * 30)
    x[:10] = y[:10] = np.repeat(np.arange(5.0), 2)
    data = Measured(
        tuple(map(str, range(40))), {"i": quantity("i", x)}, {"o": quantity("o", y)}, {}, {"g": tuple(group)}, ()
    )
    assert dependence(data, aside=["1", "3", "5", "7", "9"]) == []


def test_strata_are_values_and_ranges_each_set_once() -> None:
    numbers = {"lr": np.array([1.0] * 4 + [2.0] * 4 + [3.0] * 4)}
    small = Measured(tuple(map(str, range(12))), {}, {}, numbers, {"word": ("a",) * 4 + ("b",) * 8}, ())
    labels = [stratum.label for stratum in strata(small, fewest=4)]
    assert labels == ["the whole table", "word = a", "word = b", "lr = 2", "lr = 3", "lr ≤ 2"]


def test_a_column_of_a_thousand_values_is_cut_at_a_few() -> None:
    numbers = {"x": np.random.default_rng(0).normal(size=1000)}
    found = strata(Measured(tuple(map(str, range(1000))), {}, {}, numbers, {}, ()), fewest=8)
    assert MOST_CUTS < len(found) <= 2 * MOST_CUTS + 1
