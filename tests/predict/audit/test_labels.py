"""A test set that an untrained model solves is named; one that is easy, or solved by luck, is not."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ptp_core.predict.audit.labels import constant_labels
from ptp_core.table.schema import from_rows

TOKENS = [1e9, 1e10, 1e11, 2e11, 3e11]
SOUND = [0.25, 0.4, 0.5, 0.55, 0.6]


def base(*, error: float | None = 0.002, one_variant: bool = True, **curves: Sequence[float]) -> pd.DataFrame:
    """Scores before fine-tuning along training, of one variant or of one a checkpoint."""
    return from_rows(
        {
            "variant": "a" if one_variant else f"step{tokens:g}",
            "checkpoint_tokens": int(tokens),
            "kind": "indicator",
            "name": name,
            "value": value,
            "stderr": error,
            "higher_is_better": True,
            "source": "made",
        }
        for name, values in curves.items()
        for tokens, value in zip(TOKENS, values, strict=True)
    )


@pytest.mark.parametrize("one_variant", [True, False])
@pytest.mark.parametrize("scale", [1.0, 100.0])
def test_a_set_that_the_untrained_model_solves_and_training_unlearns_is_named(one_variant: bool, scale: float) -> None:
    values = {"qqp": [1.0, 1.0, 0.9999, 0.95, 0.999], "mnli": SOUND}
    scaled = {name: [scale * value for value in curve] for name, curve in values.items()}
    (found,) = constant_labels(base(one_variant=one_variant, error=0.002 * scale, **scaled))
    assert (found.kind, found.severity, found.indicators) == ("constant_labels", "warning", ("qqp",))
    assert "3 of 5 scores are without error, already after 1,000,000,000 tokens" in found.sentence
    assert "as low as 0.950" in found.sentence


@pytest.mark.parametrize("one_variant", [True, False])
def test_a_set_on_which_the_untrained_model_prefers_the_wrong_answer_is_named(one_variant: bool) -> None:
    table = base(one_variant=one_variant, qqp=[0.0, 0.0, 0.12, 0.0, 0.003], mnli=SOUND)
    (found,) = constant_labels(table)
    assert (found.indicators, found.numbers["wrong"]) == (("qqp",), True)
    assert "3 of 5 scores have nothing right, already after 1,000,000,000 tokens" in found.sentence
    assert "rises as high as 0.120 of the best value, only to be lost again" in found.sentence


@pytest.mark.parametrize(("errors", "wrong"), [([0.0, 0.0, 0.1, 0.0, 0.0], False), ([1.0, 1.0, 0.9, 1.0, 1.0], True)])
def test_a_set_given_as_an_error_is_named_as_well(errors: list[float], wrong: bool) -> None:
    table = base(qqp=errors, mnli=SOUND)
    table.loc[table["name"] == "qqp", "higher_is_better"] = False
    (found,) = constant_labels(table)
    assert (found.indicators, found.numbers["wrong"]) == (("qqp",), wrong)


def test_losses_beside_it_do_not_make_the_untrained_model_look_good() -> None:
    table = base(qqp=[1.0, 1.0, 0.9, 1.0, 1.0], mnli=SOUND, loss=[9.0, 4, 3, 2.5, 2], ppl=[3.0, 2, 2, 2, 2])
    table.loc[table["name"].isin(["loss", "ppl"]), "higher_is_better"] = False
    assert [found.indicators for found in constant_labels(table)] == [("qqp",)]


def test_runs_that_differ_in_what_they_have_learned_accuse_no_set() -> None:
    good = base(quiz=[0.0, 0.0, 0.1, 0.2, 0.3], mnli=SOUND)
    poor = base(quiz=[0.0, 0.0, 0.0, 0.0, 0.0], mnli=SOUND).assign(variant="b")
    assert constant_labels(pd.concat([good, poor])) == []


def test_where_the_untrained_model_has_nothing_right_anywhere_nothing_is_odd() -> None:
    hard = [0.0, 0.0, 0.1, 0.0, 0.0]
    assert constant_labels(base(a=hard, b=hard, c=[0.0, 0.0, 0.1, 0.2, 0.4])) == []


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ([0.3, 0.7, 1.0, 1.0, 1.0], "it is learned"),
        ([1.0, 1.0, 1.0, 1.0, 1.0], "it may be that easy"),
        ([1.0, 1.0, 0.999, 1.0, 0.996], "what is lost is noise"),
        ([1.0, 0.53, 0.74, 0.49, 0.34], "one flawless score is an accident"),
        ([0.99, 0.8, 0.9, 0.85, 0.99], "the untrained model makes errors"),
        ([0.5, 0.5, 0.5, 0.5, 0.5], "models always give one answer, which is right half of the time"),
        ([0.0, 0.0, 0.0, 0.0, 0.0], "no model has learned it yet"),
        ([0.0, 0.0, 0.0, 0.1, 0.3], "it is hard, and learned late"),
        ([0.0, 0.0, 0.0, 0.04, 0.0], "what is right for once is too little"),
        ([0.0, 0.0, 0.0, 0.3, 0.1], "it is learned, and not lost again"),
    ],
)
def test_a_sound_set_is_not_accused(values: list[float], why: str) -> None:
    assert constant_labels(base(easy=values, mnli=SOUND)) == [], why


def test_an_error_that_fifty_items_explain_is_no_loss() -> None:
    assert constant_labels(base(easy=[1.0, 1.0, 0.96, 1.0, 1.0], mnli=SOUND, error=0.03)) == []
    assert constant_labels(base(easy=[1.0, 1.0, 0.96, 1.0, 1.0], mnli=SOUND, error=None)) == []
    assert constant_labels(base(easy=[1.0, 1.0, 0.96, 1.0, 1.0], mnli=SOUND, error=0.003)) != []


def test_where_the_least_trained_model_is_good_at_everything_nothing_is_odd() -> None:
    curve = [1.0, 1.0, 0.95, 1.0, 1.0]
    assert constant_labels(base(a=curve, b=curve, c=[0.9, 0.9, 0.9, 0.9, 0.9])) == []


def test_models_that_have_all_seen_much_prove_nothing() -> None:
    table = base(easy=[1.0, 1.0, 0.9, 1.0, 1.0], mnli=SOUND)
    assert constant_labels(table[table["checkpoint_tokens"] >= 1e11]) == []
    assert constant_labels(table.assign(checkpoint_tokens=None)) == []
    assert constant_labels(table[table["kind"] == "outcome"]) == []


def test_one_prompt_format_in_which_the_untrained_model_errs_clears_the_set() -> None:
    table = base(easy=[1.0, 1.0, 0.9, 1.0, 1.0], mnli=SOUND)
    both = [table.assign(prompt_format="default"), table.assign(prompt_format="instruct")]
    assert len(constant_labels(pd.concat(both))) == 1
    both[1].loc[(both[1]["name"] == "easy") & (both[1]["checkpoint_tokens"] == 1e9), "value"] = 0.4
    assert constant_labels(pd.concat(both)) == []


def test_random_learning_curves_are_never_accused() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        low, high, n = rng.uniform(0, 0.5), rng.uniform(0.5, 1), int(rng.integers(20, 2000))
        truth = {f"t{k}": np.linspace(low, min(1.0, high + 0.1 * k), len(TOKENS)) for k in range(5)}
        drawn = {name: (rng.binomial(n, p) / n).tolist() for name, p in truth.items()}
        assert constant_labels(base(error=0.5 / np.sqrt(n), **drawn)) == []


PYTHIA = Path(os.environ.get("PTP_DATA_ROOT", "/nowhere")) / "tables" / "pythia_v1_core_wide.csv.gz"


@pytest.mark.skipif(not PYTHIA.is_file(), reason="PTP_DATA_ROOT has no tables/pythia_v1_core_wide.csv.gz")
def test_no_test_set_of_the_published_pythia_scores_is_accused() -> None:
    wide = pd.read_csv(PYTHIA)
    wide = wide[wide["shots"] == wide["shots"].min()]
    tasks = [c for c in wide.columns if c not in ("model", "step", "tokens", "shots") and wide[c].dtype == float]
    long = wide.melt(["model", "tokens"], tasks, "name", "value").dropna(subset=["value"])
    rows = long.rename(columns={"model": "variant", "tokens": "checkpoint_tokens"}).to_dict("records")
    table = from_rows({**row, "kind": "indicator", "higher_is_better": True, "source": "made"} for row in rows)
    assert table["name"].nunique() >= 8
    assert constant_labels(table) == []
