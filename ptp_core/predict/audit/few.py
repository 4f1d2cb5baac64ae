"""How little is known: few variants, one run of each, numbers that are missing, constant or averaged."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np

from ptp_core.predict.audit.finding import Finding, Severity
from ptp_core.predict.quantities import Measured, Quantity
from ptp_core.predict.wording import listed
from ptp_core.stats.pairs import null_sd
from ptp_core.table.names import headline_of, headlines

FEW_VARIANTS = 20
"""Up to here the null sd of a pairwise accuracy is .08 or more: an accuracy of .65 is then nothing unusual."""

MANY_MISSING = 0.2
"""Share of the variants without a number from which on it is a warning."""

UNLIKE = "do not compare like with like"
OTHER_TOKENS = "after different numbers of pre-training tokens"
"""How notes of ``quantities.measured`` read that weigh more, or are said by ``checkpoints``."""


def strangers(data: Measured) -> list[Finding]:
    """Two tables may name the same variants differently: every indicator would look worthless."""

    def having(quantities: Mapping[str, Quantity]) -> list[str]:
        known = np.any([np.isfinite(quantity.values) for quantity in quantities.values()], axis=0)
        return [name for name, present in zip(data.variants, known, strict=True) if present]

    if not data.indicators or not data.outcomes:
        return []
    before, after = having(data.indicators), having(data.outcomes)
    if set(before) & set(after):
        return []
    sentence = (
        f"No variant has both an indicator and an outcome: indicators are known of {listed(before[:3])}, outcomes of "
        f"{listed(after[:3])}. If these are the same variants, name them alike."
    )
    numbers = {"n_with_indicator": len(before), "n_with_outcome": len(after)}
    return [Finding("strangers", "grave", sentence, variants=data.variants, numbers=numbers)]


def few_variants(data: Measured) -> list[Finding]:
    """So few that an accuracy far from one half is nothing unusual; the outcome that the fewest have counts."""
    n = min([int(np.isfinite(o.values).sum()) for o in data.outcomes.values()] or [len(data.variants)])
    if not 1 < n <= FEW_VARIANTS:
        return []
    sd = null_sd(n)
    numbers = {"n_variants": n, "null_sd": sd, "two_sds": min(1.0, 0.5 + 2 * sd)}
    sentence = (
        f"With {n} variants the pairwise accuracy of an unrelated indicator has a standard deviation of "
        f"{sd:.3f}: an accuracy of {numbers['two_sds']:.2f} is within two of them."
    )
    return [Finding("few_variants", "warning", sentence, numbers=numbers)]


def single_runs(data: Measured) -> list[Finding]:
    """Outcomes with one fine-tuning run per variant."""
    single = [name for name in headlines(data.outcomes) if not data.outcomes[name].seed_freedom]
    if not single:
        return []
    sentence = (
        f"{listed(single)}: one fine-tuning run per variant, so the noise between seeds is not known and no "
        "probability of being best is given."
    )
    return [Finding("single_runs", "note", sentence, outcomes=tuple(single), numbers={"n_outcomes": len(single)})]


def one_pretraining(data: Measured) -> list[Finding]:
    """A recipe is more than one run of it, and the table cannot say how much runs of a recipe differ."""
    if "seed" in (*data.numbers, *data.words) or not any(o.seed_freedom for o in data.outcomes.values()):
        return []
    sentence = (
        "Every variant was pre-trained once, so the noise between pre-training seeds is not measured: what is said "
        "about a variant is about this checkpoint of it, and the same recipe with another seed may fall elsewhere."
    )
    return [Finding("one_pretraining", "note", sentence)]


def lacking(data: Measured) -> list[Finding]:
    """What is not known of some variants or is the same for all; of a quantity only where its headline differs."""
    found = []
    sides: tuple[tuple[Literal["outcome", "indicator"], dict[str, Quantity]], ...]
    sides = (("outcome", data.outcomes), ("indicator", data.indicators))
    for side, quantities in sides:
        lacks = {name: _lack(data.variants, side, quantity) for name, quantity in quantities.items()}
        for name, lack in lacks.items():
            head = headline_of(name, quantities)
            if lack and (head == name or not _same(lack, lacks[head])):
                found.append(lack)
    return found


def _same(a: Finding, b: Finding | None) -> bool:
    return b is not None and (a.kind, a.variants) == (b.kind, b.variants)


def _lack(variants: tuple[str, ...], side: Literal["outcome", "indicator"], quantity: Quantity) -> Finding | None:
    outcomes = (quantity.name,) if side == "outcome" else ()
    indicators = (quantity.name,) if side == "indicator" else ()
    without = [variant for variant, value in zip(variants, quantity.values, strict=True) if np.isnan(value)]
    if without:
        many = len(without) > MANY_MISSING * len(variants)
        return Finding(
            kind="missing",
            severity="warning" if many else "note",
            sentence=f"No {side} {quantity.name} for {_variants(without)}: left out wherever it is used.",
            variants=tuple(without),
            indicators=indicators,
            outcomes=outcomes,
            numbers={"n_missing": len(without), "n_variants": len(variants)},
        )
    if quantity.values.min() < quantity.values.max():
        return None
    return Finding(
        kind=f"constant_{side}",
        severity="grave" if side == "outcome" else "warning",
        sentence=f"The {side} {quantity.name} is the same for all variants and cannot tell them apart.",
        indicators=indicators,
        outcomes=outcomes,
        numbers={"value": float(quantity.values[0]), "n_variants": len(variants)},
    )


def _variants(names: list[str]) -> str:
    return f"{'variant' if len(names) == 1 else 'variants'} {listed(names)}"


def averaged(data: Measured, checkpoints_said: bool) -> list[Finding]:
    """What had to be averaged, chosen or left out to get one number per variant."""
    found = []
    for note in data.notes:
        severity: Severity = "warning" if UNLIKE in note else "note"
        if not (checkpoints_said and OTHER_TOKENS in note):
            found.append(Finding("averaged", severity, note))
    return found
