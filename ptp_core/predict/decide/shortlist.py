"""Which few variants to fine-tune, by which strategy, and how likely the best is among them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ptp_core.predict.case import Case
from ptp_core.predict.decide.strategies import Strategy
from ptp_core.predict.decide.top_k import facts
from ptp_core.predict.quantities import Floats
from ptp_core.predict.wording import count, number
from ptp_core.spec.select import Select
from ptp_core.stats.bootstrap import percentile_interval


def leading_indicator(chosen: list[Strategy], judged: Mapping[str, Any], select: Select) -> Strategy | None:
    """The indicator that the spec names, else the one whose interval has the highest lower end; None: there is none.

    The lower end, not the accuracy: of many uncertain indicators the most accurate is the luckiest. One that leaks the
    outcome leads only where all do, and one that may mirror a setting only where no other is better than chance.
    """
    indicators = {strategy.name: strategy for strategy in chosen if strategy.kind == "indicator"}
    if select.primary and select.primary.indicator in indicators:
        return indicators[select.primary.indicator]
    ends = {name: _lower_end(judged["indicators"][name]) for name in indicators}
    known = [name for name, end in ends.items() if not np.isnan(end)]
    words = {name: judged["indicators"][name].get("verdict") for name in known}
    better = [name for name in known if words[name] == "better"]
    candidates = better or [name for name in known if words[name] != "leak"] or known
    return indicators[max(candidates, key=lambda name: ends[name])] if candidates else None


def _lower_end(block: Mapping[str, Any]) -> float:
    low = block["ci95"][0]
    return float("nan") if low is None else float(low)


def chosen_strategy(chosen: list[Strategy], judged: Mapping[str, Any], select: Select) -> tuple[Strategy | None, str]:
    """The strategy that makes the shortlist, and a sentence on why.

    A named indicator was fixed beforehand and is kept. Else the learned model replaces the leading indicator only
    where it is more accurate on the same resamples of the variants, at the confidence asked for: it has been fitted,
    and its interval does not know that; it was given every headline indicator, so never where one of them leaks the
    outcome. Settings are baselines and never make the shortlist.
    """
    leading = leading_indicator(chosen, judged, select)
    doubt = _doubt(leading.name, judged) if leading else ""
    if leading is not None and select.primary and leading.name == select.primary.indicator:
        return leading, f"{leading.name} was named beforehand.{doubt}"
    learned = next((strategy for strategy in chosen if strategy.kind == "learned"), None)
    leaks = any(block.get("verdict") == "leak" for block in judged["indicators"].values())
    if learned is not None and not leaks and _is_better(learned, leading, select.confidence):
        return learned, "The learned model is used: it is more accurate than the leading indicator beyond doubt."
    if leading is None:
        return None, ""
    several = sum(strategy.kind == "indicator" for strategy in chosen) > 1
    optimistic = (
        f"{leading.name} was picked on these outcomes (highest lower end of its interval), so the probability errs on "
        "the side of hope; name an indicator in select.primary before looking to avoid this."
    )
    return leading, (optimistic if several else f"{leading.name} is the only indicator.") + doubt


def _doubt(name: str, judged: Mapping[str, Any]) -> str:
    """What a list by this indicator rests on, where that is not merit."""
    return {
        "leak": f" Do not rely on this list: {name} leaks the outcome, and new variants have no such number.",
        "confounded": f" This list may rest on a setting alone: {name} is not shown to order variants that share it.",
        "undecided": f" {name} is not shown to order the variants better than chance, so the list may be one by luck.",
        "worse": f" {name} points the wrong way: the list is that of the worst.",
    }.get(judged["indicators"][name].get("verdict", ""), "")


def _is_better(learned: Strategy, leading: Strategy | None, confidence: float) -> bool:
    if leading is None:
        return False
    same = np.array_equal(np.isfinite(learned.scores), np.isfinite(leading.scores))
    # Without shared resamples only intervals that do not overlap tell the two apart.
    if same:
        low = percentile_interval((learned.accuracies - leading.accuracies)[:, None], confidence)[0, 0]
        return bool(low > 0)
    (ours, theirs) = (percentile_interval(s.accuracies[:, None], confidence)[0] for s in (learned, leading))
    return bool(ours[0] > theirs[1])


def shortlist(
    case: Case, strategy: Strategy, reason: str, modelled: Floats, settings: Mapping[str, Floats], select: Select
) -> dict[str, Any] | None:
    """The first k variants by ``strategy``: as many as the budget, else the fewest that reach the confidence.

    ``modelled`` (n,) is its probability that the best is in the top k = 1 … n, ``settings`` the same of every numeric
    setting: where one does better, that is said. None without a probability.
    All outcomes of a case are known, so this looks back; it is a rule for the next set of variants like these.
    """
    if np.isnan(modelled).all():
        return None
    n = len(case.variants)
    k = min(select.budget or 1 + int(np.argmax(modelled >= select.confidence)), n)
    fact, p = facts(case, strategy, k), float(modelled[k - 1])
    ranked = np.argsort(-strategy.filled, kind="stable")[:k]
    return {
        "by": strategy.name,
        "k": k,
        "variants": [case.variants[i] for i in ranked],
        "p_best": p,
        "wanted": select.confidence,
        "n": n,
        **fact,
        "note": " ".join(
            [
                *_words(strategy, k, n, fact, p),
                *_size(k, n, p, select),
                *_better_setting(k, p, settings),
                reason,
                *_tie(strategy, k),
            ]
        ),
    }


def _words(strategy: Strategy, k: int, n: int, fact: Mapping[str, Any], p: float) -> list[str]:
    drawn = f"would have been among them with probability {fact['has_best']:.2f}, ties being drawn"
    found = {0.0: "was not among them", 1.0: "was among them"}.get(fact["has_best"], drawn)
    loss = f", at a loss of {number(fact['regret'])}" if fact["regret"] > 0 else ""
    if k == n:
        return [f"By {strategy.name} all {n} variants have to be fine-tuned, and no run is saved."]
    these = f"these {k} of {n} variants" if k > 1 else f"this one of {n} variants"
    place = f"among the first {k}" if k > 1 else "the first"
    if k == 1:
        found = found.replace("was not among them", "was not this one").replace("was among them", "was this one")
        found = found.replace("would have been among them", "would have been this one")
    return [
        f"Had you fine-tuned only {these}, the first by {strategy.name}, you would have saved {count(n - k, 'run')}; "
        f"the best variant {found}{loss}.",
        f"Of {n} new variants like these the best is {place} with probability {_chance(p)}.",
    ]


def _chance(p: float) -> str:
    if p >= 0.9995:
        return "above 0.999"
    return f"{p:.3f}" if p >= 0.995 else f"{p:.2f}"


def _size(k: int, n: int, p: float, select: Select) -> list[str]:
    if select.budget is None:
        if k == n:
            return [f"No smaller number finds the best with probability {select.confidence:g}."]
        return [f"It is the smallest number that reaches {select.confidence:g}."]
    return [f"The budget does not reach the {select.confidence:g} asked for."] if p < select.confidence else []


def _better_setting(k: int, p: float, settings: Mapping[str, Floats]) -> list[str]:
    better = {name: float(values[k - 1]) for name, values in settings.items() if values[k - 1] > p}
    if not better:
        return []
    name = max(better, key=lambda name: better[name])
    return [f"The setting {name} (larger first), which needs no measurement, reaches {_chance(better[name])} with {k}."]


def _tie(strategy: Strategy, k: int) -> list[str]:
    ranked = np.sort(strategy.filled)[::-1]
    is_cut = k < len(ranked) and ranked[k - 1] == ranked[k]
    return ["The last of them are tied with variants that are not listed."] if is_cut else []
