"""One domain's loss: which form, how strongly held back, its parameters, and their spread over resampled runs."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from ptp_core.predict.scaling.mixture.descent import HUBER, descend, robust_spread
from ptp_core.predict.scaling.mixture.forms import FORMS, Form, Layout, log_losses, log_losses_alone, start
from ptp_core.predict.scaling.points import Floats

PENALTIES = (1e-4, 1e-3, 1e-2, 1e-1)
"""Inner cross-validation chooses among these; errors of a log loss are some hundredths, parameters some tenths."""
FOLDS, STARTS = 5, 4
START_STREAM, FOLD_STREAM = 70, 71
LEVELS = 79
"""Quantiles that stand for the distribution of residuals."""
Folds = NDArray[np.bool_]


@dataclass(frozen=True)
class Runs:
    """What a law is fitted on: one row a run."""

    shares: Floats
    """(n, sources)."""
    size: Floats
    """(n,) log(C/C0)."""
    scaled: bool
    """Whether the runs differ in compute."""


@dataclass(frozen=True)
class Choice:
    """A form, its penalty, and the error that they were chosen by."""

    form: str
    penalty: float
    error: float
    left_out: Floats
    """(n,) log(measured / predicted) of each run by the random fold that left it out."""


@dataclass(frozen=True)
class DomainLaw:
    """A fitted law of one loss."""

    choice: Choice
    errors: dict[str, float]
    """Form → its inner error at its best penalty."""
    layout: Layout
    theta: Floats
    """(p,)."""
    draws: Floats
    """(B, p), one a resample of the runs."""
    residuals: Floats
    """(LEVELS,) quantiles of log(measured / predicted), over runs that a random fold left out."""

    def log_loss(self, shares: Floats, size: Floats) -> Floats:
        """(m,) predicted log losses."""
        return np.asarray(log_losses_alone(self.layout, self.theta[None], shares, size)[0])

    def log_loss_draws(self, shares: Floats, size: Floats) -> Floats:
        """(B, m) the same under every resample."""
        return log_losses_alone(self.layout, self.draws, shares, size)


def folds_of(n: int, sizes: Floats, seed: int, fewest: int) -> tuple[Folds, Floats]:
    """(K, n) which runs a fold leaves out, and (K,) how much each fold's error counts.

    Five random folds, half of the weight; where the runs have at least three sizes and ``fewest`` are left without
    the largest, a fold of all runs of the largest size has the other half: what counts is the way up.
    """
    order = np.random.default_rng([seed, FOLD_STREAM]).permutation(n)
    fold = np.empty(n, dtype=np.int64)
    fold[order] = np.arange(n) % min(FOLDS, n)
    left_out = fold == np.arange(fold.max() + 1)[:, None]
    largest = sizes == sizes.max()
    if len(np.unique(sizes)) >= 3 and (~largest).sum() >= fewest:
        counts = np.r_[np.full(len(left_out), 0.5 / len(left_out)), 0.5]
        return np.concatenate([left_out, largest[None]]), counts
    return left_out, np.full(len(left_out), 1 / len(left_out))


def eligible(shares: Floats) -> tuple[Form, ...]:
    """The forms that are defined for these mixtures: the published one needs every share to be above 0."""
    return tuple(form for form in FORMS.values() if not form.powers or bool((shares > 0).all()))


def fit_domain(
    runs: Runs, loss: Floats, folds: tuple[Folds, Floats], counts: Floats, seed: int, forms: tuple[Form, ...]
) -> tuple[DomainLaw, Floats]:
    """The form and penalty of least inner error, fitted on all runs, and refitted on resamples; its left-out residuals.

    ``loss`` is (n,) > 0 and ``counts`` (B, n) how often each resample holds each run. Inner error: mean absolute log
    residual of the runs that a fold leaves out, folds weighted as ``folds_of`` says. Losses are fitted in logarithms.
    """
    y = np.log(loss)
    tried = [_cross_validate(form, runs, y, folds) for form in forms]
    best = min(tried, key=lambda choice: choice.error)
    layout = Layout(FORMS[best.form], runs.shares.shape[1], runs.scaled)
    curve = partial(log_losses, layout, shares=runs.shares, size=runs.size)
    centre, pull = start(layout, y)
    penalty = best.penalty * pull
    bend = _bend(layout, runs, y, best.penalty)
    rng = np.random.default_rng([seed, START_STREAM])
    starts = centre + np.r_[np.zeros((1, len(centre))), rng.normal(scale=0.5, size=(STARTS - 1, len(centre)))]
    one = np.ones((1, len(y)))
    thetas, objectives = descend(
        curve, y, one.repeat(STARTS, axis=0), starts, centre, penalty[None].repeat(STARTS, axis=0), bend
    )
    theta = thetas[int(objectives.argmin())]
    n_draws = len(counts)
    draws, _ = descend(curve, y, counts, theta[None].repeat(n_draws, 0), centre, penalty[None].repeat(n_draws, 0), bend)
    errors = {choice.form: choice.error for choice in tried}
    return DomainLaw(best, errors, layout, theta, draws, quantiles(best.left_out)), best.left_out


def quantiles(residuals: Floats) -> Floats:
    """(LEVELS,) quantiles that stand for the distribution of the next residual.

    Those of the residuals or of Student's t of their size, whichever lies further out: the largest of a few residuals
    is seldom as large as the next may be.
    """
    from scipy.special import stdtrit

    levels, n = (np.arange(LEVELS) + 0.5) / LEVELS, len(residuals)
    seen = np.quantile(residuals, levels)
    expected = stdtrit(max(n - 1, 1), levels) * np.sqrt(np.mean(residuals**2))
    return np.where(np.abs(seen) > np.abs(expected), seen, expected)


def _bend(layout: Layout, runs: Runs, y: Floats, penalty: float) -> float:
    """Where residuals begin to count linearly: by their own spread in a fit of squares."""
    curve = partial(log_losses, layout, shares=runs.shares, size=runs.size)
    centre, pull = start(layout, y)
    theta, _ = descend(curve, y, np.ones((1, len(y))), centre[None], centre, penalty * pull[None])
    return max(HUBER * robust_spread(curve(theta)[0][0] - y), 1e-6)


def _cross_validate(form: Form, runs: Runs, y: Floats, folds: tuple[Folds, Floats]) -> Choice:
    """The penalty of least inner error; all folds and penalties are fitted side by side."""
    layout = Layout(form, runs.shares.shape[1], runs.scaled)
    curve = partial(log_losses, layout, shares=runs.shares, size=runs.size)
    centre, pull = start(layout, y)
    left_out, weight = folds
    n_folds = len(left_out)
    weights = np.tile((~left_out).astype(np.float64), (len(PENALTIES), 1))
    penalty = np.repeat(np.array(PENALTIES), n_folds)[:, None] * pull
    bend = _bend(layout, runs, y, PENALTIES[1])
    theta, _ = descend(curve, y, weights, centre[None].repeat(len(weights), axis=0), centre, penalty, bend)
    predicted = curve(theta)[0].reshape(len(PENALTIES), n_folds, -1)
    by_fold = (np.abs(predicted - y) * left_out).sum(axis=2) / left_out.sum(axis=1)
    errors = by_fold @ weight
    best = int(errors.argmin())
    fold = left_out.argmax(axis=0)  # the random folds come first, and each run is in one of them
    residual = y - predicted[best, fold, np.arange(len(y))]
    return Choice(form.name, PENALTIES[best], float(errors[best]), residual)
