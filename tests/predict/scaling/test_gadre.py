"""Gadre et al. 2024: the over-training law and the exponential law of the error, against the published errors."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import yaml

from ptp_core.errors import Where
from ptp_core.predict.scaling.laws.fit import fit
from ptp_core.predict.scaling.laws.forms import FORMS, Inputs
from ptp_core.predict.scaling.points import Points, matching, points_of
from ptp_core.spec.measurements import WideTable
from ptp_core.spec.scaling import Scaling
from ptp_core.table.wide import read_wide

SPEC = Path(__file__).parents[3] / "specs" / "gadre2024.yaml"
DATA = Path(os.environ.get("PTP_DATA_ROOT", "/nowhere")) / "tables"
pytestmark = [
    pytest.mark.data,
    pytest.mark.skipif(
        not (DATA / "gadre2024_runs.csv").is_file(), reason="PTP_DATA_ROOT has no tables/gadre2024_runs.csv"
    ),
]
PUBLISHED = {
    ("rpj", "rpj-open_lm_7b-1.0"): {"loss": "0.7320", "err_avg17": "0.0464", "err_avg46": "2.10"},
    ("rpj", "rpj-open_lm_1b-32.0"): {"loss": "0.7103", "err_avg17": "3.6365", "err_avg46": "3.44"},
    ("c4_original", "c4_original-open_lm_7b-1.0"): {"loss": "4.30", "err_avg17": "0.14"},
    ("c4_original", "c4_original-open_lm_1b-4.0"): {"loss": "1.50", "err_avg17": "9.58"},
}
"""Relative errors in percent, to the digits given."""


@pytest.fixture(scope="module")
def section() -> Scaling:
    return Scaling(**yaml.safe_load(SPEC.read_text(encoding="utf-8"))["scaling"])


@pytest.fixture(scope="module")
def points(section: Scaling) -> Points:
    (mapping,) = yaml.safe_load(SPEC.read_text(encoding="utf-8"))["measurements"]
    return points_of(read_wide(WideTable(**mapping), SPEC.parent, Where(SPEC)), section)


def of(points: Points, section: Scaling, field: str, group: str) -> Points:
    """The runs that a field of the spec names, of one data set."""
    groups = dict(zip(points.runs, points.groups, strict=True))
    names = matching(getattr(section, field), points.runs, field)
    return points.of_runs(name for name in names if groups[name] == group)


def inputs(points: Points) -> Inputs:
    return Inputs(points.params, points.tokens, points.compute, points.values["loss_c4_val"])


def relative_errors(points: Points, section: Scaling, group: str) -> dict[str, dict[str, float]]:
    """Run → metric → relative error in percent of the chain, on the runs held out."""
    fitted, scored, held_out = (of(points, section, field, group) for field in ("fit", "fit_scores", "hold_out"))
    assert (len(fitted.runs), len(scored.runs), len(held_out.runs)) == (5, 6, 2)
    law = fit(FORMS["overtraining"], inputs(fitted), fitted.values["loss_c4_val"], by=section.residuals)
    loss = law.form.predict(law.theta, inputs(held_out))
    predicted = {"loss": loss}
    actual = {"loss": held_out.values["loss_c4_val"]}
    for name in section.target_options:
        score = fit(FORMS["exponential"], inputs(scored), scored.values[name], by=section.residuals, rising=False)
        predicted[name] = score.form.predict(score.theta, Inputs(loss=loss), rising=False)
        actual[name] = held_out.values[name]
    return {
        run: {name: 100 * abs(predicted[name][i] / actual[name][i] - 1) for name in predicted}
        for i, run in enumerate(held_out.runs)
    }


@pytest.mark.parametrize("group", ["rpj", "c4_original"])
def test_the_published_errors_are_found_to_every_digit_given(points: Points, section: Scaling, group: str) -> None:
    found = relative_errors(points, section, group)
    for (data, run), figures in PUBLISHED.items():
        if data == group:
            shown = {name: f"{found[run][name]:.{len(text.split('.')[1])}f}" for name, text in figures.items()}
            assert shown == figures, run


def test_the_law_of_the_loss_has_the_coefficients_of_plain_least_squares(points: Points, section: Scaling) -> None:
    from scipy.optimize import curve_fit

    fitted = of(points, section, "fit", "rpj")
    n, m = fitted.params, fitted.tokens / fitted.params

    def published(x: tuple[object, object], a: float, beta: float, b: float, e: float) -> object:
        return e + a * n**b + beta * 6 ** (b / 2) * (m * n) ** b

    wanted, _ = curve_fit(
        published, (n, m), fitted.values["loss_c4_val"], p0=[1e2, 3e2, -0.3, 1.0], maxfev=10_000, ftol=1e-14, xtol=1e-14
    )
    law = fit(FORMS["overtraining"], inputs(fitted), fitted.values["loss_c4_val"], by="squares")
    a, beta, b, e = wanted
    assert law.converged
    assert law.parameters == pytest.approx({"E": e, "a": a, "beta": beta, "b": b}, rel=1e-4)


def test_robust_fits_extrapolate_about_as_well(points: Points, section: Scaling) -> None:
    errors = relative_errors(points, section.model_copy(update={"residuals": "huber"}), "rpj")
    assert errors["rpj-open_lm_7b-1.0"]["loss"] < 0.75
    assert errors["rpj-open_lm_1b-32.0"]["err_avg17"] < 3.7
