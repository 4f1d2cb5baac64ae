"""Bands: they hold the measured value of a new run about as often as they say."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ptp_core.predict.scaling.laws.bands import Spread, bands, new_values, spread_of
from ptp_core.predict.scaling.laws.fit import By, fit, refit
from ptp_core.predict.scaling.laws.form import Floats
from ptp_core.predict.scaling.laws.forms import FORMS, Form, Inputs
from ptp_core.predict.scaling.laws.resample import resamples
from tests.predict.scaling.laws.worlds import measured, of_sizes, runs

WORLDS, DRAWS, NOISE, RUNS = 200, 100, 0.01, 12
TARGETS = of_sizes(np.array([1e9, 7e9]), np.array([2e10, 1.4e11]))
"""Two and a half and eighteen times the largest fitted size."""
NOMINAL = 0.95
SLACK = 4 * np.sqrt(NOMINAL * (1 - NOMINAL) / WORLDS)
"""Four standard errors of a coverage over so many worlds: a right band fails about once in 10,000 times."""


def drawn(
    form: Form, inputs: Inputs, y: Floats, read: Inputs, weights: Floats, rng: np.random.Generator, by: By = "huber"
) -> Floats:
    """What new runs may measure (B, 2), by a law fitted to y and refitted with the weights."""
    law = fit(form, inputs, y, by=by)
    refits = refit(form, inputs, y, weights, law.theta, by=by)
    spread = spread_of(form, law.theta, inputs, y)
    return new_values(form, form.predict(law.theta, read), form.predict(refits, read), spread, rng)


def holds(values: Floats, actual: Floats) -> Floats:
    interval = bands(values, NOMINAL)
    return ((interval[:, 0] <= actual) & (actual <= interval[:, 1])).astype(np.float64)


@pytest.mark.slow
@pytest.mark.parametrize("name", FORMS)
def test_a_band_holds_a_new_run_at_the_nominal_rate(name: str) -> None:
    """95 % bands from twelve runs, at targets beyond them, hold at least at the rate they claim."""
    form, inputs = FORMS[name], runs(4, 3)
    held = np.zeros(2)
    for world in range(WORLDS):
        rng = np.random.default_rng([world, 1])
        y, actual = measured(form, inputs, NOISE, rng), measured(form, TARGETS, NOISE, rng)
        held += holds(drawn(form, inputs, y, TARGETS, resamples(np.arange(RUNS), RUNS, DRAWS, rng), rng), actual)
    assert (held / WORLDS >= NOMINAL - SLACK).all(), held / WORLDS


@pytest.mark.slow
def test_a_chain_holds_the_score_of_a_run_that_lies_off_the_law_of_the_loss() -> None:
    """Both stages see the same resamples; the loss handed on is that of a new run, not of the law."""
    first, second, inputs = FORMS["overtraining"], FORMS["exponential"], runs(4, 3)
    held = np.zeros(2)
    for world in range(WORLDS):
        rng = np.random.default_rng([world, 2])
        losses, new = measured(first, inputs, NOISE, rng), measured(first, TARGETS, NOISE, rng)
        scored = replace(inputs, loss=losses)
        y, actual = measured(second, scored, NOISE, rng), measured(second, Inputs(loss=new), NOISE, rng)
        weights = resamples(np.arange(RUNS), RUNS, DRAWS, rng)
        handed_on = Inputs(loss=drawn(first, inputs, losses, TARGETS, weights, rng))
        held += holds(drawn(second, scored, y, handed_on, weights, rng), actual)
    assert (held / WORLDS >= NOMINAL - SLACK).all(), held / WORLDS


@pytest.mark.slow
def test_bands_of_a_straight_line_are_as_wide_as_the_intervals_of_students_t() -> None:
    """Width over the exact width: the median over worlds is within a tenth of 1, so that holding is not bought."""
    from scipy.stats import t

    form, inputs = FORMS["linear"], runs(4, 3)
    assert inputs.loss is not None
    assert TARGETS.loss is not None
    off = TARGETS.loss - inputs.loss.mean()
    leverage = 1 / RUNS + off**2 / np.sum((inputs.loss - inputs.loss.mean()) ** 2)
    ratios = []
    for world in range(50):
        rng = np.random.default_rng([world, 3])
        y = measured(form, inputs, NOISE, rng)
        weights = resamples(np.arange(RUNS), RUNS, 300, rng)
        width = np.ptp(bands(drawn(form, inputs, y, TARGETS, weights, rng, "squares"), NOMINAL), axis=1)
        sd = spread_of(form, fit(form, inputs, y, by="squares").theta, inputs, y).sd
        ratios.append(width / (2 * t.ppf((1 + NOMINAL) / 2, RUNS - 2) * sd * np.sqrt(1 + leverage)))
    assert np.median(ratios, axis=0) == pytest.approx(np.ones(2), abs=0.1)


def test_spread_is_the_residual_deviation_with_as_many_degrees_as_points_are_left() -> None:
    form, inputs = FORMS["linear"], runs(2, 3)
    y = measured(form, inputs, 0.02, np.random.default_rng(0))
    theta = fit(form, inputs, y, by="squares").theta
    off = y - form.predict(theta, inputs)
    spread = spread_of(form, theta, inputs, y)
    assert spread == Spread(pytest.approx(np.sqrt((off**2).sum() / 4)), pytest.approx(np.sqrt(7 / 4)), 4)


def test_checkpoints_of_one_run_are_no_runs_of_their_own() -> None:
    form, inputs = FORMS["linear"], runs(2, 3)
    y = measured(form, inputs, 0.02, np.random.default_rng(0))
    theta = fit(form, inputs, y).theta
    spread = spread_of(form, theta, inputs, y, np.array([0, 0, 1, 1, 2, 2]))
    assert spread.degrees == 2
    assert spread.inflation == pytest.approx(np.sqrt(4 / 2 * 5 / 4))


def test_bands_leave_out_what_could_not_be_computed() -> None:
    values = np.array([[1.0, np.nan], [2.0, np.inf], [3.0, np.nan]])
    interval = bands(values, 0.5)
    assert interval[0] == pytest.approx([1.5, 2.5])
    assert np.isnan(interval[1]).all()


def test_resamples_weigh_whole_runs_and_never_drop_one() -> None:
    weights = resamples(np.array([0, 0, 1, 2]), 3, 4000, np.random.default_rng(0))
    assert (weights > 0).all()
    assert (weights[:, 0] == weights[:, 1]).all()
    by_run = weights[:, [0, 2, 3]]
    assert by_run.sum(axis=1) == pytest.approx(np.full(4000, 3.0))
    # Drawing 3 runs with replacement has variance 2/3; the Bayesian bootstrap 2/4.
    assert by_run.var() == pytest.approx(0.5, abs=0.03)
