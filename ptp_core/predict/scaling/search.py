"""Saved laws, and the least compute at which one reaches a value."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ptp_core.predict.scaling.laws.bands import Spread, new_values
from ptp_core.predict.scaling.laws.forms import FORMS, Form, Inputs
from ptp_core.predict.scaling.points import Floats, Mask

Range = tuple[float, float]
MOST = 1e300
"""FLOPs that stand in for infinity where a size is asked for."""
SIZES, ZOOMS, STEPS, HALVINGS = 25, 5, 16, 44
"""Sizes tried at once; each zoom makes their distance a twelfth; steps of the compute at each size, and halvings of the
first step that reaches the value."""
STREAM = 89


@dataclass(frozen=True)
class SavedStage:
    """A fitted law, and how uncertain it is where resamples are asked for."""

    form: Form
    theta: Floats
    """(1, p), as it was fitted."""
    draws: Floats | None
    """(B, p), one a resample."""
    spread: Spread
    """Without the scatter of single runs: what is asked for is where the law lies."""
    stream: int
    """Which of the chain's stages it is: its t differs from that of the others."""

    def predict(self, inputs: Inputs, ceiling: float, rising: bool) -> Floats:
        """Predictions (1, n), or (B, n) by the resamples, as far from the fitted law as so few runs make it."""
        how: dict[str, Any] = {"ceiling": ceiling, "rising": rising}
        centre = self.form.predict(self.theta, inputs, **how)
        if self.draws is None:
            return centre
        refitted = self.form.predict(self.draws, inputs, **how)
        # The same stream at every call: a resample has one t, whatever sizes it is asked about.
        rng = np.random.default_rng([STREAM, self.stream])
        with np.errstate(over="ignore", invalid="ignore"):  # one degree of freedom may send a law anywhere
            return new_values(self.form, centre, refitted, self.spread, rng, **how)


@dataclass(frozen=True)
class Chain:
    """One stage, or a loss and the score that is read off it."""

    stages: tuple[SavedStage, ...]
    ceiling: float
    rising: bool

    def predict(self, inputs: Inputs) -> Floats:
        """Predictions (B, n) for inputs (n,) or (B, n)."""
        for stage in self.stages:
            inputs = replace(inputs, loss=stage.predict(inputs, self.ceiling, self.rising))
        # What the last stage gives is a score where there are two of them.
        return inputs.losses


@dataclass(frozen=True)
class SavedLaw:
    """A law of scaling_laws.json, or the mean of the predictions of several."""

    chains: tuple[Chain, ...]
    rising: bool
    """Higher is better."""
    largest_compute: float
    per_param_token: float
    """FLOPs per parameter and token, as the study counts them."""

    @property
    def rows(self) -> int:
        """B: 1, or the number of resamples."""
        draws = self.chains[0].stages[0].draws
        return 1 if draws is None else len(draws)

    @property
    def knows_size(self) -> bool:
        """Whether parameters and tokens matter beyond their product."""
        needs = {need for chain in self.chains for stage in chain.stages for need in stage.form.needs}
        return bool(needs & {"params", "tokens"})

    def predict(self, params: Floats, tokens: Floats) -> Floats:
        """Predictions (B, n) for parameters and tokens, (n,) or (B, n)."""
        inputs = Inputs(params, tokens, self.per_param_token * params * tokens)
        mean: Floats = np.mean([chain.predict(inputs) for chain in self.chains], axis=0)
        return mean

    def attained(self, predicted: Floats, value: float) -> Mask:
        """Whether predictions are at least as good as the value."""
        return np.asarray(predicted >= value if self.rising else predicted <= value)


def saved_law(entries: Sequence[Mapping[str, Any]], *, resampled: bool = False) -> SavedLaw:
    """The law of one metric and form as scaling_laws.json holds it, or of several forms; ``resampled``: of resamples.

    The k-th draws of all stages and forms are of the same resample.
    """
    return SavedLaw(
        chains=tuple(_chain(entry, resampled) for entry in entries),
        rising=bool(entries[0]["higher_is_better"]),
        largest_compute=min(float(entry["largest_compute"]) for entry in entries),
        per_param_token=float(entries[0]["flops_per_param_token"]),
    )


def _chain(entry: Mapping[str, Any], resampled: bool) -> Chain:
    return Chain(
        stages=tuple(_stage(stage, i, resampled) for i, stage in enumerate(entry["stages"])),
        ceiling=1.0 if entry["ceiling"] is None else float(entry["ceiling"]),
        rising=bool(entry["higher_is_better"]),
    )


