"""Latent gain: training still helps the fine-tuned model where the base score shows nothing of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ptp_core.predict.dynamics.cells import Curve, whole
from ptp_core.predict.dynamics.intervals import Estimate
from ptp_core.predict.dynamics.later import FEWEST, later, trend
from ptp_core.predict.dynamics.numbers import signed
from ptp_core.stats.multiplicity import holm


def latent(curves: Sequence[Curve], confidence: float) -> list[dict[str, Any]]:
    """A row per in-domain curve with three checkpoints or more in the later part of training.

    Slopes are per tenfold tokens, in the score's own unit, signed so that more is better, by least squares over the
    checkpoints from a tenth of the last one's tokens on. ``verdict`` is "latent" where the fine-tuned score rises
    (p ≤ 1 − ``confidence`` after Holm over all rows), the base's interval includes 0, and its upper end lies below
    the fine-tuned slope; "not latent" where the interval says that the fine-tuned score does not rise, or that the
    base score does; else "undecided". With fewer than four checkpoints it is always undecided. Null hypothesis of
    ``p``: the fine-tuned score does not change with tokens. Claimed of flat noise over eight checkpoints in 1 % of
    runs; in 5 % and 9 % where the errors of neighbouring checkpoints correlate by .7 and .9. Source: Sun & Dredze 2024.
    """
    found = [(curve, inside) for curve in curves if curve.in_domain and (inside := later(curve.tokens)).sum() >= 3]
    trends = [_trends(curve, inside, confidence) for curve, inside in found]
    tested = [t.p if b.interval and t.n >= FEWEST else np.nan for b, t in trends]
    adjusted = holm(np.array(tested, dtype=np.float64))
    rows = []
    for (curve, inside), (base, tuned), p in zip(found, trends, adjusted.tolist(), strict=True):
        said, words = _verdict(base, tuned, p, 1 - confidence)
        rows.append(
            {
                "trajectory": curve.pair.run,
                "train_task": curve.pair.train_task,
                "test": curve.pair.test,
                "from_tokens": whole(curve.tokens[inside].min()),
                "to_tokens": whole(curve.tokens[inside].max()),
                "n": tuned.n,
                "base_slope": base.value,
                "base_ci95": base.interval,
                "tuned_slope": tuned.value,
                "tuned_ci95": tuned.interval,
                "p": tuned.p,
                "p_holm": p,
                "latent": said == "latent",
                "verdict": said,
                "words": words,
            }
        )
    return rows


def _trends(curve: Curve, inside: Any, confidence: float) -> tuple[Estimate, Estimate]:
    tokens = curve.tokens[inside]
    base = trend(tokens, curve.sign * curve.base[inside], curve.base_errors[inside], confidence)
    return base, trend(tokens, curve.sign * curve.tuned[inside], curve.tuned_errors[inside], confidence)


def _verdict(base: Estimate, tuned: Estimate, p: float, level: float) -> tuple[str, str]:
    if tuned.n < FEWEST:
        return "undecided", f"{tuned.n} checkpoints in the later part of training are too few for a trend"
    if not base.interval or not tuned.interval:
        return "undecided", "a score that does not scatter, and whose error is not known, has no interval"
    both = f"fine-tuned {_slope(tuned)}, base {_slope(base)}, n = {tuned.n}"
    if base.low > 0:
        return "not latent", f"the base score rises as well ({both})"
    if tuned.high <= 0:
        return "not latent", f"the fine-tuned score does not rise ({both})"
    if tuned.value > 0 and p <= level and base.low <= 0 <= base.high < tuned.value:
        return "latent", f"the fine-tuned score rises and the base score does not ({both})"
    return "undecided", f"the intervals allow both ({both})"


def _slope(estimate: Estimate) -> str:
    return f"{signed(estimate.value)} [{signed(estimate.low)}, {signed(estimate.high)}] per tenfold tokens"
