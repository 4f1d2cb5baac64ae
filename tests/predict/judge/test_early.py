"""The order at the smallest scale or budget: which rows it is read from, and for whom it is no forecast."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ptp_core.predict.case import case_of
from ptp_core.predict.judge.early import early_of
from ptp_core.predict.quantities import measured
from ptp_core.table.schema import from_rows


def row(variant: str, value: float, tokens: float | None = None, **more: Any) -> dict[str, Any]:
    fixed = {"kind": "outcome", "name": "sft", "higher_is_better": True, "source": "made"}
    return fixed | {"variant": variant, "value": value, "checkpoint_tokens": tokens} | more


def config(variant: str, **settings: Any) -> list[dict[str, Any]]:
    shared = {"variant": variant, "kind": "config", "source": "made"}
    return [
        shared | {"name": name} | ({"text": value} if isinstance(value, str) else {"value": value})
        for name, value in settings.items()
    ]


def found(rows: list[dict[str, Any]], outcome: str = "sft") -> dict[str, list[float]]:
    table = from_rows(rows)
    data = measured(table)
    return {name: values.tolist() for name, values in early_of(table, data, case_of(data, outcome)).items()}


def test_the_smallest_checkpoint_that_most_variants_have_is_the_forecast() -> None:
    rows = [row(f"v{i}", 10.0 * i + tokens, tokens) for i in range(5) for tokens in (2, 4, 8)]
    rows += [row("v0", 99.0, 1)]  # one variant alone was measured earlier
    rows = [r for r in rows if (r["variant"], r["checkpoint_tokens"]) != ("v3", 2)]
    (forecast,) = found(rows).values()
    assert forecast == pytest.approx([2.0, 12.0, 22.0, np.nan, 42.0], nan_ok=True)
    assert list(found(rows)) == ["sft at 2 tokens"]


def test_a_checkpoint_of_too_few_variants_is_none() -> None:
    rows = [row(f"v{i}", float(i), 8) for i in range(5)] + [row(f"v{i}", float(i), 2) for i in range(3)]
    assert found(rows) == {}


def test_the_end_of_one_training_is_no_forecast_of_itself() -> None:
    rows = [row(f"v{i}", float(i), tokens) for i in range(9) for tokens in (1_000_000, 2_000_000)]
    rows += [row("v9", 9.0, 1_000_000)]
    forecast = found(rows)["sft at 1,000,000 tokens"]
    assert np.isnan(forecast[9])
    assert forecast[:9] == list(range(9))


def test_an_outcome_at_the_end_only_is_forecast_by_the_indicator_of_its_name() -> None:
    rows = [row(f"v{i}", float(i), None, name="sft_cms") for i in range(4)]
    for name in ("kshot_cms", "kshot_rag", "kshot_cms.margin"):
        rows += [
            row(f"v{i}", -float(i), t, kind="indicator", name=name, higher_is_better=False)
            for i in range(4)
            for t in (5, 9)
        ]
    assert found(rows, "sft_cms") == {"kshot_cms at 5 tokens": [0.0, 1.0, 2.0, 3.0]}


def test_lower_is_better_is_forecast_with_its_sign_and_seeds_are_averaged() -> None:
    rows = [
        row(f"v{i}", float(i + seed), tokens, higher_is_better=False, seed=seed)
        for i in range(4) for tokens in (1, 2) for seed in (0, 2)
    ]  # fmt: skip
    assert found(rows) == {"sft at 1 tokens": [-1.0, -2.0, -3.0, -4.0]}


def grid(sizes: list[Any], **extra: Any) -> list[dict[str, Any]]:
    rows = []
    for s, size in enumerate(sizes):
        for i in range(4):
            variant = f"{s}-{i}"
            rows += [row(variant, 100.0 * s + i), *config(variant, size=size, mix=f"m{i}", **extra)]
    return rows


def test_the_small_sibling_that_differs_in_nothing_else_is_the_forecast() -> None:
    forecasts = found(grid([150e6, 1e9]))
    assert list(forecasts) == ["sft at size 150M"]
    assert forecasts["sft at size 150M"] == pytest.approx([np.nan] * 4 + [0.0, 1.0, 2.0, 3.0], nan_ok=True)


def test_sizes_may_be_words_and_every_larger_scale_is_forecast() -> None:
    forecasts = found(grid(["1B", "150M", "300M"]))
    assert forecasts["sft at size 150M"] == pytest.approx(
        [100.0, 101, 102, 103, *[np.nan] * 4, 100, 101, 102, 103], nan_ok=True
    )


def test_a_sibling_must_agree_in_all_other_settings() -> None:
    rows = grid([150e6, 1e9])
    for i in range(4):  # the large ones were trained at another rate
        rows += [*config(f"0-{i}", lr=1.0), *config(f"1-{i}", lr=2.0)]
    assert found(rows) == {}


def test_sizes_that_go_with_the_size_need_not_agree() -> None:
    rows = grid([150e6, 1e9])
    for i in range(4):
        rows += [*config(f"0-{i}", n_layers=12.0), *config(f"1-{i}", n_layers=24.0)]
    assert set(found(rows)) == {"sft at size 150M", "sft at n_layers 12"}


@pytest.mark.parametrize("name", ["batch_size", "vocab_size", "warmup_steps", "lr"])
def test_settings_that_are_no_budget_are_not_scales(name: str) -> None:
    rows = [
        r | {"name": name} if r["name"] == "size" else r for r in grid([150e6, 1e9])
    ]  # fmt: skip
    assert found(rows) == {}


def test_small_models_without_the_outcome_are_read_by_the_indicator_of_its_name() -> None:
    rows = grid([150e6, 1e9])
    rows = [r for r in rows if not (r["kind"] == "outcome" and r["variant"].startswith("0"))]
    for s in (0, 1):
        rows += [row(f"{s}-{i}", float(10 * i), kind="indicator", name="kshot_sft") for i in range(4)]
    assert found(rows) == {"kshot_sft at size 150M": [0.0, 10.0, 20.0, 30.0]}


def test_forecasts_are_over_the_variants_of_the_case() -> None:
    rows = grid([150e6, 1e9])
    table = from_rows(rows)
    data = measured(table)
    case = case_of(data, "sft")
    some = case.at(np.array([variant != "1-2" for variant in case.variants]))
    assert len(early_of(table, data, some)) == 0  # three forecasts are too few
    larger = case.at(np.array([variant.startswith("1") for variant in case.variants]))
    assert early_of(table, data, larger)["sft at size 150M"].tolist() == [0.0, 1.0, 2.0, 3.0]
