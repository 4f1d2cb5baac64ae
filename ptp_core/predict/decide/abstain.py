"""When not to say which is best, or which indicator to trust, and why."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ptp_core.predict.decide.power import best_sentence, indicator_sentence, shown
from ptp_core.predict.quantities import Quantity
from ptp_core.predict.wording import listed, number, percent
from ptp_core.spec.select import Select


def abstain(
    best: Mapping[str, Any],
    outcome: Quantity,
    names: list[str],
    judged: Mapping[str, Any],
    select: Select,
    for_indicator: Mapping[str, Any] | None,
    for_best: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """``best``: the best variant cannot be told from the next; ``indicator``: none of ``names`` is shown to be better
    than chance; ``why``: sentences for each that holds, with what it would take. ``best`` (argument) is the block of
    ``decide.best.best``, ``for_indicator`` and ``for_best`` are those of ``decide.power``."""
    of_best = _why_best(best, outcome, select.confidence)
    of_indicators = _why_indicator(names, judged["indicators"], select.confidence)
    why = [
        *(of_best and [*of_best, best_sentence(for_best)]),
        *(of_indicators and [*of_indicators, indicator_sentence(for_indicator)]),
    ]
    return {"best": bool(of_best), "indicator": bool(of_indicators), "why": [sentence for sentence in why if sentence]}


def _why_best(best: Mapping[str, Any], outcome: Quantity, confidence: float) -> list[str]:
    first, second, p = best["variant"], best["runner_up"], best["probability_best"]
    if best["lead"] == 0:
        shared = int((outcome.goodness == outcome.goodness.max()).sum())
        return [f"No variant is best on {outcome.name}: {shared} share the best value {number(best['value'])}."]
    if p is None:
        return [
            f"One run per variant cannot tell {first} from {second} on {outcome.name}: "
            f"what another seed would change is not known; fine-tune at least these two again."
        ]
    if p < confidence:
        return [
            f"{first} is the best variant on {outcome.name} with probability {p:.2f} only, less than the "
            f"{confidence:g} asked for; a lead of {number(best['lead'])} over {second} is within the noise."
        ]
    return []


def _why_indicator(names: list[str], blocks: Mapping[str, Any], confidence: float) -> list[str]:
    testable = [name for name in names if _known(blocks[name]["accuracy"]) and _known(blocks[name]["p"])]
    if not testable:
        return ["No indicator could be tested."]
    clear = [name for name in testable if shown(blocks[name], confidence)]
    if any(blocks[name]["accuracy"] > 0.5 for name in clear):
        return []
    holm = all(_known(blocks[name].get("p_holm")) for name in testable)
    correction = " after Holm's correction" if holm else ""
    top = max(testable, key=lambda name: blocks[name]["accuracy"])
    sentence = (
        f"No headline indicator is shown to order the variants better than chance{correction}; "
        f"the most accurate is {top} with {percent(blocks[top]['accuracy'])} of pairs."
    )
    return [sentence, f"Worse than chance: {listed(clear)}."] if clear else [sentence]


def _known(value: float | None) -> bool:
    return value is not None and bool(np.isfinite(value))
