"""How far prompt formats lie apart, and how far the items alone would put them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ptp_core.predict.dynamics.analysis import analyze_dynamics
from ptp_core.spec.dynamics import Dynamics
from tests.predict.dynamics.studies import scores, table


def study(error: float | None = 0.01, lacking: bool = False) -> list[dict[str, Any]]:
    """Two formats before and after fine-tuning at two checkpoints."""
    parts = []
    for fmt, base, tuned in (("default", 0.5, 0.9), ("instruct", 0.5, 0.7)):
        parts.append(scores("t", {1: base, 2: base}, fmt=fmt, error=error))
        curve = {1: tuned} if lacking and fmt == "instruct" else {1: tuned, 2: 0.9}
        parts.append(scores("t", curve, fmt=fmt, tuned=True, error=error))
    return list(analyze_dynamics(table(*parts), Dynamics(), "s")["formats"])


def test_the_spread_is_the_population_sd_over_formats_along_tokens() -> None:
    base, tuned = study()
    assert (base["train_task"], tuned["train_task"], tuned["n_formats"]) == (None, "t", 2)
    assert base["sd"] == [0, 0]
    assert tuned["sd"] == pytest.approx([0.1, 0.0], abs=1e-12)
    assert (tuned["first"], tuned["peak"], tuned["peak_tokens"]) == (pytest.approx(0.1), pytest.approx(0.1), 1)


def test_the_spread_has_the_interval_of_its_items_and_what_they_would_make_alone() -> None:
    tuned = study()[1]
    # sd of two is half their distance: its error is .01/√2.
    assert tuned["ci95"][0] == pytest.approx([0.1 - 1.96 * 0.01 / np.sqrt(2), 0.1 + 1.96 * 0.01 / np.sqrt(2)], abs=1e-5)
    assert tuned["noise"][0] == pytest.approx(0.01 / np.sqrt(2))
    assert study(error=None)[1]["ci95"] == [None, None]


def test_a_checkpoint_that_lacks_a_format_is_left_out() -> None:
    assert study(lacking=True)[1]["tokens"] == [1]


def test_noise_is_the_spread_of_formats_that_do_not_differ() -> None:
    rng = np.random.default_rng(0)
    draws = rng.normal(scale=0.02, size=(4000, 3))
    assert np.sqrt((draws.std(axis=1) ** 2).mean()) == pytest.approx(0.02 * np.sqrt(2 / 3), rel=0.03)
