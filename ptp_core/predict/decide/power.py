"""How many more variants or seeds it would take to be sure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from ptp_core.predict.decide.strategies import Strategy
from ptp_core.predict.quantities import Quantity
from ptp_core.predict.wording import number, percent
from ptp_core.stats.pairs import null_sd

POWER = 0.8
"""Share of studies that would find the difference: the customary one (Cohen 1988)."""

MOST_VARIANTS, MOST_SEEDS = 10_000, 10_000
"""More than these nobody runs: the answer is then None."""


def shown(block: Mapping[str, Any], confidence: float) -> bool:
    """Is a judged indicator told from chance, in either direction: by Holm's p, by its own where that is not made."""
    p = next((p for p in (block.get("p_holm"), block.get("p")) if p is not None and not np.isnan(p)), None)
    return p is not None and p <= 1 - confidence + 1e-12


def power_for_indicator(
    strategy: Strategy | None, judged: Mapping[str, Any], confidence: float
) -> dict[str, Any] | None:
    """Variants needed for an indicator's observed accuracy to be told from ½; None when there is none to speak of.

    ``n_needed`` is None when it is told from ½ already, and beyond ``MOST_VARIANTS``. ``power_now`` is that of a new
    study of the present size: an accuracy just significant has a power near ½.
    """
    block = judged["indicators"].get(strategy.name) if strategy and strategy.kind == "indicator" else None
    if strategy is None or block is None or block["accuracy"] is None or np.isnan(block["accuracy"]):
        return None
    n, spread = int(block["n_variants"]), float(np.nanstd(strategy.accuracies)) if _any(strategy) else float("nan")
    if np.isnan(spread):
        return None
    accuracy, scale = float(block["accuracy"]), spread * np.sqrt(n)
    needed = None if shown(block, confidence) else variants_needed(accuracy, scale, confidence)
    return {
        "name": strategy.name,
        "accuracy": accuracy,
        "n_now": n,
        "n_needed": needed,
        "power": POWER,
        "power_now": float(_power(np.array([n]), accuracy, scale, confidence)[0]),
        "shown": shown(block, confidence),
    }


def _any(strategy: Strategy) -> bool:
    return bool(np.isfinite(strategy.accuracies).any())


def variants_needed(accuracy: float, scale: float, confidence: float) -> int | None:
    """Smallest n (4 or more) at which a two-sided test at level 1 - confidence finds ``accuracy`` with power 0.8.

    ``scale``: standard deviation of the estimated accuracy times √n, from resamples of the variants. Under no
    association the sd is ``null_sd(n)`` (no ties), under the accuracy supposed it is scale/√n (a U-statistic;
    Hoeffding 1948), both normal; the test rejects beyond z·null_sd(n) from ½. None above ``MOST_VARIANTS``. Where
    variants are runs of a few clusters the null sd is larger than that and n too small.
    """
    n = np.arange(4, MOST_VARIANTS + 1)
    enough = _power(n, accuracy, scale, confidence) >= POWER
    return int(n[enough.argmax()]) if enough.any() else None


def _power(n: np.ndarray[Any, Any], accuracy: float, scale: float, confidence: float) -> np.ndarray[Any, Any]:
    from scipy.special import ndtr, ndtri

    reach = ndtri((1 + confidence) / 2) * _null_sds(n)
    # A perfect order has no spread of its own; without a floor its power would be 0/0.
    spread = max(scale, 1e-6) / np.sqrt(n)
    gap = abs(accuracy - 0.5)
    power: np.ndarray[Any, Any] = ndtr((gap - reach) / spread) + ndtr((-gap - reach) / spread)
    # Of few variants not even a perfect order is rare enough: one of n! orders, and its reverse.
    return np.where(n >= _fewest(confidence), power, 0.0)


def _fewest(confidence: float) -> int:
    """Fewest variants without ties of which a perfect order is significant in a two-sided permutation test."""
    return next(n for n in range(2, 100) if 2 / math.factorial(n) <= 1 - confidence + 1e-12)


