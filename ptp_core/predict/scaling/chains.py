"""Laws in one stage or two: loss from size and compute, score from the loss, and bands through both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from ptp_core.predict.scaling.emerged import Metric, emerged
from ptp_core.predict.scaling.laws.bands import Spread, bands, new_values, spread_of
from ptp_core.predict.scaling.laws.fit import By, TooFew, fit, refit
from ptp_core.predict.scaling.laws.forms import FORMS, Form, Inputs
from ptp_core.predict.scaling.points import Floats, Ints, Mask, Points
from ptp_core.predict.scaling.roles import FEWEST_RUNS

Read = Literal["checkpoints", "ends"]
"""What a law from loss to score is fitted on: checkpoints that have emerged, or the ends of all runs."""
MOST_CHECKPOINTS = 40
"""Of a run, evenly spaced; those between are all but the same points again."""


@dataclass(frozen=True)
class Stage:
    """One fitted law and how sure it is."""

    form: Form
    theta: Floats
    thetas: Floats
    """(B, p): refitted to resamples of the runs; (0, p) where none was asked for."""
    parameters: dict[str, float]
    spread: Spread
    metric: Metric
    n_runs: int
    n_points: int
    converged: bool
    largest_compute: float
    """FLOPs of the largest of these runs."""

    def predict(self, theta: Floats, inputs: Inputs) -> Floats:
        """Values in the metric's unit; theta (…, p) -> (…, n)."""
        return self._possible(self.form.predict(theta, inputs, ceiling=self.metric.top, rising=self.metric.rising))

    def draws(self, inputs: Inputs, rng: np.random.Generator) -> Floats:
        """What a new run may measure, (B, n)."""
        refitted = self.predict(self.thetas, inputs)
        centre = self.predict(self.theta, inputs)
        top, rising = self.metric.top, self.metric.rising
        return self._possible(new_values(self.form, centre, refitted, self.spread, rng, ceiling=top, rising=rising))

    def _possible(self, values: Floats) -> Floats:
        """A score is between what a guesser has and its ceiling, whatever a law without bounds says far away."""
        chance = self.metric.chance
        if self.metric.kind == "loss":
            return values
        low, high = (chance, None) if self.metric.rising else (None, chance)
        return np.clip(values, low or 0.0, self.metric.top if high is None else high)


@dataclass(frozen=True)
class Law:
    """A direct law (one stage), or a chain from size to loss to score (two)."""

    stages: tuple[Stage, ...]

    def predict(self, inputs: Inputs) -> Floats:
        """The prediction, (n,)."""
        value = self.stages[0].predict(self.stages[0].theta, inputs)
        for stage in self.stages[1:]:
            value = stage.predict(stage.theta, replace(inputs, loss=value))
        return value

    def draws(self, inputs: Inputs, rng: np.random.Generator) -> Floats:
        """What new runs may measure, (B, n): uncertain laws, and runs that lie off them, in every stage."""
        value = self.stages[0].draws(inputs, rng)
        for stage in self.stages[1:]:
            value = stage.draws(replace(inputs, loss=value), rng)
        return value

    def band(self, inputs: Inputs, seed: Sequence[int], confidence: float) -> Floats:
        """The central interval of what new runs may measure, (n, 2)."""
        return bands(self.draws(inputs, np.random.default_rng(seed)), confidence)

    @property
    def largest_compute(self) -> float:
        """FLOPs of the largest run that every stage has seen: beyond it the law extrapolates."""
        return min(stage.largest_compute for stage in self.stages)

    @property
    def parameters(self) -> dict[str, float]:
        """Name → value; those of the first of two stages begin with "loss."."""
        *first, last = self.stages
        return {f"loss.{name}": value for stage in first for name, value in stage.parameters.items()} | last.parameters

    @property
    def converged(self) -> bool:
        """Whether every stage is the end of more than one start."""
        return all(stage.converged for stage in self.stages)


@dataclass(frozen=True)
class Combined:
    """The mean of several laws of one score."""

    laws: tuple[Law, ...]

    def predict(self, inputs: Inputs) -> Floats:
        """The mean prediction, (n,)."""
        mean: Floats = np.mean([law.predict(inputs) for law in self.laws], axis=0)
        return mean

    def band(self, inputs: Inputs, seed: Sequence[int], confidence: float) -> Floats:
        """From the lowest end of the bands of the parts to the highest, (n, 2).

        Which of the laws is right is not known, and that they differ is part of the uncertainty: bands of the mean
        hold too seldom (.81 of what 95 % should, in simulated worlds of twelve runs).
        """
        each = np.stack([law.band(inputs, seed, confidence) for law in self.laws])
        return np.stack([each[:, :, 0].min(axis=0), each[:, :, 1].max(axis=0)], axis=1)

    @property
    def largest_compute(self) -> float:
        """FLOPs of the largest run that all laws have seen."""
        return min(law.largest_compute for law in self.laws)


