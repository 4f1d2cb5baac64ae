"""The points of a study made into laws of its mixture; what a study must have for that."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from ptp_core.errors import UserError
from ptp_core.predict.parallel import side_by_side
from ptp_core.predict.scaling.emerged import Metric, emerged, metrics_of
from ptp_core.predict.scaling.mixture.domain import DomainLaw, Folds, Runs, eligible, fit_domain, folds_of, quantiles
from ptp_core.predict.scaling.mixture.laws import Laws
from ptp_core.predict.scaling.mixture.score import DRAWS, Samples, ScoreLaw, fit_scores, thinned
from ptp_core.predict.scaling.points import Floats, Points, matching
from ptp_core.predict.wording import listed
from ptp_core.spec.scaling import MixtureLaw, Scaling

RESAMPLES = 100
"""Resamples of the runs behind a band, at most: the band of a law of fifty parameters costs a minute of these."""
RESAMPLE_STREAM = 72
BEYOND_SOURCES = 3
"""So many more runs than sources are needed: FLP-M has a parameter a source and two more."""
SAME_COMPUTE = 1.05


def domain_names(points: Points, spec: Scaling, law: MixtureLaw) -> tuple[str, ...]:
    """The domain losses: those of the mixture's section, or else all."""
    patterns, where = (law.losses, "scaling.mixture.losses") if law.losses else (spec.losses, "scaling.losses")
    return matching(patterns, points.values, where)


def score_metrics(points: Points, spec: Scaling, domains: Collection[str]) -> dict[str, Metric]:
    """Score → what the other laws know of it too; domain losses are none."""
    return {m.name: m for m in metrics_of(points, spec) if m.kind == "score" and m.name not in domains}


def runs_of(ends: Points, reference: float, scaled: bool) -> Runs:
    """One row a run of ``ends``; ``reference`` is C0 in FLOPs."""
    size = np.log(ends.compute / reference) if scaled else np.zeros(len(ends.runs))
    return Runs(ends.shares, size, scaled)


def fit_laws(fitted: Points, spec: Scaling, law: MixtureLaw, mixtures: Floats) -> Laws:
    """All laws of the mixture, from the runs in ``fitted`` with all their checkpoints.

    ``mixtures`` are all that are to be predicted: a form that is not defined for one of them is not tried. Raises
    UserError for too few runs, a source that no run has, one mixture only, a loss that too few runs have.
    """
    domains = domain_names(fitted, spec, law)
    ends = fitted.ends(spec.last)
    refuse_unfit(ends, tuple(law.columns), domains)
    computes = float(ends.compute.min()), float(ends.compute.max())
    scaled = computes[1] > SAME_COMPUTE * computes[0]
    reference = float(np.exp(np.log(ends.compute).mean()))
    runs = runs_of(ends, reference, scaled)
    n = len(ends.runs)
    rng = np.random.default_rng([spec.seed, RESAMPLE_STREAM])
    counts = rng.multinomial(n, np.full(n, 1 / n), size=min(spec.bootstraps, RESAMPLES)).astype(np.float64)
    folds = folds_of(n, ends.params, spec.seed, n_needed(ends))
    forms = eligible(np.concatenate([ends.shares, mixtures]))

    def fit(name: str) -> tuple[DomainLaw, Floats]:
        loss = ends.values[name]
        known = np.isfinite(loss)
        some = Runs(runs.shares[known], runs.size[known], scaled)
        fold, weight = folds[0][:, known], folds[1]
        used = fold.any(axis=1)
        folds_known = (fold[used], weight[used] / weight[used].sum())
        found, residual = fit_domain(some, loss[known], folds_known, counts[:, known], spec.seed, forms)
        left_out = np.full(n, np.nan)
        left_out[known] = residual
        return found, left_out

    found = side_by_side(fit, domains)
    losses = {name: domain_law for name, (domain_law, _) in zip(domains, found, strict=True)}
    fits = np.column_stack([np.exp(one.log_loss(runs.shares, runs.size)) for one in losses.values()])
    return Laws(
        sources=tuple(law.columns),
        losses=losses,
        scores=_scores(fitted, ends, spec, law, fits, folds[0], counts),
        mean_residuals=_mean_residuals([ends.values[name] for name in domains], [residual for _, residual in found]),
        reference=reference,
        computes=computes,
        scaled=scaled,
        higher_is_better=fitted.higher_is_better,
        confidence=spec.confidence,
        runs=ends.runs,
        shares=ends.shares,
    )


