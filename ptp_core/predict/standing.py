"""What each indicator is worth on an outcome, in one word and one sentence: the tests and the audit taken together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ptp_core.predict.audit.finding import Finding
from ptp_core.predict.wording import percent

Block = Mapping[str, Any]

LEFT_OF_IT = 0.5
"""Confounded: at an equal setting less than this share of the indicator's advantage over chance is left."""


def add_standing(
    outcomes: Mapping[str, Mapping[str, Any]],
    findings: Sequence[Finding],
    confidence: float,
    claim: tuple[str | None, str | None] = (None, None),
) -> None:
    """Fill ``verdict`` and ``words`` of every indicator in the JSON blocks of ``outcomes``.

    ``claim``: outcome and indicator that were named beforehand; this one test stands by its own p, uncorrected.

    ``verdict`` is the first that holds of: untestable (no pair to judge), constant, leak (the audit found that it
    nearly is the outcome, or shares its items), undecided (not told from chance after correction), worse (than
    chance), confounded (better than chance, but not where a setting is equal that orders the outcome by itself), and
    better.
    """
    for name, block in outcomes.items():
        mine = [finding for finding in findings if name in finding.outcomes]
        for indicator, single in block["indicators"].items():
            p = single["p"] if (name, indicator) == claim else _corrected(single)
            single["verdict"], single["words"] = _standing(
                indicator, single, p, {**block, "name": name}, mine, 1 - confidence
            )


def _standing(
    name: str, single: Block, p: float, block: Block, findings: list[Finding], level: float
) -> tuple[str, str]:
    accuracy = single["accuracy"]
    if not single["n_pairs"] or p != p:
        return "untestable", f"{name} could not be judged: no pair of variants has it and differs in the outcome."
    if single["n_indicator_ties"] == single["n_pairs"]:
        return "constant", f"{name} is the same for all variants and cannot tell them apart."
    if leak := next((f for f in findings if f.kind in ("dependence", "shared_items") and name in f.indicators), None):
        return "leak", leak.sentence
    share = _share(single)
    if p > level:
        return "undecided", f"{name} is not shown to order the variants better or worse than chance ({share})."
    if accuracy < 0.5:
        return "worse", f"{name} orders the variants worse than chance ({share}): it points the wrong way."
    if confounder := _confounder(name, accuracy, block, findings, level):
        return "confounded", f"{name} orders {share}, {confounder}"
    return "better", f"{name} orders the variants better than chance ({share}){_at_equal(name, block, findings)}."


def _corrected(single: Block) -> float:
    """The p that the claim stands by: Holm's for a headline, the false discovery rate for what is explored."""
    holm, q = single["p_holm"], single["q"]
    return float(q if holm is None or holm != holm else holm)


def _share(single: Block) -> str:
    low, high = single["ci95"]
    return f"{percent(single['accuracy'])} of pairs, interval {percent(low)} to {percent(high)}"


def _equal(name: str, block: Block, findings: list[Finding]) -> list[tuple[str, Block, Block]]:
    """(factor, its stratum, the indicator in it) of every setting that orders the outcome by itself."""
    factors = [finding.factor for finding in findings if finding.kind == "confound"]
    return [
        (stratum["factor"], stratum, stratum["indicators"][name])
        for factor in factors
        for stratum in block["strata"]
        if stratum["kind"] == "equal" and stratum["factor"] == factor and name in stratum["indicators"]
    ]


def _confounder(name: str, accuracy: float, block: Block, findings: list[Finding], level: float) -> str:
    for factor, stratum, inside in _equal(name, block, findings):
        lost = inside["accuracy"] - 0.5 < LEFT_OF_IT * (accuracy - 0.5)
        if lost and not inside["p"] <= level:
            return (
                f"but only {percent(inside['accuracy'])} of the {stratum['n_pairs']} pairs of equal {factor}, a "
                "setting that orders the outcome by itself: what it knows may be the setting."
            )
    return _as_good_a_setting(name, accuracy, block, findings)


def _as_good_a_setting(name: str, accuracy: float, block: Block, findings: list[Finding]) -> str:
    """Where no variants share such a setting nothing can be held equal: one that does as well explains it all."""
    shared = {factor for factor, _, inside in _equal(name, block, findings) if inside["accuracy"] == inside["accuracy"]}
    for finding in findings:
        if finding.kind != "confound" or finding.factor in shared or name not in finding.indicators:
            continue
        alone = finding.numbers["accuracy"][block["name"]]
        strength = max(alone, 1 - alone)
        if strength >= accuracy:
            return (
                f"but the setting {finding.factor}, with which it goes, orders {percent(strength)} by itself, and too "
                "few variants share it to hold it equal: what it knows may be the setting."
            )
    return ""


def _at_equal(name: str, block: Block, findings: list[Finding]) -> str:
    """How it does where the strongest such setting is equal."""
    for factor, stratum, inside in _equal(name, block, findings)[:1]:
        if inside["accuracy"] == inside["accuracy"]:
            return f", and {percent(inside['accuracy'])} of the {stratum['n_pairs']} pairs of equal {factor}"
    return ""
