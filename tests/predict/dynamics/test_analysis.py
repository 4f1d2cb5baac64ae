"""The dynamics as a whole: the same in any order, plain JSON, a clear error where there is nothing to derive."""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ptp_core.errors import UserError
from ptp_core.predict.dynamics.analysis import analyze_dynamics
from ptp_core.predict.dynamics.numbers import rho, signed
from ptp_core.spec.dynamics import Dynamics
from tests.predict.dynamics.studies import TOKENS, along, scores, table

KEYS = (
    "study confidence prompt_format trajectories cells gains forgetting formats correlation latent overtraining early "
    "verdict warnings"
).split()


def study(n_runs: int = 4, shift: float = 0.0) -> pd.DataFrame:
    """Runs with everything: two tasks in two formats, tuned at every checkpoint, cross-tested, with a loss."""
    rng = np.random.default_rng(0)
    parts = []
    for r in range(n_runs):
        parts.append(scores("ppl_clm", along(TOKENS, 5 - rng.random(8).cumsum() / 4), run=f"v{r}", higher=False))
        for task, family in (("cms", "C"), ("rag", "R")):
            for fmt in ("default", "instruct"):
                values = {"error": 0.01, "fmt": fmt, "run": f"v{r}", "family": family}
                parts.append(scores(task, along(TOKENS, 0.2 + 0.1 * rng.random(8) + shift), **values))
                parts.append(scores(task, along(TOKENS, 0.5 + 0.2 * rng.random(8) + shift), tuned=True, **values))
            values["fmt"] = "default"
            other = "rag" if task == "cms" else "cms"
            parts.append(scores(task, along(TOKENS, 0.1 + 0.1 * rng.random(8) + shift), tuned=other, **values))
    return table(*parts)


def test_it_has_all_blocks_and_is_plain_json() -> None:
    said: list[tuple[str, float]] = []
    found = analyze_dynamics(study(), Dynamics(), "s", lambda what, share: said.append((what, share)))
    assert set(KEYS) <= set(found)
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    for key in ("cells", "gains", "forgetting", "formats", "correlation", "latent", "overtraining", "early"):
        assert found[key], key
    shares = [share for _, share in said]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


