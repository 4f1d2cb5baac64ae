"""The cheapest forecast there is: variants keep the order that they have early in training or at a small scale.

Source: DataDecide (Magnusson et al. 2025, arXiv 2504.11393), whose ranking at one small scale no scaling law beats.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
import pandas as pd

from ptp_core.predict.case import Case
from ptp_core.predict.judge.terms import Codes, Mask, agreeing
from ptp_core.predict.quantities import Floats, Measured, measured, own_scores

EARLY_SHARE = 0.8
"""So many of the variants must have the number at an early checkpoint for it to rank them."""

FEWEST_FORECASTS = 4

SCALE = re.compile(
    r"(?:^|[^a-z])(?:model|size|scale|n?params?|n?parameters?|n_layers?|layers?|depth|width|hidden|d_model|tokens?|steps?"
    r"|flops?|compute|budget)(?:$|[^a-z])",
    re.IGNORECASE,
)
"""Names of settings that cost compute …"""

NO_SCALE = re.compile(r"batch|vocab|warmup|context|seq|decay|length|window", re.IGNORECASE)
"""… unless they say one of these: a larger batch is no larger budget."""

AMOUNT = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([kmbt]?)", re.IGNORECASE)
UNITS = {"": 1.0, "k": 1e3, "m": 1e6, "b": 1e9, "t": 1e12}


def early_of(table: pd.DataFrame, data: Measured, case: Case) -> dict[str, Floats]:
    """Name → (n,) forecast of the outcome over the variants of ``case``, larger is better, NaN where there is none.

    ``data`` is what is measured of ``table``. By checkpoint: the number at the smallest ``checkpoint_tokens`` at which
    at least 80 % of the variants have it and a later one. By scale: for each setting named like a size or a budget,
    the number of the variants that agree in all other settings and have the smallest value of this one (their mean);
    another setting of size that goes with it, such as the depth with the width, need not agree. The smallest value is
    the smallest that gives a forecast for at least four variants, and not the same for all. A variant that is itself
    at this checkpoint or scale gets none. The number is the outcome, or where it is not known early the indicator of
    the same name, such as ``kshot_cms`` for ``sft_cms``.
    """
    return {**_by_checkpoint(table, data, case), **_by_scale(data, case)}


def _numbers(data: Measured, case: Case) -> Iterator[tuple[str, str]]:
    """(kind, name) of what may forecast the outcome, in order of preference."""
    yield "outcome", case.name
    for name in data.indicators:
        if _bare(name) == _bare(case.name):
            yield "indicator", name


def _bare(name: str) -> str:
    return name.replace("kshot_", "").replace("sft_", "")


def _by_checkpoint(table: pd.DataFrame, data: Measured, case: Case) -> dict[str, Floats]:
    scores = own_scores(table)
    scores = scores[scores["variant"].isin(case.variants)]
    for kind, name in _numbers(data, case):
        rows = scores[(scores["kind"] == kind) & (scores["name"] == name)]
        tokens = rows["checkpoint_tokens"].astype("float64").fillna(np.inf)  # missing means the end of training
        rows = rows[tokens < tokens.groupby(rows["variant"]).transform("max")]
        counts = rows.groupby("checkpoint_tokens")["variant"].nunique()
        usable = counts[counts >= EARLY_SHARE * len(case.variants)]
        if len(usable):
            first = usable.index.min()
            then = measured(rows[rows["checkpoint_tokens"] == first])
            quantity = (then.outcomes if kind == "outcome" else then.indicators)[name]
            found = dict(zip(then.variants, quantity.goodness.tolist(), strict=True))
            forecast = np.array([found.get(variant, np.nan) for variant in case.variants])
            return {f"{name} at {first:,.0f} tokens": forecast}
    return {}


def _by_scale(data: Measured, case: Case) -> dict[str, Floats]:
    whole = Case(data.outcomes[case.name], data.variants, data.indicators, data.numbers, data.words)
    wanted = np.isin(np.array(data.variants, dtype=object), np.array(case.variants, dtype=object))
    scales = {column: size for column in whole.settings if (size := _size(whole, column)) is not None}
    found: dict[str, Floats] = {}
    for column, size in scales.items():
        blocks = _siblings(whole, column, scales)
        for kind, name in _numbers(data, case):
            number = (data.outcomes if kind == "outcome" else data.indicators)[name].goodness
            forecast = _smallest(size, blocks, number, wanted)
            if forecast is not None:
                smallest, values = forecast
                by_variant = dict(zip(data.variants, values.tolist(), strict=True))
                found[f"{name} at {column} {_amount(smallest)}"] = np.array([by_variant[v] for v in case.variants])
                break
    return found


def _smallest(size: Floats, blocks: Codes, number: Floats, wanted: Mask) -> tuple[float, Floats] | None:
    """The smallest size that forecasts enough of the ``wanted`` variants, and these forecasts."""
    for smallest in np.unique(size[np.isfinite(size)])[:-1]:
        known = (size == smallest) & np.isfinite(number)
        counts = np.bincount(blocks[known], minlength=int(blocks.max()) + 1)
        sums = np.bincount(blocks[known], weights=number[known], minlength=len(counts))
        with np.errstate(invalid="ignore"):
            forecast = np.where((size > smallest) & wanted, (sums / np.where(counts, counts, np.nan))[blocks], np.nan)
        given = forecast[np.isfinite(forecast)]
        if len(given) >= FEWEST_FORECASTS and np.ptp(given) > 0:
            return float(smallest), forecast
    return None


def _siblings(case: Case, column: str, scales: dict[str, Floats]) -> Codes:
    """(n,): variants of one code agree in all settings but ``column`` and the sizes that it decides."""
    others = [
        codes
        for name in case.settings
        if name != column
        and (codes := case.codes(name)) is not None
        and not (name in scales and _decides(case.codes(column), codes))
    ]
    return agreeing(others, len(case.variants))


def _decides(size: Codes | None, other: Codes) -> bool:
    """Whether variants of one ``size`` are of one ``other`` size."""
    return size is not None and len(np.unique(np.column_stack([size, other]), axis=0)) == len(np.unique(size))


def _size(case: Case, column: str) -> Floats | None:
    """(n,): the values of a setting that is named like a size, if there are several; NaN where not known."""
    if NO_SCALE.search(column) or not SCALE.search(column):
        return None
    if column in case.numbers:
        size = case.numbers[column]
    else:
        matches = [AMOUNT.fullmatch(word.strip()) for word in case.words[column]]
        if any(match is None and word for match, word in zip(matches, case.words[column], strict=True)):
            return None
        size = np.array([float(m[1]) * UNITS[m[2].lower()] if m else np.nan for m in matches])
    return size if len(np.unique(size[np.isfinite(size)])) > 1 else None


def _amount(size: float) -> str:
    """150M, 1.3B; small ones as they are."""
    for unit, scale in (("T", 1e12), ("B", 1e9), ("M", 1e6)):
        if size >= scale:
            return f"{size / scale:g}{unit}"
    return f"{size:g}"
