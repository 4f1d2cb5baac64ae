"""Signal and noise of every number: how far variants differ, against how far one variant's number wanders.

Source: Heineman et al. 2025, arXiv 2508.13144, whose ratio foretells how often an indicator decides rightly.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from ptp_core.predict.quantities import Measured, Quantity, own_scores

LAST_SHARE = 0.2
"""Checkpoints in this last share of a variant's training show how its number wanders."""

FEWEST_CHECKPOINTS = 3
"""So many of them are needed, the last included."""


def noise(table: pd.DataFrame, data: Measured) -> dict[str, dict[str, dict[str, float | int]]]:
    """``{indicators, outcomes: {name: {signal, noise_…, snr_…}}}``; NaN where something is not known.

    ``data`` is ``measured(table)``. ``signal``: largest less smallest value over the variants' last checkpoints.
    ``noise_checkpoints``: standard deviation of a variant's values over its checkpoints in the last fifth of its
    training, pooled over variants (root mean square); ``n_checkpoints`` is the smallest number of checkpoints in it,
    0 where no variant has three. A trend within that fifth counts as noise. ``noise_items``: root mean square of the
    standard errors over items; ``noise_seeds`` (outcomes only): pooled standard deviation between fine-tuning seeds
    of a variant. Each ``snr_…`` is signal / noise; NaN where the noise is not known or 0. All in the number's unit.
    """
    wander = _over_checkpoints(own_scores(table))
    return {
        section: {
            name: _entry(quantity, wander.get((kind, name), (float("nan"), 0)), kind)
            for name, quantity in quantities.items()
        }
        for section, kind, quantities in (
            ("indicators", "indicator", data.indicators),
            ("outcomes", "outcome", data.outcomes),
        )
    }


def _entry(quantity: Quantity, wander: tuple[float, int], kind: str) -> dict[str, float | int]:
    values = quantity.values[np.isfinite(quantity.values)]
    signal = float(np.ptp(values)) if len(values) > 1 else float("nan")
    noises = {"checkpoints": wander[0], "items": _root_mean_square(quantity.item_errors)}
    if kind == "outcome":
        noises["seeds"] = quantity.seed_sd
    return {
        "signal": signal,
        "n_checkpoints": wander[1],
        **{f"noise_{name}": size for name, size in noises.items()},
        **{f"snr_{name}": signal / size if size > 0 else float("nan") for name, size in noises.items()},
    }


def _over_checkpoints(scores: pd.DataFrame) -> dict[tuple[str, str], tuple[float, int]]:
    """(kind, name) -> pooled standard deviation over late checkpoints, and the fewest checkpoints of a variant in it.

    A variant with a number of unknown tokens (its end, measured elsewhere) is left out: what a fifth of its training
    is cannot be told.
    """
    number = ["kind", "name", "variant"]
    late = _late(scores, number)
    # As the values of the analysis are made: splits and prompt formats within a seed first.
    per_seed = late.groupby([*number, "checkpoint_tokens", late["seed"].fillna(-1).rename("seed")])["value"].mean()
    values = per_seed.groupby(level=[*number, "checkpoint_tokens"]).mean()
    spread = values.groupby(level=number).agg(["std", "count"])
    spread = spread[spread["count"] >= FEWEST_CHECKPOINTS]
    return {
        (str(kind), str(name)): (_root_mean_square(rows["std"].to_numpy(np.float64)), int(rows["count"].min()))
        for (kind, name), rows in spread.groupby(level=["kind", "name"])
    }


def _late(scores: pd.DataFrame, number: list[str]) -> pd.DataFrame:
    tokens = scores["checkpoint_tokens"].astype("float64").fillna(np.inf)
    last = tokens.groupby([scores[column] for column in number]).transform("max")
    with np.errstate(invalid="ignore"):
        is_late = np.isfinite(last) & (tokens >= (1 - LAST_SHARE - 1e-9) * last)
    late: pd.DataFrame = scores[is_late]
    return late


def _root_mean_square(values: np.ndarray[Any, np.dtype[np.float64]]) -> float:
    known = values[np.isfinite(values)]
    return float(np.sqrt((known**2).mean())) if len(known) else float("nan")
