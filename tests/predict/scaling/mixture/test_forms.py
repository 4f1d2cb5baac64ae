"""Forms of a domain's loss in mixture and compute."""

from __future__ import annotations

import numpy as np
import pytest

from ptp_core.predict.scaling.mixture.domain import eligible
from ptp_core.predict.scaling.mixture.forms import (
    FORMS,
    Layout,
    log_losses,
    log_losses_alone,
    named_parameters,
    start,
)


@pytest.mark.parametrize("name", FORMS)
@pytest.mark.parametrize("scaled", [False, True])
def test_derivatives_are_those_of_finite_differences(name: str, scaled: bool) -> None:
    rng = np.random.default_rng(0)
    layout = Layout(FORMS[name], 4, scaled)
    theta = start(layout, np.log(np.array([2.0, 3.0])))[0] + rng.normal(scale=0.3, size=layout.size)
    shares, size, step = rng.dirichlet(np.ones(4), 5), rng.normal(size=5), 1e-6
    moved = theta + step * np.concatenate([np.eye(layout.size), -np.eye(layout.size)])
    up, down = np.split(log_losses_alone(layout, moved, shares, size), 2)
    slopes = log_losses(layout, theta[None], shares, size)[1][0]
    assert slopes == pytest.approx((up - down).T / (2 * step), abs=1e-7)


def test_the_published_form_is_a_product_of_powers_of_the_compute_spent_on_each_source() -> None:
    # Chen et al. 2024: ((C_G + C_C)/C_T)^a · (C_G/C_1)^b · (C_C/C_2)^c
    a, b, c, general, code, reference = -0.03, -0.05, -0.02, 3e18, 1e18, 2e18
    published = ((general + code) / 5e17) ** a * (general / 4e17) ** b * (code / 6e17) ** c
    constant = 5e17**-a * 4e17**-b * 6e17**-c * reference ** (a + b + c)
    layout = Layout(FORMS["flp-m"], 2, True)
    theta = np.array([[np.log(constant), a + b + c, b, c]])
    shares = np.array([[general, code]]) / (general + code)
    ours = log_losses_alone(layout, theta, shares, np.log(np.array([(general + code) / reference])))
    assert np.exp(ours[0, 0]) == pytest.approx(published, rel=1e-12)
    named = named_parameters(layout, theta[0], ("general", "code"))
    assert named == pytest.approx({"k": constant, "a": a + b + c, "b.general": b, "b.code": c})


def test_a_share_of_zero_has_no_loss_under_the_published_form_and_a_finite_one_under_the_others() -> None:
    shares = np.array([[0.0, 1.0]])
    for form in FORMS.values():
        layout = Layout(form, 2, False)
        value = log_losses_alone(layout, start(layout, np.log(np.array([2.0, 3.0])))[0][None], shares, np.zeros(1))
        assert np.isnan(value[0, 0]) == (form.name == "flp-m")
    assert "flp-m" not in {form.name for form in eligible(shares)}
    assert "flp-m" in {form.name for form in eligible(np.array([[0.5, 0.5]]))}
