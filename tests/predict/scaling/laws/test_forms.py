"""The laws: slopes, units, and the parameters of their formulas."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ptp_core.predict.scaling.laws.forms import FORMS, Inputs
from ptp_core.spec.scaling import DIRECT_FORMS, LOSS_FORMS, SCORE_FORMS
from tests.predict.scaling.laws.worlds import TRUE, runs

STEP = 1e-6


def test_every_form_a_spec_can_name_is_there() -> None:
    assert tuple(FORMS) == (*LOSS_FORMS, *SCORE_FORMS, *DIRECT_FORMS)
    assert {form.kind for form in FORMS.values()} == {"loss", "score", "direct"}


@given(name=st.sampled_from(list(FORMS)), seed=st.integers(0, 2**32 - 1))
@settings(max_examples=150, deadline=None)
def test_slopes_are_those_of_finite_differences(name: str, seed: int) -> None:
    form, inputs = FORMS[name], runs(3, 3)
    theta = np.array(TRUE[name]) * np.random.default_rng(seed).uniform(0.5, 1.5, len(TRUE[name]))
    slopes = form.values(theta, inputs)[1]
    for i in range(len(theta)):
        ahead, behind = theta.copy(), theta.copy()
        ahead[i] += STEP
        behind[i] -= STEP
        difference = (form.values(ahead, inputs)[0] - form.values(behind, inputs)[0]) / (2 * STEP)
        assert slopes[:, i] == pytest.approx(difference, rel=1e-5, abs=1e-7)


@pytest.mark.parametrize("name", FORMS)
def test_many_laws_are_evaluated_at_once_as_one_by_one(name: str) -> None:
    form, inputs = FORMS[name], runs(3, 2)
    theta = np.array(TRUE[name]) * np.random.default_rng(0).uniform(0.8, 1.2, (4, len(TRUE[name])))
    together = form.predict(theta, inputs)
    assert together.shape == (4, 6)
    assert together == pytest.approx(np.array([form.predict(row, inputs) for row in theta]), rel=1e-14)


def test_each_refit_may_read_losses_of_its_own() -> None:
    form = FORMS["sigmoid"]
    theta = np.tile(TRUE["sigmoid"], (3, 1))
    losses = np.array([[2.0, 3.0], [2.5, 3.5], [3.0, 4.0]])
    wanted = [form.predict(theta[0], Inputs(loss=row)) for row in losses]
    assert form.predict(theta, Inputs(loss=losses)) == pytest.approx(np.array(wanted))


@pytest.mark.parametrize("name", ["linear", "exponential", "sigmoid", "fp", "direct"])
def test_percent_and_shares_are_the_same_score(name: str) -> None:
    form, inputs, theta = FORMS[name], runs(3, 2), np.array(TRUE[name])
    shares = form.predict(theta, inputs)
    assert form.predict(theta, inputs, ceiling=100.0) == pytest.approx(100 * shares)
    errors = form.predict(theta, inputs, rising=False)
    assert errors == pytest.approx(1 - shares if form.of_error else shares)


@pytest.mark.parametrize("name", ["nd", "overtraining", "flp", "exponential", "sigmoid", "direct"])
def test_more_size_and_data_never_predict_worse(name: str) -> None:
    form, low_high = FORMS[name], FORMS[name].bounds(np.array([2.0, 3.0]), True)
    small, large = (np.array([n]) for n in (1e8, 1e10))
    near, far = (
        Inputs(n, 20 * n, 120 * n**2, loss) for n, loss in ((small, np.array([3.0])), (large, np.array([2.0])))
    )
    rng = np.random.default_rng(0)
    low, high = (np.clip(bound, -2, 3) for bound in low_high)
    for theta in rng.uniform(low, high, (200, len(low))):
        assert form.values(theta, far)[0] <= form.values(theta, near)[0] + 1e-12


def test_parameters_are_those_of_the_formulas() -> None:
    n, d = np.array([3e8]), np.array([9e9])
    inputs = Inputs(n, d, 6 * n * d, np.array([2.7]))
    value = {name: form.values(np.array(TRUE[name]), inputs)[0] for name, form in FORMS.items()}
    p = {
        name: dict(zip(form.parameters, form.natural(np.array(TRUE[name])), strict=True))
        for name, form in FORMS.items()
    }
    c, loss, m = inputs.compute, inputs.loss, d / n
    assert c is not None
    assert loss is not None
    assert value["flp"] == pytest.approx((c / p["flp"]["C_N"]) ** -p["flp"]["alpha"])
    assert value["fp"] == pytest.approx((c / p["fp"]["C_N"]) ** p["fp"]["alpha"])
    for name in ("nd", "direct"):
        q = p[name]
        assert value[name] == pytest.approx(q["E"] + q["A"] / n ** q["alpha"] + q["B"] / d ** q["beta"])
    q = p["overtraining"]
    assert value["overtraining"] == pytest.approx(
        q["E"] + q["a"] * n ** q["b"] + q["beta"] * 6 ** (q["b"] / 2) * (m * n) ** q["b"]
    )
    q = p["exponential"]
    assert value["exponential"] == pytest.approx(q["epsilon"] - q["k"] * np.exp(-q["gamma"] * loss))
    q = p["sigmoid"]
    assert value["sigmoid"] == pytest.approx(q["E"] + q["a"] / (1 + np.exp(-q["k"] * (loss - q["L0"]))))


def test_a_form_says_which_input_it_lacks() -> None:
    with pytest.raises(ValueError, match="compute"):
        FORMS["flp"].predict(np.array(TRUE["flp"]), Inputs(loss=np.ones(3)))
