"""From results to rows: names of quantities and domains, cross-task rows, means over families, single items."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ptp_core.engine.rows import check_headlines, items_of, rows_of
from ptp_core.errors import UserError
from ptp_core.measure.measured import ItemScore, Measured, Quantity, metrics_of, write_items

Row = dict[str, Any]


def result(store: Path, place: str, measured: Measured, status: str = "ok") -> str:
    """A finished measurement in the store."""
    folder = store / place
    folder.mkdir(parents=True)
    receipt = {"status": status, "metrics": metrics_of(measured) if status == "ok" else {}, "reason": None}
    (folder / "receipt.json").write_text(json.dumps(receipt))
    write_items(measured.items, folder)
    return place


def score(value: float, stderr: float = 0.1) -> Measured:
    items = [ItemScore("a", None, 1.0, -0.5), ItemScore("b", "text", 0.0, None)]
    quantities = {"acc": Quantity(value, stderr, 2, True), "margin": Quantity(0.25, None, 2, True)}
    return Measured("acc", quantities, items)


def perplexity() -> Measured:
    values = {"ppl": 8.0, "bits_per_byte": 1.5, "ppl@facts": 4.0, "bits_per_byte@facts": 1.25}
    return Measured("ppl", {name: Quantity(value, 0.5, 100, False) for name, value in values.items()})


def indicator(name: str, unit: str, **changes: Any) -> Row:
    kind = name.split("_")[0]
    entry = {"name": name, "kind": kind, "unit": unit, "quantities": [], "domains": []}
    return entry | {"family": None, "split": "train", "prompt_format": None} | changes


def outcome(name: str, unit: str, **changes: Any) -> Row:
    entry = {"name": name, "train_task": name, "seed": 0, "unit": unit, "quantities": [], "family": "cms"}
    return entry | {"prompt_format": "qa"} | changes


def variant(**changes: Any) -> Row:
    empty: Row = {"config": {}, "shape": None, "indicators": [], "points": [], "outcomes": []}
    return {"name": "clm", "tokens": 1000, "checkpoint": "pretrain/1"} | empty | changes


def values(rows: list[Row]) -> dict[str, float]:
    return {row["name"]: row["value"] for row in rows}


def test_a_measurement_goes_by_its_own_name_and_its_other_quantities_behind_a_dot(tmp_path: Path) -> None:
    place = result(tmp_path, "indicators/1", score(0.5))
    found = rows_of(variant(indicators=[indicator("kshot_cms", place, quantities=["margin"])]), tmp_path)
    assert values(found) == {"kshot_cms": 0.5, "kshot_cms.margin": 0.25}
    assert found[0]["higher_is_better"] is True
    assert (found[0]["source"], found[0]["stderr"], found[0]["n_items"]) == (place, 0.1, 2)


def test_domains_are_named_behind_an_at(tmp_path: Path) -> None:
    place = result(tmp_path, "indicators/1", perplexity())
    asked = indicator("ppl_clm", place, quantities=["bits_per_byte"], domains=["facts"])
    assert values(rows_of(variant(indicators=[asked]), tmp_path)) == {
        "ppl_clm": 8.0, "ppl_clm@facts": 4.0, "ppl_clm.bits_per_byte": 1.5, "ppl_clm.bits_per_byte@facts": 1.25,
    }  # fmt: skip


def test_a_quantity_that_a_measurement_does_not_have_is_named(tmp_path: Path) -> None:
    place = result(tmp_path, "indicators/1", score(0.5))
    with pytest.raises(UserError, match=r'kshot_cms has no quantity margins; did you mean "margin"'):
        rows_of(variant(indicators=[indicator("kshot_cms", place, quantities=["margins"])]), tmp_path)


def test_an_indicator_that_failed_has_no_row(tmp_path: Path) -> None:
    assert rows_of(variant(indicators=[indicator("mine", "indicators/none")]), tmp_path) == []


def test_the_score_on_another_task_says_what_the_model_was_tuned_on(tmp_path: Path) -> None:
    own, other = (result(tmp_path, f"evaluate/{i}", score(i / 4)) for i in (1, 2))
    asked = [outcome("piqa", own), outcome("piqa", other, train_task="boolq")]
    found = rows_of(variant(outcomes=asked), tmp_path)
    assert [(row["name"], row["train_task"], row["value"]) for row in found] == [
        ("piqa", None, 0.25), ("piqa", "boolq", 0.5),
    ]  # fmt: skip


def test_tasks_of_a_family_have_a_mean_for_each_seed(tmp_path: Path) -> None:
    asked = [
        outcome(task, result(tmp_path, f"evaluate/{task}{seed}", score(value, 0.3)), seed=seed)
        for task, seed, value in (("piqa", 0, 0.5), ("boolq", 0, 0.25), ("piqa", 1, 1.0), ("boolq", 1, 0.5))
    ]
    alone = outcome("nq", result(tmp_path, "evaluate/nq", score(0.1)), family="cbqa")
    means = [row for row in rows_of(variant(outcomes=[*asked, alone]), tmp_path) if row["name"].startswith("mean_")]
    assert [(row["name"], row["seed"], row["value"], row["n_items"]) for row in means] == [
        ("mean_cms", 0, 0.375, 4), ("mean_cms", 1, 0.75, 4),
    ]  # fmt: skip
    assert means[0]["stderr"] == pytest.approx((0.3**2 + 0.3**2) ** 0.5 / 2)
    assert means[0]["source"] == "mean of boolq, piqa"


def test_few_shot_scores_of_a_family_have_a_mean_at_every_checkpoint(tmp_path: Path) -> None:
    def pair(at: str) -> list[Row]:
        places = {name: result(tmp_path, f"indicators/{at}{name}", score(0.5)) for name in ("kshot_a", "kshot_b")}
        return [indicator(name, place, family="rag") for name, place in places.items()]

    early = {"tokens": 500, "indicators": pair("early"), "outcomes": []}
    found = rows_of(variant(indicators=pair("last"), points=[early]), tmp_path)
    means = [(row["name"], row["checkpoint_tokens"]) for row in found if row["name"].startswith("mean")]
    assert means == [("mean_kshot_rag", 500), ("mean_kshot_rag", 1000)]


def test_what_is_fine_tuned_on_the_way_says_after_how_many_tokens(tmp_path: Path) -> None:
    def pair(at: str, value: float) -> list[Row]:
        places = {name: result(tmp_path, f"evaluate/{at}{name}", score(value)) for name in ("piqa", "boolq")}
        return [outcome(name, place) for name, place in places.items()]

    early = {"tokens": 500, "indicators": [], "outcomes": pair("early", 0.25)}
    asked = variant(points=[early], outcomes=pair("last", 0.75))
    found = [(row["name"], row["checkpoint_tokens"], row["value"]) for row in rows_of(asked, tmp_path)]
    assert found == [
        ("piqa", 500, 0.25), ("boolq", 500, 0.25), ("mean_cms", 500, 0.25),
        ("piqa", 1000, 0.75), ("boolq", 1000, 0.75), ("mean_cms", 1000, 0.75),
    ]  # fmt: skip
    tokens = [table["checkpoint_tokens"][0].as_py() for table in items_of(asked, tmp_path)]
    assert tokens == [500, 500, 1000, 1000]


def test_a_fine_tuning_on_the_way_that_diverged_leaves_the_last_one_alone(tmp_path: Path) -> None:
    lost = outcome("piqa", result(tmp_path, "evaluate/early", score(0.5), status="skipped"))
    last = outcome("piqa", result(tmp_path, "evaluate/last", score(0.75)))
    early = {"tokens": 500, "indicators": [], "outcomes": [lost]}
    found = rows_of(variant(points=[early], outcomes=[last]), tmp_path)
    assert [(row["checkpoint_tokens"], row["value"]) for row in found] == [(1000, 0.75)]


def test_size_and_compute_are_those_of_the_model_that_was_trained(tmp_path: Path) -> None:
    (tmp_path / "pretrain" / "1").mkdir(parents=True)
    receipt = {"status": "ok", "metrics": {"parameters": 50}, "reason": None}
    (tmp_path / "pretrain" / "1" / "receipt.json").write_text(json.dumps(receipt))
    shape = {"layers": 2, "width": 3, "length": 4}
    found = rows_of(variant(config={"lr": 0.1}, shape=shape), tmp_path)
    assert all(row["kind"] == "config" for row in found)
    assert values(found) == {"lr": 0.1, "params": 50, "tokens": 1000, "flops": 1000 * (6 * 50 + 12 * 2 * 3 * 4)}


def test_items_carry_the_columns_of_their_number(tmp_path: Path) -> None:
    place = result(tmp_path, "evaluate/1", score(0.5))
    (table,) = items_of(variant(outcomes=[outcome("piqa", place, train_task="boolq", seed=3)]), tmp_path)
    shared = {"variant": "clm", "checkpoint_tokens": 1000, "seed": 3, "kind": "outcome", "name": "piqa"}
    shared |= {"prompt_format": "qa", "train_task": "boolq", "source": place}
    assert table.to_pylist() == [
        shared | {"item": "a", "document": None, "score": 1.0, "logprob": -0.5},
        shared | {"item": "b", "document": "text", "score": 0.0, "logprob": None},
    ]


def test_there_is_no_mean_over_a_family_of_which_a_task_is_missing(tmp_path: Path) -> None:
    made = [outcome(name, result(tmp_path, f"evaluate/{name}", score(0.5))) for name in ("a", "b")]
    lost = outcome("c", result(tmp_path, "evaluate/c", score(0.5), status="skipped"))
    assert "mean_cms" in values(rows_of(variant(outcomes=made), tmp_path))
    # The other seed has all three.
    other = [entry | {"seed": 1} for entry in (*made, outcome("c", result(tmp_path, "evaluate/d", score(0.5))))]
    found = rows_of(variant(outcomes=[*made, lost, *other]), tmp_path)
    assert [row["seed"] for row in found if row["name"] == "mean_cms"] == [1]


def test_there_is_no_mean_of_scores_of_which_some_are_better_when_smaller(tmp_path: Path) -> None:
    low = Measured("ppl", {"ppl": Quantity(8.0, 0.5, 100, False)})
    units = {"kshot_a": score(0.5), "kshot_b": low}
    asked = [
        indicator(name, result(tmp_path, f"indicators/{name}", measured), family="cms")
        for name, measured in units.items()
    ]
    assert set(values(rows_of(variant(indicators=asked), tmp_path))) == {"kshot_a", "kshot_b"}


def test_what_goes_by_a_plug_ins_name_is_the_same_number_everywhere(tmp_path: Path) -> None:
    quantities = {"a": Quantity(1.0, None, 1, True), "b": Quantity(2.0, None, 1, True)}
    variants = []
    for i, headline in enumerate("aab"):
        place = result(tmp_path, f"indicators/{i}", Measured(headline, quantities))
        variants.append(variant(name=f"v{i}", indicators=[indicator("mine", place, kind="plugin")]))
    check_headlines(variants[:2], tmp_path)
    with pytest.raises(UserError, match=r"indicator mine: the first number .* everywhere: a for v0, b for v2; return"):
        check_headlines(variants, tmp_path)