def _stage(stage: Mapping[str, Any], i: int, resampled: bool) -> SavedStage:
    theta = np.array(stage["theta"], dtype=np.float64)
    return SavedStage(
        form=FORMS[stage["form"]],
        theta=theta[None],
        draws=np.array(stage["draws"], dtype=np.float64).reshape(-1, len(theta)) if resampled else None,
        spread=Spread(0.0, float(stage["inflation"]), int(stage["degrees"])),
        stream=i,
    )


@dataclass(frozen=True)
class Paths:
    """Ways to spend ever more compute, (n,) or (B, n): at a fixed size, or at fixed tokens per parameter."""

    log_compute: tuple[Floats, Floats]
    """Where each begins and ends, of ln FLOPs."""
    log_params: Floats
    """At the beginning."""
    per_param_token: float
    """FLOPs."""
    share: float
    """How much of a tenfold compute goes into size: 0, or 1/2 where tokens grow as parameters do."""

    @staticmethod
    def of_sizes(law: SavedLaw, params: Floats, ratios: Range) -> Paths:
        """More tokens per parameter at each of the sizes (n,)."""
        low, high = (np.log(law.per_param_token * ratio * params**2) for ratio in ratios)
        return Paths((low, high), np.log(params), law.per_param_token, 0.0)

    @staticmethod
    def of_ratio(law: SavedLaw, ratio: float, sizes: Range, ratios: Range) -> Paths:
        """Compute from the least to the most of the ranges, with so many tokens per parameter."""
        each = law.per_param_token
        low, high = (math.log(each * r * n**2) for n, r in zip(sizes, ratios, strict=True))
        at = (low - math.log(each * ratio)) / 2
        return Paths((np.array([low]), np.array([high])), np.array([at]), each, 0.5)

    def at(self, log_compute: Floats) -> tuple[Floats, Floats]:
        """Parameters and tokens after so much compute, ln FLOPs (B, n)."""
        params = np.exp(self.log_params + self.share * (log_compute - self.log_compute[0]))
        return params, np.exp(log_compute) / (self.per_param_token * params)

    def least(self, law: SavedLaw, value: float) -> Floats:
        """Least FLOPs of each path that reach the value, (B, n), ∞ where none do.

        Laws of resamples that are widened need not be monotone: what counts is the first of several steps that
        reaches the value; halving goes on within it.
        """

        def enough(log_compute: Floats) -> Mask:
            return law.attained(law.predict(*self.at(log_compute)), value)

        shape = (law.rows, self.log_params.shape[-1])
        start, end = (np.broadcast_to(limit, shape) for limit in self.log_compute)
        low, high, reached = start, start, enough(start)
        at_once = reached
        for k in range(1, STEPS + 1):
            at = start + k / STEPS * (end - start)
            low, high = np.where(reached, low, high), np.where(reached, high, at)
            reached = reached | enough(at)
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            within = enough(middle)
            low, high = np.where(within, low, middle), np.where(within, middle, high)
        compute: Floats = np.where(at_once, np.exp(start), np.where(reached, np.exp(high), np.inf))
        return compute


@dataclass(frozen=True)
class Answer:
    """The cheapest run by each of B laws, arrays (B,); the compute is ∞ where no run reaches the value."""

    params: Floats
    tokens: Floats
    compute: Floats


def least_compute(law: SavedLaw, value: float, sizes: Range, ratios: Range) -> Answer:
    """The cheapest run with parameters and tokens per parameter within the ranges.

    At each size the compute is halved towards the least that reaches the value; over sizes a grid is narrowed around
    the cheapest one. A law of compute alone gets the middle tokens per parameter.
    """
    if not law.knows_size:
        path = Paths.of_ratio(law, math.sqrt(ratios[0] * ratios[1]), sizes, ratios)
        compute = path.least(law, value)
        params, tokens = path.at(np.log(np.minimum(compute, MOST)))
        return Answer(params[:, 0], tokens[:, 0], compute[:, 0])
    ends = math.log(sizes[0]), math.log(sizes[1])
    low, high = (np.full(law.rows, end) for end in ends)
    for _ in range(ZOOMS):
        grid = np.linspace(low, high, SIZES, axis=-1)  # (B, sizes)
        compute = Paths.of_sizes(law, np.exp(grid), ratios).least(law, value)
        rows, best = np.arange(len(grid)), np.argmin(compute, axis=1)
        params, spent = np.exp(grid[rows, best]), compute[rows, best]
        answer = Answer(params, spent / (law.per_param_token * params), spent)
        step, middle = (high - low) / (SIZES - 1), grid[rows, best]
        low, high = np.maximum(ends[0], middle - step), np.minimum(ends[1], middle + step)
    return answer
