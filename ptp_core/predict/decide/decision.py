"""From judged indicators to a decision on one outcome: what to fine-tune, what it takes to be sure, when to abstain."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ptp_core.predict.case import Case
from ptp_core.predict.decide.abstain import abstain
from ptp_core.predict.decide.best import best, best_among_measured_first, probability_of_being_best
from ptp_core.predict.decide.next_runs import next_runs
from ptp_core.predict.decide.power import power_for_best, power_for_indicator, power_sentence
from ptp_core.predict.decide.shortlist import chosen_strategy, leading_indicator, shortlist
from ptp_core.predict.decide.strategies import claimed, strategies
from ptp_core.predict.decide.top_k import top_k_blocks
from ptp_core.predict.quantities import Floats, Measured
from ptp_core.spec.select import Select

MEASURED_FIRST = 10


def decide(
    case: Case, judged: Mapping[str, Any], out_of_fold: Floats, select: Select, data: Measured
) -> dict[str, Any]:
    """The JSON block ``decision`` of one outcome; floats may be NaN.

    ``judged`` holds the blocks ``indicators`` and ``configuration``; ``out_of_fold`` (n,) is the learned model's score
    of each variant from models that have not seen its outcome, NaN where there is none; ``data`` also has the variants
    that lack the outcome. Probabilities are explained where they are computed: ``copula.best_within`` (``p_best`` of a
    strategy), ``best.probability_of_being_best`` (``p_top``: the truly best is among the k measured best) and
    ``next_runs.next_runs``.
    """
    judged = _as_claimed(case, judged, select)
    chosen = strategies(case, judged, out_of_fold, select)
    blocks, modelled = top_k_blocks(case, chosen, select)
    strategy, reason = chosen_strategy(chosen, judged, select)
    leading = leading_indicator(chosen, judged, select)
    names = claimed(judged, case, select)
    winner = best(list(case.variants), case.outcome, select.seed)
    shares = probability_of_being_best(case.outcome, select.seed)
    for_indicator = power_for_indicator(leading, judged, select.confidence)
    for_best = power_for_best(case.outcome, winner["probability_best"], select.confidence)
    listed = None
    if strategy is not None:
        settings = {s.name: p for s, p in zip(chosen, modelled, strict=True) if s.kind == "setting"}
        listed = shortlist(case, strategy, reason, modelled[chosen.index(strategy)], settings, select)
    return {
        "strategies": blocks,
        "shortlist": listed,
        "power": {
            "for_indicator": for_indicator,
            "for_best": for_best,
            "sentence": power_sentence(for_indicator, for_best),
        },
        "next": next_runs(case, tuple(names), leading.name if leading else None, data, select),
        "p_top": best_among_measured_first(case.outcome, shares, MEASURED_FIRST),
        "abstain": abstain(winner, case.outcome, names, judged, select, for_indicator, for_best),
    }


def _as_claimed(case: Case, judged: Mapping[str, Any], select: Select) -> Mapping[str, Any]:
    """The claim that the spec names stands by its own p; all others by Holm's."""
    claim = select.primary
    if claim is None or claim.outcome != case.name or claim.indicator not in judged["indicators"]:
        return judged
    block = judged["indicators"][claim.indicator]
    return {**judged, "indicators": {**judged["indicators"], claim.indicator: {**block, "p_holm": block["p"]}}}