@dataclass(frozen=True)
class Unfit:
    """Why there is no law."""

    status: Literal["too few runs", "not emerged"]
    words: str
    n_runs: int = 0
    n_points: int = 0


@dataclass(frozen=True)
class Fitted:
    """Runs that laws are fitted on, with their weights in the resamples."""

    points: Points
    ends: Points
    """One point a run, in the order of the runs."""
    for_losses: Mask
    """(runs,)"""
    for_scores: Mask
    weights: Floats
    """(B, runs)"""
    by: By
    emerged: float

    def of_runs(self, names: Sequence[str]) -> Fitted:
        """Some of the runs only, without resamples."""
        kept = np.isin(np.array(self.ends.runs), list(names))
        return replace(
            self,
            points=self.points.of_runs(names),
            ends=self.ends.of_runs(names),
            for_losses=self.for_losses[kept],
            for_scores=self.for_scores[kept],
            weights=np.empty((0, int(kept.sum()))),
        )


def loss_law(form: str, metric: Metric, runs: Fitted) -> Stage | Unfit:
    """The law of a loss, or a direct law of a score, fitted to the ends of the runs."""
    ends = runs.ends
    kept = runs.for_losses if metric.kind == "loss" else runs.for_scores
    inputs = (ends.params, ends.tokens, ends.compute)
    kept = kept & np.isfinite(ends.values[metric.name])
    return _stage(form, metric, Inputs(*(column[kept] for column in inputs)), ends, kept, runs, clustered=False)


def score_law(form: str, metric: Metric, read: Read, runs: Fitted) -> Stage | Unfit:
    """The law from loss to score, fitted to checkpoints that have emerged, or to the ends of all runs.

    The ends are taken whether they have emerged or not: a law with a plateau is told by them where the plateau is, and
    what is left out because it is low pulls the rest upwards.
    """
    source = runs.points if read == "checkpoints" else runs.ends
    if metric.loss is None:
        raise ValueError("a score without a loss has direct laws only")
    loss, score = source.values[metric.loss], source.values[metric.name]
    kept = runs.for_scores[source.run] & np.isfinite(loss) & np.isfinite(score)
    if read == "checkpoints":
        kept = thinned(source.run, kept & emerged(metric, score, runs.emerged))
    return _stage(form, metric, Inputs(loss=loss[kept]), source, kept, runs, clustered=read == "checkpoints")


def thinned(run: Ints, kept: Mask) -> Mask:
    """At most ``MOST_CHECKPOINTS`` of each run's points, evenly spaced, the last one among them."""
    result = np.zeros(len(run), dtype=bool)
    for i in np.unique(run[kept]):
        mine = np.flatnonzero(kept & (run == i))
        at = np.linspace(len(mine) - 1, 0, min(len(mine), MOST_CHECKPOINTS)).round().astype(np.int64)
        result[mine[at]] = True
    return result


def _stage(
    name: str, metric: Metric, inputs: Inputs, source: Points, kept: Mask, runs: Fitted, *, clustered: bool
) -> Stage | Unfit:
    form = FORMS[name]
    run, y = source.run[kept], source.values[metric.name][kept]
    n_runs, top, up = len(set(run.tolist())), metric.top, metric.rising
    try:
        if n_runs < FEWEST_RUNS:
            raise TooFew(f"{n_runs} runs; it takes {FEWEST_RUNS}")
        found = fit(form, inputs, y, by=runs.by, ceiling=top, rising=up)
    except TooFew as why:
        return Unfit("too few runs", f"{metric.name}, form {name}: {why}", n_runs, len(y))
    thetas = np.empty((0, len(found.theta)))
    if len(runs.weights):
        thetas = refit(form, inputs, y, runs.weights[:, run], found.theta, by=runs.by, ceiling=top, rising=up)
    spread = spread_of(form, found.theta, inputs, y, run if clustered else None, ceiling=top, rising=up)
    largest = float(runs.ends.compute[np.unique(run)].max())
    parts = (found.theta, thetas, found.parameters, spread, metric, n_runs, len(y), found.converged, largest)
    return Stage(form, *parts)
