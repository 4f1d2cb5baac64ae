"""Outcomes that cannot tell variants apart: at chance, at their ceiling, tied, or within the noise of seeds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ptp_core.predict.audit.copies import ties
from ptp_core.predict.audit.finding import Finding, Severity
from ptp_core.predict.decide.best import pairs_within_noise, standard_errors
from ptp_core.predict.quantities import Floats, Measured, Quantity
from ptp_core.predict.wording import listed, number, percent
from ptp_core.spec.select import Select
from ptp_core.table.names import headlines

UNKNOWN_NOISE = 0.01
"""Where no standard error is known: this share of the range from chance to ceiling counts as noise."""

SOME, HALF = 0.1, 0.5
"""Shares of the variants, or of the pairs, from which on it is a warning, and grave."""

FEW_TIES = 0.01
"""Share of tied pairs below which they are not worth a word."""

SAME_LABELS = 0.9
"""Share of the variants without a single error from which on the gold labels are probably all the same."""

NATURAL_CEILINGS = (1.0, 100.0)
"""Shares and percentages."""


def at_bounds(data: Measured, select: Select, chance: Mapping[str, float]) -> list[Finding]:
    """How many variants are at chance or at the ceiling of each outcome, and how many pairs that leaves.

    At chance: not better than chance by more than two standard errors (of seeds and items as far as known), or by
    1 % of the range where none is known. Two variants that are both at chance differ by luck: such pairs are lost.
    At the ceiling likewise. Chance and ceiling are those of ``select``, before ``chance``; an outcome without a
    ceiling whose values all lie in 0 … 1 or 0 … 100 has that one.
    """
    floors = {**chance, **select.chance}
    found = []
    for name in [name for name in data.outcomes if name in {*headlines(data.outcomes), *floors, *select.ceiling}]:
        quantity = data.outcomes[name]
        known = quantity.at(np.isfinite(quantity.values))
        variants = tuple(v for v, value in zip(data.variants, quantity.values, strict=True) if np.isfinite(value))
        top = _ceiling(known, select.ceiling.get(name))
        floor = floors.get(name)
        if floor is not None:
            found += _bound(known, variants, "at_chance", floor, _noise(known, top, floor))
        if top is not None:
            found += _bound(known, variants, "at_ceiling", top, _noise(known, top, floor))
    return found


def _ceiling(quantity: Quantity, given: float | None) -> float | None:
    if given is not None or not quantity.higher_is_better or not len(quantity.values) or quantity.values.min() < 0:
        return given
    return next((top for top in NATURAL_CEILINGS if quantity.values.max() <= top), None)


def _noise(quantity: Quantity, top: float | None, floor: float | None) -> Floats:
    """(n,): two standard errors; where they are not known, a share of the range in its place."""
    low = min(0.0, float(quantity.values.min(initial=0.0))) if floor is None else floor
    high = float(quantity.goodness.max(initial=low)) if top is None else top
    errors = standard_errors(quantity)[0]
    return np.where(np.nan_to_num(errors) > 0, 2 * np.nan_to_num(errors), UNKNOWN_NOISE * abs(high - low))


def _bound(
    quantity: Quantity, variants: tuple[str, ...], kind: Literal["at_chance", "at_ceiling"], bound: float, noise: Floats
) -> list[Finding]:
    sign = 1 if quantity.higher_is_better else -1
    slack = noise + 1e-12 * abs(bound)  # .99 is 1 % below 1, whatever the last bit says
    good, edge = quantity.goodness, sign * bound
    there: NDArray[np.bool_] = good <= edge + slack if kind == "at_chance" else good >= edge - slack
    n, k = len(variants), int(there.sum())
    if k < 2:
        return []
    numbers = {
        "bound": float(bound),
        "n_there": k,
        "n_variants": n,
        "n_pairs": n * (n - 1) // 2,
        "n_pairs_left": n * (n - 1) // 2 - k * (k - 1) // 2,
        "n_exactly": int((quantity.values == bound).sum()),
    }
    return [
        Finding(
            kind=kind,
            severity=_by_share(k / n),
            sentence=_bound_sentence(quantity.name, kind, numbers),
            variants=tuple(v for v, is_there in zip(variants, there, strict=True) if is_there),
            outcomes=(quantity.name,),
            numbers=numbers,
        )
    ]


def _by_share(share: float) -> Severity:
    return "grave" if share >= HALF else "warning" if share >= SOME else "note"


def _bound_sentence(name: str, kind: str, numbers: Mapping[str, float]) -> str:
    where = "no better than chance" if kind == "at_chance" else "at the ceiling"
    sentence = (
        f"{numbers['n_there']} of {numbers['n_variants']} variants are {where} on {name} ({number(numbers['bound'])}), "
        f"as far as its noise can tell: their order among themselves is luck, and {numbers['n_pairs_left']} of "
        f"{numbers['n_pairs']} pairs are left to be predicted."
    )
    if kind == "at_ceiling" and numbers["n_exactly"] >= SAME_LABELS * numbers["n_variants"]:
        sentence += f" {numbers['n_exactly']} make no error at all: see whether all right answers are the same one."
    return sentence


def tied(data: Measured, convention: str) -> list[Finding]:
    """Pairs of equal values: neither order of an outcome is right, and an indicator guesses."""
    found = []
    sides: tuple[tuple[Literal["outcome", "indicator"], dict[str, Quantity]], ...]
    sides = (("outcome", data.outcomes), ("indicator", data.indicators))
    for side, quantities in sides:
        shares = {name: _tied_share(quantities[name].values) for name in headlines(quantities)}
        shares = {name: share for name, share in shares.items() if FEW_TIES <= share < 1}
        if shares:
            found.append(_ties(side, shares, convention))
    return found


def _tied_share(values: Floats) -> float:
    known = values[np.isfinite(values)]
    pairs = len(known) * (len(known) - 1) // 2
    return ties(known) / pairs if pairs else 0.0


def _ties(side: Literal["outcome", "indicator"], shares: dict[str, float], convention: str) -> Finding:
    effect = "such pairs are not judged" if side == "outcome" else "each such pair counts as half right"
    if convention == "paper":
        effect = "such pairs are judged like any other"
    several = listed([f"{percent(share)} of the pairs of {name}" for name, share in shares.items()])
    return Finding(
        kind="ties",
        severity="warning" if max(shares.values()) >= SOME else "note",
        sentence=f"Equal values: {several}; {effect}.",
        indicators=tuple(shares) if side == "indicator" else (),
        outcomes=tuple(shares) if side == "outcome" else (),
        numbers={"shares": shares},
    )


def seed_noise(data: Measured, confidence: float) -> list[Finding]:
    """Pairs of variants that differ by less than fine-tuning with another seed changes: their order is not known."""
    found = []
    for name in headlines(data.outcomes):
        quantity = data.outcomes[name]
        known = quantity.at(np.isfinite(quantity.values))
        within, pairs = pairs_within_noise(known, confidence), len(known.values) * (len(known.values) - 1) // 2
        if within:
            found.append(_within(name, within, pairs, known.seed_sd))
    return found


def _within(name: str, within: int, pairs: int, seed_sd: float) -> Finding:
    share = within / pairs
    # An indicator cannot be right about an order that is not there: half of all pairs lost is much.
    return Finding(
        kind="seed_noise",
        severity="warning" if share >= HALF else "note",
        sentence=f"{percent(share)} of the pairs of {name} differ by less than other fine-tuning seeds would change "
        f"(standard deviation between seeds {number(seed_sd)}): which of the two is better is not known.",
        outcomes=(name,),
        numbers={"n_within": within, "n_pairs": pairs, "share": share, "seed_sd": seed_sd},
    )
