"""What a reader must know before trusting the numbers: copies, collapsed variants, few variants, missing seeds."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ptp_core.predict.quantities import Measured, Quantity
from ptp_core.predict.wording import listed, number
from ptp_core.stats.pairs import null_sd
from ptp_core.table.names import headline_of, headlines

FEW_VARIANTS = 20
"""Up to here the null sd of a pairwise accuracy is .08 or more: an accuracy of .65 is then nothing unusual."""

COLLAPSE_SDS = 8.0
COLLAPSE_SHARE = 0.5
"""Collapsed: worse than the median by this many robust sds and by this share of the median; one alone is a tail."""

MOST_COLLAPSED = 0.1
"""A collapse is an accident: if more than this share of the variants are so far off, they are a group of their own."""


def caveats(measured: Measured) -> list[str]:
    """Sentences on the table as a whole, the gravest first."""
    return [
        *_strangers(measured),
        *_copies(measured),
        *_collapsed(measured),
        *_few_variants(measured),
        *_single_runs(measured),
        *_one_pretraining(measured),
        *_missing(measured),
        *measured.notes,
    ]


def _strangers(measured: Measured) -> list[str]:
    """Two tables may name the same variants differently: every indicator would look worthless."""

    def having(quantities: Mapping[str, Quantity]) -> list[str]:
        known = np.any([np.isfinite(quantity.values) for quantity in quantities.values()], axis=0)
        return [name for name, present in zip(measured.variants, known, strict=True) if present]

    if not measured.indicators or not measured.outcomes:
        return []
    before, after = having(measured.indicators), having(measured.outcomes)
    if set(before) & set(after):
        return []
    return [
        f"No variant has both an indicator and an outcome: indicators are known of {listed(before[:3])}, outcomes of "
        f"{listed(after[:3])}. If these are the same variants, name them alike."
    ]


def _copies(measured: Measured) -> list[str]:
    quantities = [*measured.indicators.values(), *measured.outcomes.values()]
    if len(quantities) < 2:
        return []
    groups: dict[bytes, list[str]] = {}
    scores = np.column_stack([quantity.values for quantity in quantities])
    for variant, row in zip(measured.variants, scores, strict=True):
        groups.setdefault(row.tobytes(), []).append(variant)
    return [
        f"Variants {listed(group)} agree exactly in all {len(quantities)} numbers: "
        "probably one measurement entered more than once; all are kept."
        for group in groups.values()
        if len(group) > 1
    ]


def _collapsed(measured: Measured) -> list[str]:
    """Headlines only: a variant that fell apart has done so in every quantity of them."""
    sentences = []
    for quantity in [known[name] for known in (measured.outcomes, measured.indicators) for name in headlines(known)]:
        median = number(float(np.nanmedian(quantity.values)))
        for i in collapsed(quantity):
            value = number(float(quantity.values[i]))
            sentences.append(
                f"Variant {measured.variants[i]} has collapsed on {quantity.name}: {value}, "
                f"where the median is {median}; it is kept."
            )
    return sentences


def collapsed(quantity: Quantity) -> list[int]:
    """Indices of variants far below the others: 8 robust sds (1.4826·MAD) and half the median worse than the median.

    Positive quantities of which less is better (perplexities) are compared by their logarithms, in which their
    differences are differences of losses; half the median worse then means twice the median.
    """
    good, least = quantity.goodness, None
    if np.isfinite(good).sum() < 4:
        return []
    if not quantity.higher_is_better and np.nanmin(quantity.values) > 0:
        good, least = -np.log(quantity.values), -np.log(1 - COLLAPSE_SHARE)
    median = float(np.nanmedian(good))
    robust_sd = 1.4826 * float(np.nanmedian(np.abs(good - median)))
    if robust_sd == 0:
        return []
    shortfall = np.nan_to_num(median - good, nan=0.0)
    least = COLLAPSE_SHARE * abs(median) if least is None else least
    far = (shortfall > COLLAPSE_SDS * robust_sd) & (shortfall > least)
    return [int(i) for i in np.flatnonzero(far)] if far.sum() <= max(1, MOST_COLLAPSED * len(good)) else []


def _few_variants(measured: Measured) -> list[str]:
    n = len(measured.variants)
    if n > FEW_VARIANTS:
        return []
    return [
        f"With {n} variants the pairwise accuracy of an unrelated indicator has a standard deviation of "
        f"{null_sd(n):.3f}: an accuracy of {min(1.0, 0.5 + 2 * null_sd(n)):.2f} is within two of them."
    ]


def _single_runs(measured: Measured) -> list[str]:
    single = [name for name in headlines(measured.outcomes) if not measured.outcomes[name].seed_freedom]
    if not single:
        return []
    return [
        f"{listed(single)}: one fine-tuning run per variant, so the noise between seeds is not known and no "
        "probability of being best is given."
    ]


def _one_pretraining(measured: Measured) -> list[str]:
    """A recipe is more than one run of it, and the table cannot say how much runs of a recipe differ."""
    if "seed" in (*measured.numbers, *measured.words) or not any(o.seed_freedom for o in measured.outcomes.values()):
        return []
    return [
        "Every variant was pre-trained once, so the noise between pre-training seeds is not measured: what is said "
        "about a variant is about this checkpoint of it, and the same recipe with another seed may fall elsewhere."
    ]


def _missing(measured: Measured) -> list[str]:
    """What is not known of some variants or is the same for all; of a quantity only where its headline differs."""
    sentences = []
    for kind, quantities in (("outcome", measured.outcomes), ("indicator", measured.indicators)):
        said = {name: _lack(measured.variants, kind, quantity) for name, quantity in quantities.items()}
        for name, sentence in said.items():
            head = headline_of(name, quantities)
            if sentence and (head == name or sentence.replace(name, head, 1) != said[head]):
                sentences.append(sentence)
    return sentences


def _lack(variants: tuple[str, ...], kind: str, quantity: Quantity) -> str:
    lacking = [variant for variant, value in zip(variants, quantity.values, strict=True) if np.isnan(value)]
    if lacking:
        return f"No {kind} {quantity.name} for variants {listed(lacking)}: left out wherever it is used."
    constant = np.ptp(quantity.values) == 0
    return f"The {kind} {quantity.name} is the same for all variants and cannot tell them apart." if constant else ""
