"""The audit as a whole: the published table gives up its secrets, a clean one has none, and order is nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from time import process_time
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ptp_core.predict.audit.audit import audit
from ptp_core.predict.audit.finding import KINDS, SEVERITIES, Audit
from ptp_core.predict.quantities import measured
from ptp_core.spec.select import Select
from ptp_core.table.schema import from_rows

MakeTable = Callable[..., pd.DataFrame]

QUICK = Select(permutations=1000)


@pytest.fixture(scope="module")
def found(published_table: pd.DataFrame) -> Audit:
    return audit(published_table, measured(published_table), Select(), {})


def looked_at(table: pd.DataFrame, select: Select = QUICK) -> Audit:
    return audit(table, measured(table), select, {})


def clean(rng: np.random.Generator, n: int = 40) -> dict[str, dict[str, Any]]:
    """Two indicators of some worth, two outcomes with seeds that agree well, settings that say nothing."""
    merit = rng.normal(size=n)

    def made(noise: float) -> list[float]:
        return [float(value) for value in 50 + 5 * merit + noise * rng.normal(size=n)]

    def seeded() -> list[list[float]]:
        return [[value + 0.05 * rng.normal() for _ in range(3)] for value in made(2.0)]

    return {
        "indicators": {"i": made(4.0), "j": made(6.0)},
        "outcomes": {"o": seeded(), "q": seeded()},
        "config": {
            "lr": [float(x) for x in rng.choice([1.0, 2.0, 3.0], n)],
            "mix": [str(x) for x in rng.choice(["a", "b"], n)],
        },
    }


def test_the_published_table_gives_up_all_it_hides(found: Audit) -> None:
    told = [(finding.severity, finding.kind, finding.variants[:2]) for finding in found.findings]
    assert [kind for _, kind, _ in told] == [
        "dependence", "confound", "duplicates", "duplicates", "collapsed", "collapsed", "collapsed", "ties", "ties",
        "single_runs",
    ]  # fmt: skip
    assert [severity for severity, _, _ in told].count("grave") == 2
    assert [variants for _, kind, variants in told if kind == "duplicates"] == [("46", "49"), ("47", "50")]
    collapsed = [(f.variants[0], *f.outcomes, *f.indicators) for f in found.findings if f.kind == "collapsed"]
    assert collapsed == [("4", "sft_cbqa"), ("4", "kshot_cbqa"), ("38", "kshot_cbqa")]


def test_copies_and_the_collapsed_variant_are_left_out_and_reasons_are_given(found: Audit) -> None:
    assert found.left_out == {
        "4": "collapsed on sft_cbqa: 0.15, where the median is 37.6",
        "49": "the same numbers as 46",
        "50": "the same numbers as 47",
    }


@pytest.mark.parametrize(("leave_out", "gone"), [((), []), (("duplicates",), ["49", "50"]), (("collapsed",), ["4"])])
def test_the_spec_decides_what_is_left_out(
    published_table: pd.DataFrame, leave_out: tuple[str, ...], gone: list[str]
) -> None:
    result = looked_at(published_table, QUICK.model_copy(update={"leave_out": leave_out}))
    assert list(result.left_out) == gone
    assert ("all are kept" in "".join(result.sentences())) == ("duplicates" not in leave_out)


def test_the_json_is_as_agreed(found: Audit) -> None:
    block = json.loads(json.dumps(found.as_json("s"), allow_nan=False))
    assert (block["study"], block["n_variants"]) == ("s", 50)
    assert block["left_out"][1] == {"variant": "49", "reason": "the same numbers as 46"}
    keys = {"kind", "severity", "variants", "indicators", "outcomes", "factor", "numbers", "sentence", "action"}
    for entry in block["findings"]:
        assert set(entry) == keys
        assert entry["kind"] in KINDS
        assert entry["severity"] in SEVERITIES
        assert entry["sentence"].endswith(".")


def test_a_clean_table_has_nothing_grave_and_nothing_to_warn_of(make_table: MakeTable) -> None:
    for seed in range(5):
        found = looked_at(make_table(**clean(np.random.default_rng(seed))))
        assert {finding.severity for finding in found.findings} <= {"note"}
        assert found.left_out == {}


def test_the_order_of_rows_is_nothing(published_table: pd.DataFrame) -> None:
    shuffled = published_table.sample(frac=1, random_state=0).reset_index(drop=True)
    assert looked_at(shuffled).as_json("s") == looked_at(published_table).as_json("s")


def test_the_names_of_variants_change_names_only(published_table: pd.DataFrame) -> None:
    """Copies aside: which of them is the first is a matter of names."""
    names = published_table["variant"].unique()
    renamed = dict(zip(names, np.random.default_rng(0).permutation([f"x{i}" for i in range(len(names))]), strict=True))
    before = looked_at(published_table)
    after = looked_at(published_table.assign(variant=published_table["variant"].map(renamed)))

    def told(result: Audit, names: dict[str, str] | None) -> list[object]:
        findings = [f for f in result.findings if f.kind not in ("duplicates", "collapsed")]
        renamed = [tuple(sorted((names or {}).get(v, v) for v in f.variants)) for f in findings]
        return [rounded(replace(f, variants=v).as_json()) for f, v in zip(findings, renamed, strict=True)]

    assert told(before, renamed) == told(after, None)
    collapsed = {renamed[v] for v, reason in before.left_out.items() if reason.startswith("collapsed")}
    assert collapsed == {v for v, reason in after.left_out.items() if reason.startswith("collapsed")}
    assert len(after.left_out) == 3


def rounded(value: object) -> object:
    """Sums in another order differ in their last digits."""
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    return float(f"{value:.9g}") if isinstance(value, float) else value


def test_a_table_of_almost_nothing_is_looked_at_in_peace(make_table: MakeTable) -> None:
    for indicators, outcomes, config in (
        ({}, {"o": [1.0]}, {}),
        ({"i": [1.0]}, {}, {"lr": [1.0]}),
        ({"i": [1.0, None]}, {"o": [None, 2.0]}, {"mix": ["a", "b"]}),
        ({"i": [1e300, -1e300, 1e-300, 0.0]}, {"o": [0.0, 0.0, 0.0, 1.0]}, {"lr": ["1e-4", "1", "1", "1"]}),
    ):
        looked_at(make_table(indicators, outcomes, config)).as_json("s")
    looked_at(from_rows([{"variant": "v", "kind": "config", "name": "lr", "value": 1.0, "source": "a"}]))


@pytest.mark.slow
def test_a_thousand_variants_take_seconds(make_table: MakeTable) -> None:
    rng = np.random.default_rng(0)
    indicators = {f"i{k}": rng.normal(size=1000).tolist() for k in range(10)}
    outcomes = {f"o{k}": rng.normal(size=1000).tolist() for k in range(3)}
    config: dict[str, list[object]] = {f"c{k}": rng.choice([1.0, 2.0, 3.0], 1000).tolist() for k in range(3)}
    config |= {f"w{k}": [str(word) for word in rng.choice(list("abcdef"), 1000)] for k in range(2)}
    table = make_table(indicators, outcomes, config)
    data = measured(table)
    start = process_time()
    audit(table, data, Select(), {})
    assert process_time() - start < 15
