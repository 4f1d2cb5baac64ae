"""Which variant to fine-tune next, when some are not fine-tuned yet but their indicators are known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ptp_core.predict.case import Case
from ptp_core.predict.decide.copula import normal_scores
from ptp_core.predict.quantities import Floats, Measured
from ptp_core.spec.select import Select

FEWEST_KNOWN = 6
"""Fine-tuned variants below which a residual says too little."""

PENALTIES = (0.1, 1.0, 10.0, 100.0)
"""Ridge penalties tried, columns having unit variance."""

DRAWS = 4000

STREAM = 32


@dataclass(frozen=True)
class Fit:
    """A linear fit of the outcome: prediction error² = scale²·(1 + 1/n + x'Vx), t with ``freedom`` degrees."""

    center: Floats
    level: float
    slopes: Floats
    inverse: Floats
    scale: float
    freedom: float
    press: float
    """Mean squared error when each variant is left out of the fit that predicts it."""
    n: int


def next_runs(
    case: Case, indicators: tuple[str, ...], leading: str | None, data: Measured, select: Select
) -> dict[str, Any] | None:
    """The variants of ``data`` without this outcome, the one of highest expected gain first.

    Fitted on the fine-tuned variants: the outcome as a line in the normal scores (over known and unknown variants) of
    the ``leading`` indicator, or as a ridge on all ``indicators`` that no variant in question lacks, whichever predicts
    left-out variants better. The sign of a slope is fitted: an indicator that points the wrong way is of use here.
    ``p_best``: probability that a variant's outcome is the best of all, measured ones included, from joint draws of the
    noise (χ²), the line and the residuals (normal; Gelman et al. 2013, ch. 14). ``expected_gain``: expected improvement
    over the best measured outcome (Jones et al. 1998, for Student's t), in the outcome's unit. What a measured variant
    has counts as it is, without the noise of its seeds. None when all have the outcome, when fewer than
    ``FEWEST_KNOWN`` are known, and without an indicator that tells variants apart.
    """
    found = _columns(case, indicators, leading, data)
    if found is None:
        return None
    names, known, unknown, outcome = found
    fits = [(fit, new) for fit, new in _fits(known, unknown, outcome) if np.isfinite(fit.press)]
    if not fits:
        return None
    fit, new = min(fits, key=lambda pair: pair[0].press)
    best = float(case.goodness.max())
    shares, p_known = _chances(fit, new, best, select.seed)
    gains = expected_gains(fit, new, best)
    order = sorted(range(len(names)), key=lambda i: (-gains[i], -shares[i], i))
    return {
        "known": len(case.variants),
        "unknown": len(names),
        "p_best_known": p_known,
        "variants": [
            {"variant": names[i], "p_best": float(shares[i]), "expected_gain": float(gains[i])} for i in order
        ],
    }


def _columns(
    case: Case, indicators: tuple[str, ...], leading: str | None, data: Measured
) -> tuple[list[str], Floats, Floats, Floats] | None:
    """Names of the m candidates, normal scores (known, K) and (m, K), the leading indicator first, outcomes (known,).

    Known are here the variants that have both the outcome and the leading indicator.
    """
    if leading is None:
        return None
    position = {name: i for i, name in enumerate(data.variants)}
    has = np.isfinite(data.indicators[leading].values)
    fitted = np.isfinite(case.indicators[leading].values)
    known = np.array([position[name] for name, use in zip(case.variants, fitted, strict=True) if use], dtype=np.intp)
    unknown = np.flatnonzero(np.isnan(data.outcomes[case.name].values) & has)
    if not len(unknown) or len(known) < FEWEST_KNOWN:
        return None
    all_of = np.concatenate([known, unknown])
    columns = [
        normal_scores(data.indicators[name].goodness[all_of])
        for name in (leading, *(name for name in indicators if name != leading))
        if np.isfinite(data.indicators[name].values[all_of]).all()
    ]
    stacked = np.column_stack(columns)
    names = [data.variants[i] for i in unknown]
    return names, stacked[: len(known)], stacked[len(known) :], case.goodness[fitted]


def _fits(known: Floats, unknown: Floats, outcome: Floats) -> list[tuple[Fit, Floats]]:
    """The line in the first column, and ridges in all of them, each with its columns of the candidates."""
    varied = np.ptp(known, axis=0) > 0
    fits = [(fit_line(known[:, :1], outcome, 0.0), unknown[:, :1])] if varied[0] else []
    if varied.sum() > 1:
        fits += [(fit_line(known[:, varied], outcome, penalty), unknown[:, varied]) for penalty in PENALTIES]
    return fits


def fit_line(columns: Floats, outcome: Floats, penalty: float) -> Fit:
    """Ridge regression of ``outcome`` (n,) on ``columns`` (n, K), the level unpenalised; penalty 0 is least squares.

    ``freedom`` is n less the trace of the hat matrix; ``press`` by the leave-one-out identity of linear smoothers.
    """
    center, level = columns.mean(axis=0), float(outcome.mean())
    x, y, n = columns - center, outcome - outcome.mean(), len(outcome)
    inverse = np.linalg.inv(x.T @ x + penalty * np.eye(x.shape[1]))
    slopes = inverse @ x.T @ y
    residual, leverage = y - x @ slopes, np.einsum("ij,jk,ik->i", x, inverse, x) + 1 / n
    freedom = n - float(leverage.sum())
    with np.errstate(divide="ignore", invalid="ignore"):
        press = float(((residual / (1 - leverage)) ** 2).mean())
    scale = float(np.sqrt((residual**2).sum() / freedom))
    return Fit(center, level, slopes, inverse, scale, freedom, press, n)


def _predicted(fit: Fit, columns: Floats) -> tuple[Floats, Floats]:
    """Mean and scale of each candidate's outcome, (m,)."""
    x = columns - fit.center
    spread = fit.scale * np.sqrt(1 + 1 / fit.n + np.einsum("ij,jk,ik->i", x, fit.inverse, x))
    return fit.level + x @ fit.slopes, spread


def expected_gains(fit: Fit, columns: Floats, best: float) -> Floats:
    """(m,): E max(outcome - best, 0) of each candidate under its t distribution."""
    from scipy.stats import t as student

    mean, scale = _predicted(fit, columns)
    if fit.scale == 0:
        return np.maximum(mean - best, 0.0)
    nu, z = fit.freedom, (mean - best) / scale
    gains: Floats = scale * (z * student.cdf(z, nu) + (nu + z**2) / (nu - 1) * student.pdf(z, nu))
    return np.maximum(gains, 0.0)


def _chances(fit: Fit, columns: Floats, best: float, seed: int) -> tuple[Floats, float]:
    """(m,) and the rest: probability that each candidate is best of all, and that a measured variant stays best."""
    rng = np.random.default_rng([seed, STREAM])
    x = columns - fit.center
    scale = fit.scale * np.sqrt(fit.freedom / rng.chisquare(fit.freedom, size=(DRAWS, 1)))
    root = np.linalg.cholesky(fit.inverse)
    lines = rng.standard_normal((DRAWS, x.shape[1])) @ (root.T @ x.T)
    levels = rng.standard_normal((DRAWS, 1)) / np.sqrt(fit.n)
    draws = fit.level + x @ fit.slopes + scale * (lines + levels + rng.standard_normal((DRAWS, len(x))))
    first, top = draws.argmax(axis=1), draws.max(axis=1)
    shares = np.bincount(first[top > best], minlength=len(x)) / DRAWS
    return shares, float((top <= best).mean())
