"""Fits and refits: laws are recovered, and the batch finds the minima that scipy finds one by one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ptp_core.predict.scaling.laws.fit import By, TooFew, fit, misfit, refit
from ptp_core.predict.scaling.laws.form import Floats
from ptp_core.predict.scaling.laws.forms import FORMS, Form, Inputs
from ptp_core.predict.scaling.laws.resample import resamples
from tests.predict.scaling.laws.worlds import TRUE, measured, of_sizes, runs

BY: tuple[By, ...] = ("huber", "squares")


@pytest.mark.parametrize("by", BY)
@pytest.mark.parametrize("name", FORMS)
def test_without_noise_the_parameters_are_found(name: str, by: By) -> None:
    form, inputs = FORMS[name], runs(6, 5)
    found = fit(form, inputs, measured(form, inputs, 0.0, np.random.default_rng(0)), by=by)
    assert found.converged
    wanted = dict(zip(form.parameters, form.natural(np.array(TRUE[name])), strict=True))
    assert found.parameters == pytest.approx(wanted, rel=1e-3)


@pytest.mark.parametrize("name", FORMS)
def test_a_robust_fit_ignores_a_run_that_went_wrong(name: str) -> None:
    form, inputs = FORMS[name], runs(6, 5)
    y = measured(form, inputs, 0.0, np.random.default_rng(0))
    spoilt = y.copy()
    spoilt[7] += 0.2
    theta = fit(form, inputs, spoilt).theta
    assert form.predict(theta, inputs) == pytest.approx(y, abs=2e-3)
    assert np.abs(form.predict(fit(form, inputs, spoilt, by="squares").theta, inputs) - y).max() > 4e-3


@given(name=st.sampled_from(list(FORMS)), by=st.sampled_from(BY), seed=st.integers(0, 2**32 - 1))
@settings(max_examples=24, deadline=None)
def test_refits_reach_the_minima_that_scipy_reaches(name: str, by: By, seed: int) -> None:
    rng = np.random.default_rng(seed)
    form, inputs = FORMS[name], runs(5, 4)
    y = measured(form, inputs, 0.01, rng)
    weights = resamples(np.arange(20), 20, 3, rng)
    start = fit(form, inputs, y, by=by).theta
    together = refit(form, inputs, y, weights, start, by=by)
    for theta, row in zip(together, weights, strict=True):
        ours = misfit(form, inputs, y, row[None], theta[None], by=by)[0]
        assert ours <= by_scipy(form, inputs, y, row, [start, theta], by) * (1 + 1e-4)


def by_scipy(form: Form, inputs: Inputs, y: Floats, weights: Floats, starts: list[Floats], by: By) -> float:
    """The least objective that L-BFGS-B finds, with slopes by finite differences of the objective itself."""
    from scipy.optimize import minimize

    low, high = form.bounds(form.response(y, 1.0, True), True)
    scale = 1 / misfit(form, inputs, y, weights[None], starts[0][None], by=by)[0]

    def value(theta: Floats) -> Any:
        return scale * misfit(form, inputs, y, weights[None], np.clip(theta, low, high)[None], by=by)[0]

    found = [minimize(value, start, method="L-BFGS-B", bounds=list(zip(low, high, strict=True))) for start in starts]
    return min(float(result.fun) for result in found) / scale


def test_a_refit_with_even_weights_stays_where_the_fit_is() -> None:
    form, inputs = FORMS["overtraining"], runs(4, 4)
    y = measured(form, inputs, 0.01, np.random.default_rng(0))
    theta = fit(form, inputs, y).theta
    again = refit(form, inputs, y, np.full((2, 16), 3.0), theta)
    assert form.predict(again, inputs) == pytest.approx(np.tile(form.predict(theta, inputs), (2, 1)), rel=1e-6)


def test_the_order_of_runs_does_not_matter() -> None:
    form, inputs = FORMS["nd"], runs(4, 4)
    y = measured(form, inputs, 0.01, np.random.default_rng(0))
    order = np.random.default_rng(1).permutation(16)
    assert inputs.params is not None
    assert inputs.tokens is not None
    shuffled = of_sizes(inputs.params[order], inputs.tokens[order])
    large = of_sizes(np.array([7e9]), np.array([1.4e11]))
    one, other = (form.predict(fit(form, x, z).theta, large) for x, z in ((inputs, y), (shuffled, y[order])))
    assert one == pytest.approx(other, rel=1e-5)


@pytest.mark.parametrize("name", ["exponential", "sigmoid", "direct", "fp", "linear"])
def test_percent_are_fitted_as_shares_and_errors_as_scores(name: str) -> None:
    form, inputs = FORMS[name], runs(4, 4)
    y = measured(form, inputs, 0.01, np.random.default_rng(0))
    theta = fit(form, inputs, y).theta
    assert fit(form, inputs, 100 * y, ceiling=100.0).theta == pytest.approx(theta, rel=1e-5)
    if form.of_error:
        assert fit(form, inputs, 1 - y, rising=False).theta == pytest.approx(theta, rel=1e-5)


def test_too_few_points_are_said_to_be_too_few() -> None:
    form = FORMS["overtraining"]
    few = of_sizes(np.array([1e7, 2e7, 4e7, 8e7]), np.array([2e8, 9e8, 8e8, 3e9]))
    with pytest.raises(TooFew, match="4 points for 4 parameters; it takes 5"):
        fit(form, few, np.array([4.0, 3.8, 3.5, 3.2]))


def test_laws_of_size_and_tokens_need_tokens_per_parameter_that_differ() -> None:
    n = np.geomspace(1e7, 1e9, 8)
    ladder = of_sizes(n, 20 * n)
    assert ladder.loss is not None
    for name in ("nd", "overtraining", "direct"):
        with pytest.raises(TooFew, match="same tokens per parameter"):
            fit(FORMS[name], ladder, ladder.loss)
    assert fit(FORMS["flp"], ladder, ladder.loss).converged


def test_a_score_that_never_moves_is_fitted_by_every_form_without_a_fuss() -> None:
    inputs = runs(4, 4)
    for name in ("linear", "exponential", "sigmoid", "fp", "direct"):
        form = FORMS[name]
        theta = fit(form, inputs, np.full(16, 0.25)).theta
        assert form.predict(theta, inputs) == pytest.approx(np.full(16, 0.25), abs=0.01)
