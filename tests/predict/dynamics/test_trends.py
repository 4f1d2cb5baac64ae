"""Latent gain and overtraining are found where they are, and seldom claimed where they are not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from ptp_core.predict.dynamics.analysis import analyze_dynamics
from ptp_core.predict.dynamics.cells import Curve, Pair
from ptp_core.predict.dynamics.latent import latent
from ptp_core.predict.dynamics.later import later
from ptp_core.predict.dynamics.overtraining import overtraining
from ptp_core.spec.dynamics import Dynamics
from tests.predict.dynamics.studies import TOKENS, along, scores, table

ALPHA = 0.05


def curve(base: Any, tuned: Any, tokens: Any = TOKENS, run: str = "a", task: str = "t") -> Curve:
    """A curve without known errors over items."""
    none = np.full(len(tokens), np.nan)
    before, after = np.asarray(base, dtype=np.float64), np.asarray(tuned, dtype=np.float64)
    gain = after - before
    return Curve(
        Pair(run, task, task), True, True, np.asarray(tokens, dtype=np.float64), before, after, none, none, gain, gain,
        none,
    )  # fmt: skip


def noisy(rng: np.random.Generator, slope: float, sd: float = 0.01) -> Any:
    """A score that rises by ``slope`` per tenfold tokens."""
    return 0.5 + slope * np.log10(np.array(TOKENS) / TOKENS[0]) + rng.normal(scale=sd, size=len(TOKENS))


def test_the_later_part_begins_at_a_tenth_of_the_tokens() -> None:
    assert later(np.array([0.0, 1e6, 1e9, 2e9, 1e10, np.nan])).tolist() == [False, False, True, True, True, False]


def test_a_tuned_score_that_rises_over_a_flat_base_is_latent_gain() -> None:
    rng = np.random.default_rng(0)
    (row,) = latent([curve(noisy(rng, 0.0), noisy(rng, 0.3))], 0.95)
    assert (row["verdict"], row["latent"], row["n"]) == ("latent", True, 8)
    assert row["tuned_ci95"][0] < 0.3 < row["tuned_ci95"][1]
    assert row["base_ci95"][0] < 0 < row["base_ci95"][1]


def test_a_base_score_that_rises_as_well_hides_nothing() -> None:
    rng = np.random.default_rng(0)
    (row,) = latent([curve(noisy(rng, 0.3), noisy(rng, 0.3))], 0.95)
    assert row["verdict"] == "not latent"
    assert "the base score rises as well" in row["words"]


def test_a_tuned_score_that_falls_is_no_gain() -> None:
    rng = np.random.default_rng(0)
    (row,) = latent([curve(noisy(rng, 0.0), noisy(rng, -0.3))], 0.95)
    assert (row["verdict"], row["latent"]) == ("not latent", False)


def test_three_checkpoints_are_undecided_however_clear_they_look() -> None:
    (row,) = latent([curve([0.5, 0.501, 0.5], [0.5, 0.71, 0.9], TOKENS[-3:])], 0.95)
    assert (row["verdict"], row["latent"]) == ("undecided", False)
    assert "3 checkpoints in the later part of training are too few" in row["words"]


def test_a_base_score_that_scatters_too_much_to_be_called_flat_is_undecided() -> None:
    rng = np.random.default_rng(3)
    (row,) = latent([curve(noisy(rng, 0.0, sd=0.5), noisy(rng, 0.3))], 0.95)
    assert row["verdict"] == "undecided"


@pytest.mark.parametrize("cells", [1, 10])
@pytest.mark.parametrize("n", [4, 8])
def test_flat_noise_is_called_latent_gain_no_more_often_than_the_level_says(cells: int, n: int) -> None:
    rng = np.random.default_rng([4, cells, n])
    studies = 1500 // cells
    claims = 0
    for _ in range(studies):
        flat = rng.normal(size=(cells, 2, n))
        rows = latent([curve(b, t, TOKENS[-n:], task=f"t{i}") for i, (b, t) in enumerate(flat)], 1 - ALPHA)
        claims += any(row["latent"] for row in rows)
    # Two binomial standard errors above the level; only rises count, and the base has to be flat beside them.
    assert claims / studies <= ALPHA + 2 * np.sqrt(ALPHA * (1 - ALPHA) / studies)


def study(tuned: Any, loss: Any, n: int = 8) -> dict[str, Any]:
    """The dynamics of one run with a loss."""
    tokens = TOKENS[-n:]
    made = table(
        scores("ppl", along(tokens, loss), higher=False),
        scores("t", along(tokens, np.linspace(0.2, 0.3, n))),
        scores("t", along(tokens, tuned), tuned=True),
    )
    return analyze_dynamics(made, Dynamics(), "s")


def test_a_tuned_score_that_falls_while_the_loss_improves_is_overtraining() -> None:
    rng = np.random.default_rng(5)
    (row,) = study(noisy(rng, -0.2), 4 - noisy(rng, 1.0))["overtraining"]
    assert (row["overtrained"], row["loss"], row["n"]) == (True, "ppl", 8)
    span = np.log10(8)
    assert row["tuned_change"] == pytest.approx(-0.2 * span, abs=0.05)
    assert row["loss_change"] == pytest.approx(-1.0 * span, abs=0.05)
    assert row["ci95"][1] < 0 > row["loss_ci95"][1]


def test_a_loss_that_gets_worse_too_is_no_overtraining() -> None:
    rng = np.random.default_rng(6)
    (row,) = study(noisy(rng, -0.2), 4 + noisy(rng, 1.0))["overtraining"]
    assert (row["verdict"], row["overtrained"]) == ("not overtrained", False)
    assert "does not improve any more" in row["words"]


def test_a_tuned_score_that_rises_is_no_overtraining() -> None:
    rng = np.random.default_rng(7)
    (row,) = study(noisy(rng, 0.2), 4 - noisy(rng, 1.0))["overtraining"]
    assert row["verdict"] == "not overtrained"


def test_flat_noise_is_called_overtraining_no_more_often_than_the_level_says() -> None:
    rng = np.random.default_rng(8)
    studies, claims = 300, 0
    for _ in range(studies):
        losses = pd.DataFrame({"tokens": TOKENS, "value": 4 - noisy(rng, 1.0), "error": np.nan})
        of_loss = losses.assign(run="a", test="ppl", kind="indicator", format="")
        flat = [curve(noisy(rng, 0.0), 0.5 + rng.normal(size=8), task=f"t{i}") for i in range(3)]
        claims += any(row["overtrained"] for row in overtraining(flat, of_loss, ["ppl"], 1 - ALPHA))
    assert claims / studies <= ALPHA + 2 * np.sqrt(ALPHA * (1 - ALPHA) / studies)


def test_three_checkpoints_are_too_few_to_speak_of_overtraining() -> None:
    (row,) = study([0.9, 0.7, 0.52], [3.0, 2.5, 2.2], n=3)["overtraining"]
    assert (row["verdict"], row["overtrained"]) == ("undecided", False)