@settings(max_examples=3)
@given(st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(random: Any) -> None:
    made = study(1)
    order = list(range(len(made)))
    random.shuffle(order)
    assert analyze_dynamics(made.iloc[order], Dynamics(), "s") == analyze_dynamics(made, Dynamics(), "s")


@settings(max_examples=3)
@given(st.floats(0.0, 0.25))
def test_what_is_added_to_base_and_tuned_scores_leaves_their_gains(shift: float) -> None:
    plain, moved = (analyze_dynamics(study(1, by), Dynamics(), "s") for by in (0.0, shift))
    for key, name in (
        ("cells", "gain"),
        ("gains", "mean_gain"),
        ("forgetting", "mean_gain"),
        ("correlation", "spearman"),
    ):
        assert [r[name] for r in moved[key]] == pytest.approx([r[name] for r in plain[key]], abs=1e-9), key
    for a, b in zip(plain["gains"], moved["gains"], strict=True):
        assert b["ci95"] == pytest.approx(a["ci95"], abs=1e-9)


def test_outcomes_without_a_base_score_say_what_is_needed() -> None:
    with pytest.raises(UserError) as caught:
        analyze_dynamics(table(scores("t", {1: 0.5}, tuned=True)), Dynamics(), "s")
    assert "no outcome has a score before fine-tuning" in str(caught.value)
    assert "dynamics.base" in str(caught.value)


def test_a_table_without_outcomes_says_what_is_needed() -> None:
    with pytest.raises(UserError, match="no score after fine-tuning is in the table"):
        analyze_dynamics(table(scores("t", {1: 0.5})), Dynamics(), "s")


def test_base_and_tuned_scores_that_never_meet_say_so() -> None:
    made = table(scores("t", {1: 0.5}), scores("t", {2: 0.5}, tuned=True))
    with pytest.raises(UserError, match="no checkpoint has a score both before and after fine-tuning"):
        analyze_dynamics(made, Dynamics(), "s")


def test_a_base_score_that_is_missing_at_some_checkpoints_is_a_sentence() -> None:
    parts = [scores("a", {1: 0.5}), scores("a", {1: 0.6, 2: 0.7}, tuned=True), scores("b", {1: 0.6}, tuned=True)]
    found = analyze_dynamics(table(*parts), Dynamics(), "s")
    assert any("Where the score before fine-tuning of a is missing" in said for said in found["warnings"])
    assert any("No score before fine-tuning is known of b" in said for said in found["warnings"])


def test_no_loss_is_a_sentence() -> None:
    parts = [scores("a", {1: 0.5, 2: 0.5}), scores("a", {1: 0.6, 2: 0.7}, tuned=True)]
    found = analyze_dynamics(table(*parts), Dynamics(), "s")
    assert any("no loss along training" in said for said in found["warnings"])
    with pytest.raises(UserError, match=r"dynamics\.losses"):
        analyze_dynamics(table(*parts), Dynamics(losses=("ppl_*",)), "s")


def test_the_headline_says_what_is_gained_and_what_base_scores_are_worth() -> None:
    headline = analyze_dynamics(study(1), Dynamics(), "s")["verdict"]["headline"]
    assert headline.startswith("Fine-tuning gains +0.3")
    assert "on average over 2 tasks (8 checkpoints, interval +" in headline
    assert "the base score" in headline


def test_a_base_score_that_orders_checkpoints_is_given_its_due() -> None:
    curve = np.linspace(0.1, 0.5, 8)
    made = table(scores("t", along(TOKENS, curve)), scores("t", along(TOKENS, curve + 0.3), tuned=True))
    headline = analyze_dynamics(made, Dynamics(), "s")["verdict"]["headline"]
    assert "the base score orders checkpoints as fine-tuned scores do on t" in headline
    assert "n = 8" in headline


def test_several_runs_say_together_what_base_scores_are_worth() -> None:
    found = analyze_dynamics(study(4), Dynamics(), "s")
    (over,) = found["over_runs"]["correlation"]
    own = [row["spearman"] for row in found["correlation"] if row["in_domain"]]
    assert (over["n"], over["spearman"]) == (4, pytest.approx(np.mean(own)))
    assert "4 runs" in found["verdict"]["headline"]


def test_no_gain_is_not_called_one() -> None:
    rng = np.random.default_rng(1)
    made = table(scores("t", along(TOKENS, rng.random(8))), scores("t", along(TOKENS, rng.random(8)), tuned=True))
    headline = analyze_dynamics(made, Dynamics(), "s")["verdict"]["headline"]
    assert headline.startswith("Fine-tuning is not shown to change scores: ")


def test_rows_of_several_runs_are_summed_up_over_runs() -> None:
    found = analyze_dynamics(study(4), Dynamics(), "s")
    for row in found["over_runs"]["gains"]:
        own = [
            g["mean_gain"] for g in found["gains"] if (g["train_task"], g["test"]) == (row["train_task"], row["test"])
        ]
        assert (row["n"], row["mean_gain"]) == (4, pytest.approx(np.mean(own)))
        assert row["ci95"][0] < row["mean_gain"] < row["ci95"][1]
    assert {(row["from_group"], row["to_group"]) for row in found["over_runs"]["forgetting"]} == {
        ("C", "R"),
        ("R", "C"),
    }
    assert all(row["n"] == 4 for row in found["over_runs"]["formats"])
    single = analyze_dynamics(study(1), Dynamics(), "s")
    assert set(map(len, single["over_runs"].values())) == {0}


def test_figures_are_read_in_a_format_that_base_scores_have() -> None:
    parts = [scores("t", {1: 0.5}, fmt="qa")]
    parts += [scores("t", {1: 0.6}, fmt=fmt, tuned=True) for fmt in ("default", "instruct", "qa")]
    found = analyze_dynamics(table(*parts), Dynamics(), "s")
    assert found["prompt_format"] == "qa"
    assert found["gains"][0]["mean_gain"] == pytest.approx(0.1)


def test_sentences_have_a_true_minus() -> None:
    rising, falling = (
        along(TOKENS, [0.5 + 0.01 * i for i in range(8)]),
        along(TOKENS, [0.4 - 0.01 * i for i in range(8)]),
    )
    made = table(
        scores("t", rising),
        scores("t", falling, tuned=True),
        scores("loss", along(TOKENS, [3 - 0.1 * i + 0.003 * (-1) ** i for i in range(8)]), higher=False),
    )
    found = analyze_dynamics(made, Dynamics(), "s")
    words = [row["words"] for row in (*found["latent"], *found["overtraining"])]
    said = " ".join([found["verdict"]["headline"], *found["verdict"]["details"], *words])
    assert "\N{MINUS SIGN}0.17 on t" in said
    assert "Spearman" in said or "orders" in said
    assert re.search(r"(^|[^\w-])-\d", said) is None
    assert "\N{MINUS SIGN}" in words[0]
    assert signed(-0.0515) == "\N{MINUS SIGN}0.0515"
    assert rho(-0.45) == "\N{MINUS SIGN}0.45"
    assert (signed(0.309), signed(0.0), rho(0.5)) == ("+0.309", "+0", "0.50")
