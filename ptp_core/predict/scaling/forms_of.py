"""Every form of a metric, fitted: laws of a loss; chains and direct laws of a score."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from ptp_core.predict.scaling.chains import Fitted, Law, Read, Stage, Unfit, loss_law, score_law
from ptp_core.predict.scaling.emerged import Metric, why_not
from ptp_core.spec.scaling import Scaling

ENOUGH_DEGREES = 4
"""Degrees of freedom from which a law's own scatter is trusted."""
MOST_WIDENED = 1e3
Losses = Mapping[tuple[str, str], Stage | Unfit]
"""(loss, form) → its law."""
Reads = Mapping[str, Read]
"""Score form → what it is fitted on."""


def loss_laws(metrics: Sequence[Metric], spec: Scaling, runs: Fitted) -> Losses:
    """Every loss under every form; the first stage of all chains."""
    losses = [m for m in metrics if m.kind == "loss"]
    found: dict[tuple[str, str], Stage | Unfit] = {}
    for form in spec.loss_forms:
        found |= _sharing(form, {m.name: loss_law(form, m, runs) for m in losses})
    return found


def _sharing(form: str, laws: Mapping[str, Stage | Unfit]) -> dict[tuple[str, str], Stage | Unfit]:
    """Laws of one form whose scatter is at least the median over the losses, where few degrees of freedom tell it.

    With a run or two more than parameters one loss in eight lies on its law by luck; its refits then hardly differ, and
    its band would be narrow for no reason.
    """
    stages = [law for law in laws.values() if isinstance(law, Stage)]
    typical = float(np.median([stage.spread.sd for stage in stages])) if stages else 0.0

    def widened(law: Stage | Unfit) -> Stage | Unfit:
        if isinstance(law, Unfit) or law.spread.degrees >= ENOUGH_DEGREES or law.spread.sd >= typical:
            return law
        factor = min(typical / max(law.spread.sd, 1e-12), MOST_WIDENED)
        return replace(law, spread=replace(law.spread, sd=typical, inflation=factor * law.spread.inflation))

    return {(name, form): widened(law) for name, law in laws.items()}


def laws_of(metric: Metric, spec: Scaling, runs: Fitted, losses: Losses, reads: Reads) -> dict[str, Law | Unfit]:
    """Form → law; a score that has not emerged in the fitted runs has none, and the words say so."""
    if metric.kind == "loss":
        return {form: _joined(losses[metric.name, form]) for form in spec.loss_forms}
    pairs = [(a, b) for a in spec.loss_forms for b in spec.score_forms] if metric.loss else []
    scored = runs.points.of_runs([run for run, mine in zip(runs.ends.runs, runs.for_scores, strict=True) if mine])
    words = why_not(metric, scored, runs.emerged)
    if words:
        names = [*(f"{a}+{b}" for a, b in pairs), *spec.direct_forms]
        return {form: Unfit("not emerged", words) for form in names}
    second: dict[str, Stage | Unfit] = {}
    if pairs:
        second = {b: score_law(b, metric, reads[b], runs) for b in spec.score_forms}
    found = {f"{a}+{b}": _joined(losses[str(metric.loss), a], second[b]) for a, b in pairs}
    return found | {form: _joined(loss_law(form, metric, runs)) for form in spec.direct_forms}


def _joined(*stages: Stage | Unfit) -> Law | Unfit:
    """The law of these stages, or why the first one that is missing is missing."""
    missing = [stage for stage in stages if isinstance(stage, Unfit)]
    return missing[0] if missing else Law(tuple(stage for stage in stages if isinstance(stage, Stage)))
