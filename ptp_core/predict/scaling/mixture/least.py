"""The least compute at which some mixture is predicted to reach a value, and which mixture that is."""

from __future__ import annotations

import math
from typing import Any

from ptp_core.predict.scaling.mixture.best import best_mixture
from ptp_core.predict.scaling.mixture.stored import laws_of
from ptp_core.predict.wording import number

FURTHER = 100.0
"""Compute up to so many times the largest fitted one is searched."""
STEPS = 14
"""Halvings of the range in log compute: to within a thousandth of a range of several decades."""


def least_mixture(block: dict[str, Any], target: str, value: float) -> dict[str, Any]:
    """The mixture that reaches ``value`` for the least compute, from the block ``mixture`` of ``scaling_laws.json``.

    As ``best_mixture``, with ``reached``. Where runs of one compute alone were fitted, compute is not searched: the
    best mixture at that compute either reaches the value or does not. The best value is taken to get no worse with
    compute. Raises UserError for a target without a law.
    """
    low, high = float(block["computes"][0]), float(block["computes"][1]) * (FURTHER if block["scaled"] else 1.0)
    sign = 1 if laws_of(block).rises(target) else -1

    def reaches(found: dict[str, Any]) -> bool:
        return bool(sign * (found["predicted"] - value) >= 0)

    best = best_mixture(block, target, high)
    if not reaches(best):
        said = f"No mixture is predicted to reach {number(value)} on {target} with {number(high)} FLOPs or less: "
        return {**best, "reached": False, "words": f"{said}the best there is {number(best['predicted'])}."}
    at_low = best_mixture(block, target, low)
    for _ in range(0 if reaches(at_low) or not block["scaled"] else STEPS):
        middle = math.sqrt(low * high)
        found = best_mixture(block, target, middle)
        low, high, best = (low, middle, found) if reaches(found) else (middle, high, best)
    best = at_low if reaches(at_low) else best
    limit = " or less, the least that was fitted" if best is at_low else ""
    words = f"{number(value)} on {target} takes {number(best['compute'])} FLOPs{limit}, with this mixture. "
    return {**best, "reached": True, "words": words + best["words"]}
