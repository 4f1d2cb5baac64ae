"""Whether a score has emerged: above what a guesser scores by more than a share of the ceiling."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ptp_core.errors import UserError
from ptp_core.predict.scaling.points import Floats, Mask, Points, matching
from ptp_core.predict.wording import count, number
from ptp_core.spec.scaling import Scaling

FEWEST_POINTS, FEWEST_RUNS = 3, 2
"""A law through less is a line through noise, or through one run's own course."""


@dataclass(frozen=True)
class Metric:
    """A loss or a score that laws are fitted to."""

    name: str
    kind: str
    """"loss" or "score"."""
    rising: bool
    """Higher is better."""
    loss: str | None = None
    """The loss that a score is read off."""
    chance: float | None = None
    ceiling: float | None = None
    """The best score there is; None for losses."""

    @property
    def top(self) -> float:
        """The ceiling that laws are scaled by; those of a loss do not read it."""
        return 1.0 if self.ceiling is None else self.ceiling


def metrics_of(points: Points, spec: Scaling, chance: Mapping[str, float] | None = None) -> list[Metric]:
    """Losses that are listed or read off, then scores with their chance and ceiling.

    ``chance``: task → what a guesser scores, for scores of which the spec does not say so. Raises UserError for scores
    that are losses as well, or on another scale than their chance or ceiling.
    """
    names = list(points.values)
    options = spec.target_options
    listed = matching(spec.losses, names, "scaling.losses")
    first = listed[0] if listed else None
    scores: dict[str, Metric] = {}
    for pattern, option in options.items():
        for name in matching([pattern], names, "scaling.targets"):
            values = points.values[name]
            highest = float(np.nanmax(values)) if np.isfinite(values).any() else 0.0
            ceiling = option.ceiling or (100.0 if highest > 1 else 1.0)
            _refuse_other_scale(name, option.chance, ceiling, pattern)
            _refuse_outside(name, values, ceiling, pattern)
            rising = points.higher_is_better[name]
            # A later entry is the more particular one, as a name after a pattern.
            loss = matching([option.loss], names, f"scaling.targets.{pattern}.loss")[0] if option.loss else first
            guess = (chance or {}).get(name.removeprefix("kshot_")) if option.chance is None else option.chance
            scores[name] = Metric(name, "score", rising, loss, guess, ceiling)
    both = [name for name in listed if name in scores]
    if both:
        what, fix = f"{both[0]} is listed as a loss as well", "a number is one of the two: keep one"
        raise UserError(what, subject="scaling.targets", fix=fix)
    losses = dict.fromkeys((*listed, *(m.loss for m in scores.values() if m.loss)))
    return [*(Metric(name, "loss", False) for name in losses), *scores.values()]


def _refuse_other_scale(name: str, chance: float | None, ceiling: float, pattern: str) -> None:
    """A chance in percent beside scores that are shares, or the other way round."""
    if chance is not None and (chance >= ceiling or (ceiling == 100 and 0 < chance < 1)):
        raise UserError(
            f"chance is not on the scale of {name}",
            subject=f"scaling.targets.{pattern}.chance",
            expected=f"a number between {'1 and 100' if ceiling == 100 else f'0 and {number(ceiling)}'}",
            got=chance,
            fix="write it in the score's own unit, a share or percent, or state the ceiling",
        )


def _refuse_outside(name: str, values: Floats, ceiling: float, pattern: str) -> None:
    known = values[np.isfinite(values)]
    outside = known[(known < 0) | (known > ceiling)]
    if len(outside):
        raise UserError(
            f"{name} is no score between 0 and {number(ceiling)}",
            subject=f"scaling.targets.{pattern}",
            got=float(outside[0]),
            fix="state its `ceiling`, or list it under scaling.losses if it is better when lower and has none",
        )


def emerged(metric: Metric, values: Floats, share: float) -> Mask:
    """Which values (n,) are better than chance by more than ``share`` of the ceiling (Chen et al. 2024: 5 points).

    All that are measured, where no chance is given.
    """
    known: Mask = np.isfinite(values)
    if metric.chance is None:
        return known
    gain = values - metric.chance if metric.rising else metric.chance - values
    with np.errstate(invalid="ignore"):
        above: Mask = known & (gain > share * metric.top)
    return above


def why_not(metric: Metric, points: Points, share: float) -> str | None:
    """A sentence that says that the score has not emerged in the runs that are fitted; None where it has.

    A model that always gives the same answer may score above chance; so one number at all of the points is no score
    that has emerged.
    """
    values = points.values[metric.name]
    above = emerged(metric, values, share)
    # Of many checkpoints at chance some are above it by luck; a run that has emerged still has at its end.
    n_runs = int(emerged(metric, points.ends().values[metric.name], share).sum())
    varied = len(set(values[above].tolist())) > 1
    if metric.chance is None:
        return (
            None if varied else f"{metric.name} is the same number at all fitted checkpoints: no law can be read off it"
        )
    if above.sum() >= FEWEST_POINTS and n_runs >= FEWEST_RUNS and varied:
        return None
    line = metric.chance + (1 if metric.rising else -1) * share * metric.top
    side = "above" if metric.rising else "below"
    n = int(np.isfinite(values).sum())
    same = "" if varied or above.sum() < FEWEST_POINTS else ", the same number at each, as a constant answer gives"
    return (
        f"{metric.name} has not emerged: it is {side} {number(line)} (a guesser's {number(metric.chance)}, and "
        f"{number(share * metric.top)}) at {int(above.sum())} of {count(n, 'fitted checkpoint')}, at the end "
        f"of {n_runs} of {count(len(points.runs), 'run')}{same}; what larger runs will score cannot be read off these"
    )
