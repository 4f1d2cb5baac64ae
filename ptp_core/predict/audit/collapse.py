"""Variants that fell apart: far below all others, or without a single number."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from ptp_core.predict.audit.finding import Finding
from ptp_core.predict.quantities import Measured, Quantity, natural_order
from ptp_core.predict.wording import listed, number
from ptp_core.table.names import headlines

COLLAPSE_SDS = 8.0
COLLAPSE_SHARE = 0.5
"""Collapsed: worse than the median by this many robust sds and by this share of the median; one alone is a tail."""

MOST_COLLAPSED = 0.1
"""A collapse is an accident: if more than this share of the variants are so far off, they are a group of their own."""


def collapses(data: Measured, leave_out: bool) -> list[Finding]:
    """Collapsed variants of every headline: one that fell apart has done so in every quantity of it.

    Only a variant with a collapsed *outcome* goes if ``leave_out``: an indicator that collapses where the outcome does
    not is wrong about that variant, and leaving the variant out would hide this.
    """
    found = []
    for kind, quantities in (("outcomes", data.outcomes), ("indicators", data.indicators)):
        for name in headlines(quantities):
            out = leave_out and kind == "outcomes"
            found += [_finding(data.variants[i], i, quantities[name], kind, out) for i in collapsed(quantities[name])]
    gone = {finding.variants[0] for finding in found if finding.action == "left out"}
    return [_said(finding, finding.variants[0] in gone) for finding in found]


def _finding(variant: str, i: int, quantity: Quantity, kind: str, out: bool) -> Finding:
    numbers = {"value": float(quantity.values[i]), "median": float(np.nanmedian(quantity.values))}
    return Finding(
        kind="collapsed",
        severity="warning",
        sentence=f"Variant {variant} has collapsed on {quantity.name}: {number(numbers['value'])}, where the median is "
        f"{number(numbers['median'])}; it is ",
        variants=(variant,),
        outcomes=(quantity.name,) if kind == "outcomes" else (),
        indicators=(quantity.name,) if kind == "indicators" else (),
        numbers=numbers,
        action="left out" if out else "kept",
    )


def _said(finding: Finding, gone: bool) -> Finding:
    """A variant that one of its numbers sends away is gone with all of them."""
    end = "left out." if gone else "kept."
    return replace(finding, sentence=finding.sentence + end, action="left out" if gone else "kept")


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


def diverged(table: pd.DataFrame, data: Measured) -> list[Finding]:
    """Variants that are configured and have no number at all: what is left are the survivors."""
    lost = natural_order(set(table["variant"]) - set(data.variants))
    if not lost:
        return []
    sentence = (
        f"Of {listed(lost)} there are settings and no numbers: if training diverged there, the settings that others "
        "share with them look safer than they are."
    )
    numbers = {"n": len(lost), "n_variants": len(data.variants)}
    return [Finding("diverged", "warning", sentence, variants=tuple(lost), numbers=numbers)]
