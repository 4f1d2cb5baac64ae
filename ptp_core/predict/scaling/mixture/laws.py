"""The fitted laws of a study's mixture together: what they predict at any mixture and compute, and how sure it is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ptp_core.predict.scaling.mixture.domain import DomainLaw
from ptp_core.predict.scaling.mixture.score import ScoreLaw
from ptp_core.predict.scaling.points import Floats

MEAN = "mean of the losses"
"""The target that weighs all domain losses alike."""


@dataclass(frozen=True)
class Laws:
    """Everything that predictions of mixtures need."""

    sources: tuple[str, ...]
    losses: dict[str, DomainLaw]
    scores: dict[str, ScoreLaw]
    mean_residuals: Floats
    """(LEVELS,) quantiles of log(measured / fitted) of the mean of the losses."""
    reference: float
    """C0, FLOPs."""
    computes: tuple[float, float]
    """Least and most FLOPs of the fitted runs."""
    scaled: bool
    """Whether the fitted runs differ in compute; otherwise the laws do not know what compute does."""
    higher_is_better: dict[str, bool]
    confidence: float
    runs: tuple[str, ...]
    """The fitted runs."""
    shares: Floats
    """(runs, sources), theirs."""

    @property
    def targets(self) -> tuple[str, ...]:
        """What can be predicted and searched for."""
        return (*self.losses, *((MEAN,) if len(self.losses) > 1 else ()), *self.scores)

    def rises(self, target: str) -> bool:
        """Whether more of it is better."""
        return target in self.scores and self.higher_is_better[target]

    def size(self, compute: float | Floats, n: int) -> Floats:
        """(n,) log(C/C0), or 0 where the laws do not know what compute does."""
        return np.broadcast_to(np.log(np.asarray(compute) / self.reference), (n,)) if self.scaled else np.zeros(n)


def predicted_losses(laws: Laws, shares: Floats, compute: float | Floats) -> Floats:
    """(m, D) losses at (m, sources) mixtures and one compute or (m,)."""
    size = laws.size(compute, len(shares))
    return np.exp(np.column_stack([law.log_loss(shares, size) for law in laws.losses.values()]))


def predict(laws: Laws, target: str, shares: Floats, compute: float | Floats) -> Floats:
    """(m,) values of a loss, of the mean of the losses, or of a score."""
    if target in laws.losses:
        return np.exp(laws.losses[target].log_loss(shares, laws.size(compute, len(shares))))
    losses = predicted_losses(laws, shares, compute)
    return np.asarray(losses.mean(axis=1)) if target == MEAN else laws.scores[target].predict(losses)


def band(laws: Laws, target: str, shares: Floats, compute: float | Floats) -> Floats:
    """(m, 2) within which a new run of each mixture is to fall with the laws' confidence.

    The laws refitted on resamples of the runs, each with every quantile of the residuals added.
    """
    size = laws.size(compute, len(shares))
    chosen = [target] if target in laws.losses else list(laws.losses)
    draws = np.stack([laws.losses[name].log_loss_draws(shares, size) for name in chosen], axis=-1)
    if target in laws.scores:
        score = laws.scores[target]
        some = score.draws(np.exp(draws[: len(score.drawn.outer)]))
        spread = np.clip(some[:, None] + score.residuals[:, None], *score.bounds)
    else:
        residuals = laws.losses[target].residuals if target in laws.losses else laws.mean_residuals
        spread = np.exp(draws).mean(axis=-1)[:, None] * np.exp(residuals)[:, None]
    tail = 50 * (1 - laws.confidence)
    return np.asarray(np.percentile(spread.reshape(-1, len(shares)), [tail, 100 - tail], axis=0).T)