def _null_sds(n: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return np.array([null_sd(int(size)) for size in n])


def power_for_best(outcome: Quantity, probability: float | None, confidence: float) -> dict[str, Any] | None:
    """Seeds per variant needed until the lead of the best over the runner-up is told from 0 with power 0.8.

    Two-sided t test of two means of m seeds each, noise pooled over all n variants: the lead over sd·√(2/m) has to
    exceed t(level) + t(power) with n(m-1) degrees of freedom. The lead is taken as it was measured; that of a winner
    is a lucky one on average, so the number errs on the small side. Noise of test items is not in it: seeds do not
    lower it. ``seeds_needed`` is None when the best is told apart already (``probability``), when there is no lead,
    and beyond ``MOST_SEEDS``. None with one seed per variant or no noise at all.
    """
    if outcome.seed_freedom < 1 or outcome.seed_sd == 0:
        return None
    from scipy.stats import t as student

    second, first = np.sort(outcome.goodness)[-2:]
    seeds = np.arange(2, MOST_SEEDS + 1)
    freedom = len(outcome.values) * (seeds - 1)
    wanted = student.ppf((1 + confidence) / 2, freedom) + student.ppf(POWER, freedom)
    enough = (first - second) / (outcome.seed_sd * np.sqrt(2 / seeds)) >= wanted
    told = probability is not None and probability >= confidence
    return {
        "lead": float(first - second),
        "sd": outcome.seed_sd,
        "seeds_now": int(outcome.n_seeds.min()),
        "seeds_needed": int(seeds[enough.argmax()]) if enough.any() and not told else None,
        "told_apart": told,
    }


def power_sentence(indicator: Mapping[str, Any] | None, best: Mapping[str, Any] | None) -> str:
    """Both in words; with one seed per variant that is the thing to say."""
    return " ".join(part for part in (indicator_sentence(indicator), best_sentence(best)) if part)


def indicator_sentence(block: Mapping[str, Any] | None) -> str:
    """How many variants it takes to tell the indicator from chance."""
    if block is None:
        return ""
    name, n, accuracy = block["name"], block["n_now"], block["accuracy"]
    if block["shown"]:
        way = ", in the wrong direction," if accuracy < 0.5 else ""
        return f"{name} ({percent(accuracy)}) is told from chance{way} with the {n} variants there are."
    needed = block["n_needed"]
    many = f"more than {MOST_VARIANTS:,}" if needed is None else f"{needed:,}"
    if abs(accuracy - 0.5) < null_sd(n):
        return (
            f"{name} ({percent(accuracy)} of {n} variants' pairs) is within the noise of a coin: more variants will "
            f"not help unless the indicator is better than it looks (it would take {many})."
        )
    if needed is not None and needed <= n:
        return f"{n} variants would mostly do to tell {name} ({percent(accuracy)}) from chance; here they did not."
    share = percent(accuracy)
    return f"To tell {name} ({share}) from chance in {POWER:.0%} of studies takes {many} variants; {n} are here."


def best_sentence(block: Mapping[str, Any] | None) -> str:
    """How many seeds it takes to settle which variant is best."""
    if block is None:
        return "How many seeds would settle which is best cannot be said: no noise between seeds was measured."
    if block["told_apart"]:
        return f"The lead of the best variant ({number(block['lead'])}) is beyond the noise of seeds."
    if block["lead"] == 0:
        return "The two best variants measured the same: no number of seeds is known to part them."
    needed = block["seeds_needed"]
    if needed is None:
        return f"No affordable number of seeds would settle a lead of {number(block['lead'])}."
    if needed <= block["seeds_now"]:
        return (
            f"A lead of {number(block['lead'])} over the runner-up alone is beyond the noise of {block['seeds_now']} "
            "seeds; other variants or the noise of test items leave it open."
        )
    return (
        f"A lead of {number(block['lead'])} over the runner-up takes {needed} seeds per variant, not "
        f"{block['seeds_now']}, at {number(block['sd'])} between seeds."
    )
