"""From rows to columns: means over seeds, noise between seeds, checkpoints, configuration."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ptp_core.predict.quantities import measured, natural_order
from ptp_core.table.schema import from_rows

MakeTable = Callable[..., pd.DataFrame]


def outcome(variant: str, value: float, **more: Any) -> dict[str, Any]:
    fixed = {"kind": "outcome", "name": "sft", "higher_is_better": True, "source": "made"}
    return fixed | {"variant": variant, "value": value} | more


def test_seeds_are_averaged_and_their_noise_is_pooled(make_table: MakeTable) -> None:
    data = measured(make_table({}, {"sft": [[1.0, 3.0], [5.0, 5.0, 8.0], [7.0]]}))
    sft = data.outcomes["sft"]
    assert sft.values.tolist() == [2.0, 6.0, 7.0]
    assert sft.n_seeds.tolist() == [2, 3, 1]
    assert sft.seed_sd == pytest.approx(np.sqrt((2 + 6) / 3))
    assert "sft was measured with 1 to 3 seeds" in data.notes[0]


def test_the_pooled_sd_estimates_the_true_noise() -> None:
    rng = np.random.default_rng(0)
    rows = [
        outcome(f"v{variant}", float(10 * variant + rng.normal(scale=2.0)), seed=seed)
        for variant in range(400)
        for seed in range(3)
    ]
    assert measured(from_rows(rows)).outcomes["sft"].seed_sd == pytest.approx(2.0, rel=0.05)


def test_one_seed_each_leaves_the_noise_unknown(make_table: MakeTable) -> None:
    assert np.isnan(measured(make_table({}, {"sft": [1.0, 2.0]})).outcomes["sft"].seed_sd)


def test_equal_seeds_in_another_order_are_an_exact_tie(make_table: MakeTable) -> None:
    values = measured(make_table({}, {"sft": [[0.1, 0.2, 0.7], [0.7, 0.2, 0.1]]})).outcomes["sft"].values
    assert values[0] == values[1]


def test_the_last_checkpoint_counts_and_uneven_ones_are_said() -> None:
    rows = [outcome("a", 1.0, checkpoint_tokens=10), outcome("a", 2.0, checkpoint_tokens=20)]
    data = measured(from_rows([*rows, outcome("b", 5.0, checkpoint_tokens=10)]))
    assert data.outcomes["sft"].values.tolist() == [2.0, 5.0]
    assert "different numbers of pre-training tokens" in data.notes[0]


def test_a_few_variants_fine_tuned_on_the_way_change_nothing_and_need_no_word() -> None:
    ends = [outcome(v, x, seed=seed, checkpoint_tokens=20) for v, x in (("a", 2.0), ("b", 5.0)) for seed in (0, 1)]
    way = [outcome("a", 1.0, seed=0, checkpoint_tokens=tokens) for tokens in (5, 10)]
    with_them, without = measured(from_rows([*ends, *way])), measured(from_rows(ends))
    assert with_them.outcomes["sft"].values.tolist() == without.outcomes["sft"].values.tolist() == [2.0, 5.0]
    assert with_them.outcomes["sft"].n_seeds.tolist() == [2, 2]
    assert with_them.notes == ()


def test_prompt_formats_are_averaged_within_a_seed_and_said() -> None:
    rows = [outcome("a", 1.0, seed=0, prompt_format="p"), outcome("a", 3.0, seed=0, prompt_format="q")]
    data = measured(from_rows([*rows, outcome("a", 6.0, seed=1, prompt_format="p")]))
    assert data.outcomes["sft"].values.tolist() == [4.0]
    assert data.notes == ("sft is the mean over 2 prompt formats.",)


def test_lower_is_better_turns_the_sign_of_goodness_only(make_table: MakeTable) -> None:
    loss = measured(make_table({"loss": [3.0, 2.0]}, {"sft": [1.0, 2.0]}, lower_is_better=["loss"])).indicators["loss"]
    assert loss.values.tolist() == [3.0, 2.0]
    assert loss.goodness.tolist() == [-3.0, -2.0]


def test_numeric_words_are_numbers_and_mixed_columns_are_words(make_table: MakeTable) -> None:
    config = {"lr": ["1e-4", "2.5e-4"], "steps": [10, 20.5], "mix": ["DC-0", "nan"], "both": [1, "all"]}
    data = measured(make_table({}, {"sft": [1.0, 2.0]}, config))
    assert {name: values.tolist() for name, values in data.numbers.items()} == {
        "lr": [1e-4, 2.5e-4],
        "steps": [10.0, 20.5],
    }
    assert data.words == {"both": ("1", "all"), "mix": ("DC-0", "nan")}


def test_variants_are_ordered_as_a_person_would() -> None:
    assert natural_order({"m10", "m2", "10", "9", "m", "m2b"}) == ["9", "10", "m", "m2", "m2b", "m10"]


def test_what_is_said_of_several_names_is_said_once() -> None:
    rows = [outcome("a", 1.0, name=name, prompt_format=form) for name in ("sft", "sft.f1") for form in "pq"]
    assert measured(from_rows(rows)).notes == ("sft and sft.f1 are the mean over 2 prompt formats.",)


def test_a_model_tuned_on_another_task_does_not_enter_and_this_is_said_once() -> None:
    own = [outcome("a", 1.0), outcome("b", 2.0, train_task="sft"), outcome("b", 3.0, name="sft.f1", train_task="sft")]
    cross = [outcome("a", 9.0, train_task="other"), outcome("b", 9.0, name="sft.f1", train_task="sf")]
    data = measured(from_rows([*own, *cross, outcome("c", 9.0, name="only_cross", train_task="sft")]))
    assert data.variants == ("a", "b")
    assert set(data.outcomes) == {"sft", "sft.f1"}
    assert data.outcomes["sft"].values.tolist() == [1.0, 2.0]
    assert [note for note in data.notes if "tuned on one task" in note] == [
        "3 scores of models tuned on one task and tested on another are left out here; "
        "they are in the table of measurements."
    ]


def test_odd_names_are_ordered_and_kept() -> None:
    names = ["ppl_sc(0.5,8).bits_per_byte@facts", "ppl_sc(0.5,8)", "ppl_sc(0.15,8)", "mean_cms", "recall@5"]
    data = measured(from_rows([outcome("a", 1.0, name=name) for name in names]))
    assert set(data.outcomes) == set(names)
    assert natural_order({"ppl_sc(0.5,8)", "ppl_sc(0.5,16)"}) == ["ppl_sc(0.5,8)", "ppl_sc(0.5,16)"]


def test_variants_scored_under_different_prompts_are_said_not_to_compare() -> None:
    rows = [outcome(f"v{i}", float(i), prompt_format=f"{5 * (i % 2)}-shot") for i in range(4)]
    notes = measured(from_rows(rows)).notes
    assert notes == ("sft is of other prompt formats for some variants than for others: "
                     "those do not compare like with like.",)  # fmt: skip
    both = [outcome(f"v{i}", float(i + k), prompt_format=f"{k}-shot") for i in range(4) for k in (0, 5)]
    assert measured(from_rows(both)).notes == ("sft is the mean over 2 prompt formats.",)


def test_a_setting_with_two_values_for_one_variant_is_said() -> None:
    rows = [outcome(f"v{i}", float(i)) for i in range(4)]
    shared = {"kind": "config", "name": "lr", "source": "made"}
    rows += [{"variant": f"v{i}", "value": 1.0, "checkpoint_tokens": 100} | shared for i in range(4)]
    rows += [{"variant": "v1", "value": 2.0, "checkpoint_tokens": 200} | shared]
    assert measured(from_rows(rows)).notes == ("lr has more than one value for v1: the first in the table counts.",)
