"""Laws of the loss after fine-tuning: found again where they hold, and honest about what they do not know."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ptp_core.errors import UserError
from ptp_core.predict.scaling.tuning import conformal, cuts, tuning_law
from ptp_core.predict.scaling.tuning_forms import FORMS, Floats, fit_rectified
from ptp_core.spec.scaling import Scaling, TuningLaw
from ptp_core.table.schema import from_rows

SIZES: Floats = np.array([200.0 * 2**k for k in range(14)])


def rectified(rng: np.random.Generator, models: int, noise: float = 0.0) -> Floats:
    """Losses (models, sizes) of models that differ in floor, in height and in what pre-training is worth."""
    floor = rng.uniform(0.6, 0.9, models)[:, None]
    exponent = rng.uniform(0.3, 0.4, models)[:, None]
    worth = np.exp(rng.uniform(np.log(5e2), np.log(1e4), models))[:, None] ** exponent
    height = rng.uniform(2, 3, models)[:, None] * worth
    exact = floor + height / (worth + SIZES**exponent)
    return np.asarray(exact * np.exp(noise * rng.standard_normal(exact.shape)))


def table_of(losses: Floats, sizes: Floats = SIZES, better: bool = False) -> pd.DataFrame:
    cells = [(i, int(size), value) for i, row in enumerate(losses) for size, value in zip(sizes, row, strict=True)]
    return from_rows(
        {
            "variant": f"m{i}",
            "kind": "indicator",
            "name": f"flan.{size}",
            "value": value,
            "higher_is_better": better,
            "source": "here",
        }
        for i, size, value in cells
        if np.isfinite(value)
    )


SPEC = Scaling(tuning=TuningLaw(name="flan"))


def test_a_rectified_law_is_found_again_and_told_apart_from_a_power_law() -> None:
    losses = rectified(np.random.default_rng(1), 6)
    law = fit_rectified(SIZES, losses)
    assert np.abs(law.at(SIZES) / losses - 1).max() < 2e-4
    plain = fit_rectified(SIZES, losses, late=False)
    assert np.abs(plain.at(SIZES) / losses - 1).max() > 1e-2


def test_a_plain_power_law_is_found_again() -> None:
    losses = 0.7 + 8.0 * SIZES[None] ** -np.array([[0.2], [0.5]])
    law = fit_rectified(SIZES, losses, late=False)
    assert np.exp(law.log_exponent) == pytest.approx([0.2, 0.5], rel=2e-3)
    assert law.floor == pytest.approx([0.7, 0.7], rel=5e-3)


def test_floors_and_heights_are_never_negative() -> None:
    rising = np.linspace(1, 2, len(SIZES))[None]
    law = fit_rectified(SIZES, rising)
    assert (law.floor >= 0).all()
    assert (law.reducible >= 0).all()
    assert law.at(SIZES)[0] == pytest.approx(np.full(len(SIZES), law.at(SIZES)[0, 0]))


def test_the_order_of_models_changes_nothing() -> None:
    losses = rectified(np.random.default_rng(2), 5, 0.01)
    for form in FORMS.values():
        one, other = (
            form.settings[-1](SIZES[:9], losses[:, :9], SIZES),
            form.settings[-1](SIZES[:9], losses[::-1, :9], SIZES),
        )
        assert one == pytest.approx(other[::-1], rel=1e-12)


def test_laws_within_the_fitted_sizes_reach_as_far_as_the_one_that_counts() -> None:
    assert cuts(SIZES[:10], 16) == [(5, 8), (6, 9)]
    assert cuts(SIZES[:10], 1000) == [(5, 9)]


def test_a_conformal_bound_is_the_rank_that_holds_one_more() -> None:
    errors = np.arange(1, 20, dtype=np.float64)
    assert conformal(errors, 0.95) == 19
    assert conformal(errors[:18], 0.95) == np.inf
    assert conformal(-errors, 0.5) == 10


@pytest.mark.slow
def test_losses_of_a_known_law_are_predicted_and_bands_are_not_too_narrow() -> None:
    held = []
    for seed in range(8):
        block = tuning_law(table_of(rectified(np.random.default_rng([80, seed]), 20, 0.005)), SPEC)
        chosen = block["law"]["forms"][block["law"]["chosen"]]
        assert chosen["mean_relative_error"] < 0.15
        held.append(block["law"]["covered"])
    assert np.mean(held) >= 0.93


def test_a_model_that_lacks_a_size_is_left_out_and_named() -> None:
    losses = rectified(np.random.default_rng(3), 6)
    losses[2, 4] = np.nan
    block = tuning_law(table_of(losses), SPEC)
    assert block["n_models"] == 5
    assert "1 model left out for lack of a size: m2." in block["words"]
    assert [entry["by"] for entry in block["pairwise"]] == ["loss after n examples"] * 13


def test_the_loss_before_fine_tuning_is_compared_but_not_fitted() -> None:
    sizes = np.concatenate([[0.0], SIZES])
    losses = rectified(np.random.default_rng(4), 6)
    with_zero = tuning_law(table_of(np.concatenate([np.full((6, 1), 9.0), losses], axis=1), sizes), SPEC)
    without = tuning_law(table_of(losses), SPEC)
    assert with_zero["law"] == without["law"]
    assert with_zero["pairwise"][0] == {
        "by": "loss after n examples", "examples": 0, "accuracy": 0.5, "ci95": [0.5, 0.5], "n_models": 6, "n_pairs": 15
    }  # fmt: skip
    assert np.isnan(with_zero["curves"][0]["fitted"][0])
    assert len(with_zero["curves"][0]["fitted"]) == 15


@pytest.mark.parametrize(
    ("losses", "law", "better", "said"),
    [
        (np.ones((6, 14)), TuningLaw(name="flam"), False, "too few losses are named flam.<examples>"),
        (np.ones((6, 14)), TuningLaw(name="flan"), True, "flan.200 is read as higher is better, so it is no loss"),
        (np.ones((3, 14)), TuningLaw(name="flan"), False, "too few models have a loss at each of 14 sizes"),
        (-np.ones((6, 14)), TuningLaw(name="flan"), False, "a loss must be above 0"),
        (np.ones((6, 14)), TuningLaw(name="flan", largest=800), False, "scaling.tuning.largest: the laws need sizes"),
        (np.ones((6, 14)), TuningLaw(name="flan", largest=2e6), False, "expected at least 5 sizes up to it, and one"),
    ],
)  # fmt: skip
def test_what_cannot_be_fitted_is_explained(losses: Floats, law: TuningLaw, better: bool, said: str) -> None:
    with pytest.raises(UserError) as error:
        tuning_law(table_of(losses, better=better), Scaling(tuning=law))
    assert said in str(error.value)


def test_losses_that_do_not_differ_are_said_not_to() -> None:
    words = tuning_law(table_of(np.full((6, len(SIZES)), 2.0)), SPEC)["words"]
    assert (
        words[0]
        == "The losses of 6 models after 1,638,400 examples do not differ, so that there is no order to foretell."
    )
    assert "nan" not in " ".join(words)
    assert "pairs" not in " ".join(words)
