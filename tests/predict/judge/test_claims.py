"""Headlines are claims under Holm, their further quantities are explored under Benjamini–Hochberg."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ptp_core.predict.analysis import analyze
from ptp_core.spec.select import Primary, Select
from ptp_core.stats.multiplicity import benjamini_hochberg, holm

MakeTable = Callable[..., pd.DataFrame]
ODD = "ppl_sc(0.5,8).bits_per_byte@facts"


@pytest.fixture(scope="module")
def table(make_table: MakeTable) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    truth = np.arange(14.0)
    indicators = {
        name: list(truth + rng.normal(scale=noise, size=14))
        for name, noise in (("kshot", 4), ("kshot.margin", 2), ("ppl_sc(0.5,8)", 9), (ODD, 3), ("recall@5", 30))
    }
    outcomes = {"quiz": list(truth), "quiz.f1": list(truth + rng.normal(scale=3, size=14))}
    return make_table(indicators, outcomes, {"lr": [float(x) for x in rng.normal(size=14)]}, lower_is_better=[ODD])


def p_of(blocks: list[dict[str, Any]], key: str) -> np.ndarray:
    return np.array([block[key] for block in blocks], dtype=np.float64)


def test_each_family_is_corrected_by_itself(table: pd.DataFrame, quick: Select) -> None:
    selection = analyze(table, quick, "s")
    names = ("kshot", "ppl_sc(0.5,8)", "recall@5")
    assert selection["confirmatory"] == {"outcomes": ["quiz"], "indicators": list(names)}
    tests = {(o, i): b for o, block in selection["outcomes"].items() for i, b in block["indicators"].items()}
    claimed = [tests["quiz", name] for name in names]
    explored = [block for key, block in tests.items() if key not in {("quiz", name) for name in names}]
    assert len(explored) == 7
    assert p_of(claimed, "p_holm") == pytest.approx(holm(p_of(claimed, "p")))
    assert p_of(explored, "q") == pytest.approx(benjamini_hochberg(p_of(explored, "p")))
    assert all(block["q"] is None for block in claimed)
    assert all(block["p_holm"] is None for block in explored)


def test_the_verdict_says_which_is_which(table: pd.DataFrame, quick: Select) -> None:
    verdict = analyze(table, quick, "s")["verdict"]
    details = "\n".join(verdict["details"])
    assert "all 3 tests are corrected together" in details
    assert "of 7 tests are above chance at a false discovery rate of 5.0 % (Benjamini–Hochberg)" in details
    assert "Learning to compare from the 3 headline indicators" in details
    assert "quiz.f1, after Holm's correction" not in details


def test_a_quantity_named_as_primary_is_a_claim_and_enters_the_learned_comparison(
    table: pd.DataFrame, quick: Select
) -> None:
    select = quick.model_copy(update={"primary": Primary(outcome="quiz.f1", indicator="kshot.margin")})
    selection = analyze(table, select, "s")
    assert selection["confirmatory"]["outcomes"] == ["quiz", "quiz.f1"]
    assert "kshot.margin" in selection["outcomes"]["quiz"]["learned"]["indicators"]
    assert selection["outcomes"]["quiz.f1"]["indicators"]["kshot.margin"]["p_holm"] is not None
    assert selection["verdict"]["headline"].startswith("On quiz.f1, ")


def test_a_quantity_of_an_outcome_is_ranked_but_not_learned(table: pd.DataFrame, quick: Select) -> None:
    block = analyze(table, quick, "s")["outcomes"]["quiz.f1"]
    assert block["learned"] == {}
    assert [row["predicted_rank"] for row in block["ranking"]] == [None] * 14


def test_signal_and_noise_are_in_the_selection(table: pd.DataFrame, quick: Select) -> None:
    found = analyze(table, quick, "s")["noise"]
    assert found["outcomes"]["quiz"]["signal"] == 13.0
    assert found["outcomes"]["quiz"]["snr_seeds"] is None
    assert set(found["indicators"][ODD]) == {
        "signal", "n_checkpoints", "noise_checkpoints", "noise_items", "snr_checkpoints", "snr_items",
    }  # fmt: skip
