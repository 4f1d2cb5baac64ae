"""Overtraining: the fine-tuned score falls while the loss before fine-tuning still improves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from ptp_core.predict.dynamics.cells import Curve, whole
from ptp_core.predict.dynamics.intervals import Estimate, Floats
from ptp_core.predict.dynamics.later import FEWEST, later, trend
from ptp_core.predict.dynamics.numbers import signed
from ptp_core.predict.quantities import natural_order
from ptp_core.predict.scaling.points import matching
from ptp_core.spec.dynamics import Dynamics
from ptp_core.stats.multiplicity import holm
from ptp_core.table.metrics import suggests_lower
from ptp_core.table.names import headlines


class Tested(NamedTuple):
    """A curve and a loss over the checkpoints of the later part that have both."""

    curve: Curve
    loss: str
    tokens: Floats
    tuned: Estimate
    """Change over this part along its line, more is better."""
    change: Estimate
    """Change of the loss along its line, as it is: below 0 it improves."""

    @property
    def p(self) -> float:
        """That both go as said: the larger of the two, since both must."""
        return max(self.tuned.p, self.change.p) if self.tuned.n >= FEWEST else float("nan")


def loss_names(scores: pd.DataFrame, spec: Dynamics) -> tuple[str, ...]:
    """The losses: those that ``spec.losses`` names, or else every headline that is better lower and is named so.

    Raises UserError for a pattern that stands for nothing.
    """
    indicators = scores[scores["kind"] == "indicator"]
    names = natural_order(set(indicators["test"]))
    if spec.losses:
        return matching(spec.losses, names, "dynamics.losses")
    lower = set(indicators.loc[~indicators["higher"], "test"])
    return tuple(name for name in headlines(names) if name in lower and suggests_lower(name))


def overtraining(
    curves: Sequence[Curve], scores: pd.DataFrame, losses: Sequence[str], confidence: float
) -> list[dict[str, Any]]:
    """A row per in-domain curve and loss that share three checkpoints or more in the later part of training.

    Changes are those along the least-squares line in the logarithm of tokens, over the whole of this part (from a
    tenth of the last checkpoint's tokens on), in each number's own unit. ``overtrained`` where the fine-tuned score
    gets worse and the loss better, the larger of both p at most 1 − ``confidence`` after Holm over all rows;
    "undecided" where an interval leaves open which way it goes, and always below four checkpoints.
    """
    at: dict[tuple[str, str], dict[float, tuple[float, float]]] = {}
    rows = scores[(scores["kind"] == "indicator") & scores["test"].isin(losses)]
    for row in rows.sort_values("format").to_dict("records"):
        known = at.setdefault((row["run"], row["test"]), {})
        known.setdefault(row["tokens"], (row["value"], row["error"]))
    found = [
        tested
        for curve in curves
        for loss in losses
        if curve.in_domain and (tested := _tested(curve, loss, at.get((curve.pair.run, loss), {}), confidence))
    ]
    adjusted = holm(np.array([tested.p for tested in found], dtype=np.float64))
    return [_row(tested, float(p), 1 - confidence) for tested, p in zip(found, adjusted, strict=True)]


def _tested(curve: Curve, loss: str, at: dict[float, tuple[float, float]], confidence: float) -> Tested | None:
    inside = later(curve.tokens) & np.isin(curve.tokens, list(at))
    if inside.sum() < 3:
        return None
    tokens = curve.tokens[inside]
    values, errors = np.array([at[float(t)] for t in tokens]).T
    span = float(np.log10(tokens.max() / tokens.min()))
    tuned = trend(tokens, curve.sign * curve.tuned[inside], curve.tuned_errors[inside], confidence)
    return Tested(curve, loss, tokens, _over(tuned, span), _over(trend(tokens, values, errors, confidence), span))


def _over(slope: Estimate, span: float) -> Estimate:
    return slope.__class__(slope.value * span, slope.low * span, slope.high * span, slope.p, slope.n)


def _row(tested: Tested, p: float, level: float) -> dict[str, Any]:
    said, words = _verdict(tested, p, level)
    curve = tested.curve
    return {
        "trajectory": curve.pair.run,
        "train_task": curve.pair.train_task,
        "test": curve.pair.test,
        "loss": tested.loss,
        "from_tokens": whole(tested.tokens.min()),
        "to_tokens": whole(tested.tokens.max()),
        "n": tested.tuned.n,
        "tuned_change": tested.tuned.value,
        "ci95": tested.tuned.interval,
        "loss_change": tested.change.value,
        "loss_ci95": tested.change.interval,
        "p": tested.p,
        "p_holm": p,
        "overtrained": said == "overtrained",
        "verdict": said,
        "words": words,
    }


def _verdict(tested: Tested, p: float, level: float) -> tuple[str, str]:
    tuned, change = tested.tuned, tested.change
    if tuned.n < FEWEST:
        return "undecided", f"{tuned.n} checkpoints in the later part of training are too few for a trend"
    if not tuned.interval or not change.interval:
        return "undecided", "a number that does not scatter, and whose error is not known, has no interval"
    both = f"fine-tuned {_change(tuned)}, {tested.loss} {_change(change)}, n = {tuned.n}"
    if tuned.value < 0 and change.value < 0 and p <= level:
        return "overtrained", f"the fine-tuned score falls while {tested.loss} still improves ({both})"
    if tuned.low >= 0:
        return "not overtrained", f"the fine-tuned score does not fall ({both})"
    if change.low >= 0:
        return "not overtrained", f"{tested.loss} does not improve any more ({both})"
    return "undecided", f"the intervals allow both ({both})"


def _change(estimate: Estimate) -> str:
    return f"{signed(estimate.value)} [{signed(estimate.low)}, {signed(estimate.high)}]"
