"""Scores from domain losses: what a network is trained on, which of its starts count, and its spread over resamples."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ptp_core.predict.scaling.mixture.domain import Folds, quantiles
from ptp_core.predict.scaling.mixture.network import DECAY, Networks, train_networks
from ptp_core.predict.scaling.points import Floats, Ints

FEWEST = 6
"""Runs that a network is trained on at least."""
MOST_POINTS = 200
"""Checkpoints that a network is trained on at most; every run keeps as many, spread evenly, its last among them."""
KEPT, FOLD_STARTS, DRAW_STARTS, DRAWS = 0.1, 10, 2, 60
"""The share of the starts of least training error, whose mean is the prediction; starts for each fold and for each
resample, of which the best counts; resamples."""


@dataclass(frozen=True)
class Samples:
    """Checkpoints that scores are fitted on: one row a checkpoint whose domain losses are all known."""

    run: Ints
    """(n,) index into the fitted runs."""
    losses: Floats
    """(n, D)."""
    scores: dict[str, Floats]
    """(n,) each; NaN is not measured or not emerged."""


@dataclass(frozen=True)
class ScoreLaw:
    """Networks from the domain losses to one score, in the score's own unit."""

    centre: Floats
    """(D,) mean of each loss over the checkpoints that were fitted."""
    spread: Floats
    """(D,) their standard deviation."""
    low: float
    """Least score that was fitted; the networks answer in shares of the way to ``high``."""
    high: float
    bounds: tuple[float, float]
    """What a score can be."""
    kept: Networks
    """The prediction is their mean."""
    drawn: Networks
    """One a resample of the runs."""
    linear: Floats
    """(1 + D,) a linear regression under the same penalty, in the networks' units."""
    n_runs: int
    residuals: Floats
    """(LEVELS,) quantiles of measured minus predicted, over runs that the networks were not trained on."""

    def predict(self, losses: Floats) -> Floats:
        """(m,) scores at (m, D) losses."""
        return self._unit(self.kept.answer((losses - self.centre) / self.spread).mean(axis=0))

    def predict_linear(self, losses: Floats) -> Floats:
        """(m,) the same by the linear regression."""
        return self._unit(self.linear[0] + (losses - self.centre) / self.spread @ self.linear[1:])

    def draws(self, losses: Floats) -> Floats:
        """(B, m) scores at (B, m, D) losses, each resample of the losses by its own network."""
        return self._unit(self.drawn.answer((losses - self.centre) / self.spread))

    def _unit(self, answers: Floats) -> Floats:
        return np.asarray(np.clip(self.low + (self.high - self.low) * answers, *self.bounds))


