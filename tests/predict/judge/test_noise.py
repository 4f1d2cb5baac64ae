"""Signal-to-noise: a known ratio is recovered, and nothing is said where nothing is known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from ptp_core.predict.judge.noise import noise
from ptp_core.predict.quantities import measured
from ptp_core.table.schema import from_rows


def row(variant: str, value: float, tokens: int | None = None, **more: Any) -> dict[str, Any]:
    fixed = {"kind": "indicator", "name": "i", "higher_is_better": True, "source": "made"}
    return fixed | {"variant": variant, "value": value, "checkpoint_tokens": tokens} | more


def found(rows: list[dict[str, Any]], section: str = "indicators", name: str = "i") -> dict[str, float]:
    table = from_rows(rows)
    return noise(table, measured(table))[section][name]


def test_a_known_ratio_is_recovered() -> None:
    rng = np.random.default_rng(0)
    levels, sd, error = np.linspace(0, 10, 60), 0.5, 0.25
    rows = [
        row(f"v{v}", float(level + rng.normal(scale=sd)), tokens, stderr=float(error * np.exp(rng.normal(scale=0.01))))
        for v, level in enumerate(levels)
        for tokens in range(800, 1001, 20)  # eleven checkpoints in the last fifth
    ]
    entry = found(rows)
    assert entry["signal"] == pytest.approx(10, abs=1.5)
    assert entry["noise_checkpoints"] == pytest.approx(sd, rel=0.05)
    assert entry["snr_checkpoints"] == pytest.approx(entry["signal"] / sd, rel=0.05)
    assert entry["snr_items"] == pytest.approx(entry["signal"] / error, rel=0.01)
    assert entry["n_checkpoints"] == 11


def test_three_checkpoints_estimate_the_noise_without_bias() -> None:
    rng = np.random.default_rng(1)
    rows = [row(f"v{v}", float(rng.normal()), tokens) for v in range(600) for tokens in (80, 90, 100)]
    assert found(rows)["noise_checkpoints"] == pytest.approx(1.0, rel=0.05)


def test_only_the_last_fifth_counts_and_each_variant_has_its_own() -> None:
    early = [row("a", 99.0, 79), row("b", -99.0, 1599)]
    late = [row("a", value, tokens) for value, tokens in ((1.0, 80), (2.0, 90), (3.0, 100))]
    longer = [row("b", value, tokens) for value, tokens in ((0.0, 1600), (0.0, 1800), (6.0, 2000))]
    entry = found([*early, *late, *longer])
    assert entry["noise_checkpoints"] == pytest.approx(np.sqrt((1 + 12) / 2))
    assert (entry["signal"], entry["n_checkpoints"]) == (3.0, 3)


def test_a_variant_with_two_late_checkpoints_says_nothing() -> None:
    rows = [row(v, value, tokens) for v in "ab" for value, tokens in ((1.0, 50), (2.0, 90), (3.0, 100))]
    entry = found(rows)
    assert np.isnan([entry["noise_checkpoints"], entry["snr_checkpoints"]]).all()
    assert entry["n_checkpoints"] == 0


def test_a_training_of_unknown_length_says_nothing() -> None:
    rows = [row(v, float(tokens or 0), tokens) for v in "ab" for tokens in (80, 90, 100, None)]
    assert np.isnan(found(rows)["noise_checkpoints"])


def test_splits_and_seeds_are_averaged_as_in_the_analysis() -> None:
    rows = [
        row(v, tokens + offset, tokens, split=split)
        for v in "ab"
        for tokens in (80, 90, 100)
        for split, offset in (("x", -5.0), ("y", 5.0))
    ]
    assert found(rows)["noise_checkpoints"] == pytest.approx(10.0)


def test_outcomes_have_the_noise_of_seeds_and_cross_task_rows_do_not_enter() -> None:
    rows = [
        row(v, level + seed, kind="outcome", seed=seed)
        for v, level in (("a", 0.0), ("b", 6.0))
        for seed in (0, 1, 2)
    ]  # fmt: skip
    entry = found([*rows, row("a", 99.0, kind="outcome", train_task="other")], "outcomes")
    assert (entry["signal"], entry["noise_seeds"], entry["snr_seeds"]) == (6.0, 1.0, 6.0)


def test_unknown_noise_and_zero_noise_give_no_ratio() -> None:
    assert np.isnan(found([row("a", 1.0), row("b", 2.0)])["snr_items"])
    entry = found([row("a", 1.0, stderr=0.0), row("b", 2.0, stderr=0.0)])
    assert entry["noise_items"] == 0
    assert np.isnan(entry["snr_items"])
    assert np.isnan(found([row("a", 1.0, stderr=0.1)])["signal"])


def test_a_table_of_outcomes_only_has_no_indicators() -> None:
    table = from_rows([row("a", 1.0, kind="outcome")])
    assert isinstance(table, pd.DataFrame)
    assert noise(table, measured(table))["indicators"] == {}