def n_needed(ends: Points) -> int:
    """Runs that a law of the mixture needs at least."""
    return int(ends.shares.shape[1]) + BEYOND_SOURCES


def refuse_unfit(ends: Points, sources: tuple[str, ...], domains: tuple[str, ...]) -> None:
    """Raises UserError where the fitted runs cannot tell what a source does."""
    where, n = "scaling.mixture", len(ends.runs)
    if len(sources) < 2:
        fix = "give every source of the mixture, or take `mixture` out"
        raise UserError("one source is no mixture", subject=f"{where}.sources", expected="at least 2", fix=fix)
    empty = [name for name, share in zip(sources, ends.shares.T, strict=True) if not (share > 0).any()]
    if empty:
        what = f"no fitted run has any of {listed(empty)}, so nothing can be said of it"
        raise UserError(what, subject=f"{where}.sources", fix="leave it out, or fit a run that has some")
    if n < n_needed(ends):
        fix = "fit more runs (`scaling.mixture.fit`), or join sources"
        what, expected = (
            "too few runs to fit a law of the mixture",
            f"at least {n_needed(ends)} for {len(sources)} sources",
        )
        raise UserError(what, subject=where, expected=expected, got=n, fix=fix)
    if float(np.ptp(ends.shares, axis=0).max()) < 1e-6:
        fix = "fit runs of several mixtures, or take `mixture` out"
        raise UserError("all fitted runs have the same mixture", subject=where, got=f"{n} runs", fix=fix)
    for name in domains:
        known = int(np.isfinite(ends.values[name]).sum())
        if known < n_needed(ends):
            expected = f"at least {n_needed(ends)} for {len(sources)} sources"
            fix = "leave the loss out (`scaling.mixture.losses`), or measure it for more runs"
            raise UserError("too few fitted runs have this loss", subject=name, expected=expected, got=known, fix=fix)


def _scores(
    fitted: Points, ends: Points, spec: Scaling, law: MixtureLaw, fits: Floats, left_out: Folds, counts: Floats
) -> dict[str, ScoreLaw]:
    domains = domain_names(fitted, spec, law)
    metrics = score_metrics(fitted, spec, domains)
    losses = np.column_stack([fitted.values[name] for name in domains])
    bounds = {name: (-np.inf, m.top) if m.rising else (0.0, np.inf) for name, m in metrics.items()}
    columns = {name: fitted.values[name] for name in metrics}
    scores = {n: np.where(emerged(metrics[n], column, spec.emerged), column, np.nan) for n, column in columns.items()}
    above = np.isfinite(np.array([*scores.values()])).any(axis=0) if scores else np.zeros(len(losses), dtype=bool)
    known = np.isfinite(losses).all(axis=1) & above
    picked = thinned(fitted.run, known)
    samples = Samples(fitted.run[picked], losses[picked], {name: s[picked] for name, s in scores.items()})
    actual = {name: ends.values[name] for name in metrics}
    return fit_scores(samples, bounds, fits, actual, left_out, counts[:DRAWS], law.restarts, spec.seed)


def _mean_residuals(losses: list[Floats], residuals: list[Floats]) -> Floats:
    """Quantiles of log(measured / predicted) of the mean over domains, from the left-out (runs,) residuals of each."""
    measured = np.stack(losses)
    away = np.log(measured.mean(axis=0) / (measured * np.exp(-np.stack(residuals))).mean(axis=0))
    known = np.isfinite(away)
    return quantiles(away[known]) if known.any() else np.zeros(1)