def thinned(run: Ints, known: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Which of the known checkpoints are trained on: at most ``MOST_POINTS``, as many of every run."""
    rows = [np.flatnonzero((run == r) & known) for r in np.unique(run[known])]
    each = max(1, MOST_POINTS // max(1, len(rows)))
    picked = [r if len(r) <= each else r[np.round(np.linspace(len(r) - 1, 0, each)).astype(int)[::-1]] for r in rows]
    return np.concatenate([np.empty(0, np.int64), *picked]).astype(np.int64)


def fit_scores(
    samples: Samples,
    bounds: dict[str, tuple[float, float]],
    predicted: Floats,
    actual: dict[str, Floats],
    left_out: Folds,
    counts: Floats,
    restarts: int,
    seed: int,
) -> dict[str, ScoreLaw]:
    """Score → its law; a score known for too few of the runs, or always the same, has none.

    All networks of all scores are trained in one tensor: ``restarts`` on all runs, some on the runs of each fold, some
    on each resample. ``predicted`` are the (runs, D) losses that the first step gives the fitted runs at their ends
    and ``actual`` their scores there: what is left between them and the networks of the folds is the error of the
    whole chain. ``left_out`` is (K, runs), ``counts`` (B, runs) how often each resample holds each run.
    """
    fitted = [name for name in samples.scores if _is_fit(samples, name)]
    if not fitted:
        return {}
    centre, spread = _standard(samples.losses)
    inputs = (samples.losses - centre) / spread
    of_runs = _weights_of_runs(left_out, counts, restarts)
    known = {name: np.isfinite(samples.scores[name]) for name in fitted}
    ends = {name: (float(np.nanmin(samples.scores[name])), float(np.nanmax(samples.scores[name]))) for name in fitted}
    unit = {n: np.where(known[n], (samples.scores[n] - ends[n][0]) / (ends[n][1] - ends[n][0]), 0) for n in fitted}
    weights = {name: _of_points(of_runs, samples.run, known[name]) for name in fitted}
    targets = np.concatenate([np.broadcast_to(unit[name], weights[name].shape) for name in fitted])
    networks, errors = train_networks(inputs, targets, np.concatenate([weights[name] for name in fitted]), seed)
    laws, each = {}, len(of_runs)
    for i, name in enumerate(fitted):
        block = np.arange(i * each, (i + 1) * each)
        kept, by_fold, drawn = _choose(block, errors, restarts, len(left_out), len(counts))
        law = ScoreLaw(
            centre,
            spread,
            *ends[name],
            bounds[name],
            networks.at(kept),
            networks.at(drawn),
            _linear(inputs, unit[name], weights[name][0]),
            len(np.unique(samples.run[known[name]])),
            np.zeros(1),
        )
        laws[name] = _with_residuals(law, networks.at(by_fold), predicted, actual[name], left_out)
    return laws


def _is_fit(samples: Samples, name: str) -> bool:
    score = samples.scores[name]
    known = np.isfinite(score)
    return len(np.unique(samples.run[known])) >= FEWEST and float(np.ptp(score[known])) > 0


def _standard(losses: Floats) -> tuple[Floats, Floats]:
    spread = losses.std(axis=0)
    return losses.mean(axis=0), np.where(spread > 0, spread, 1)


def _weights_of_runs(left_out: Folds, counts: Floats, restarts: int) -> Floats:
    """(M, runs): all runs, then each fold's, then each resample's, as often as it is started."""
    whole = np.ones((restarts, left_out.shape[1]))
    return np.concatenate(
        [whole, np.repeat(~left_out, FOLD_STARTS, axis=0), np.repeat(counts, DRAW_STARTS, axis=0)]
    ).astype(np.float64)


def _of_points(of_runs: Floats, run: Ints, known: NDArray[np.bool_]) -> Floats:
    """(M, n) weights that add up to 1: a run counts the same however many checkpoints it has."""
    held = np.bincount(run[known], minlength=of_runs.shape[1])
    weights = np.where(known, of_runs[:, run] / np.maximum(held[run], 1), 0)
    total = weights.sum(axis=1, keepdims=True)
    # A resample or a fold may hold no run with this score: then it is that of all runs.
    return np.where(total > 0, weights / np.where(total > 0, total, 1), weights[0] / total[0])


def _choose(
    block: NDArray[np.int64], errors: Floats, restarts: int, n_folds: int, n_draws: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """The starts that count: of least training error, among all, of each fold, of each resample."""
    whole, folds, draws = np.split(block, [restarts, restarts + n_folds * FOLD_STARTS])
    best = whole[np.argsort(errors[whole], kind="stable")][: max(1, round(KEPT * restarts))]
    return best, _best_of(folds.reshape(n_folds, -1), errors), _best_of(draws.reshape(n_draws, -1), errors)


def _best_of(starts: NDArray[np.int64], errors: Floats) -> NDArray[np.int64]:
    best: NDArray[np.int64] = starts[np.arange(len(starts)), errors[starts].argmin(axis=1)]
    return best


def _linear(inputs: Floats, score: Floats, weights: Floats) -> Floats:
    """Least squares with the networks' penalty on all coefficients but the constant."""
    columns = np.column_stack([np.ones(len(inputs)), inputs])
    penalty = np.diag(np.r_[0.0, np.full(inputs.shape[1], DECAY)])
    weighted = columns * weights[:, None]
    return np.asarray(np.linalg.solve(columns.T @ weighted + penalty, weighted.T @ score))


def _with_residuals(law: ScoreLaw, by_fold: Networks, predicted: Floats, actual: Floats, left_out: Folds) -> ScoreLaw:
    answers = by_fold.answer((predicted - law.centre) / law.spread)
    away = actual - np.clip(law.low + (law.high - law.low) * answers, *law.bounds)
    chosen = away[left_out & np.isfinite(away)]
    return replace(law, residuals=quantiles(chosen)) if len(chosen) else law
