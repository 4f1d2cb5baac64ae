"""Results of splits as JSON blocks."""

from __future__ import annotations

import math
from typing import Any

from ptp_core.predict.quantities import Floats
from ptp_core.predict.splits import Split
from ptp_core.spec.select import Select
from ptp_core.stats.splits import SplitMean, corrected_mean


def over_splits(values: Floats, split: Split, select: Select) -> SplitMean:
    """Mean of one number per split, corrected for the overlap of splits of the size of ``split``."""
    train, test = split
    return corrected_mean(values, n_train=len(train), n_test=len(test), confidence=select.confidence)


def accuracy_block(accuracies: Floats, split: Split, select: Select) -> dict[str, Any]:
    """``mean``, ``sd``, ``ci95``, ``n_splits`` and the ``accuracies`` themselves."""
    result = over_splits(accuracies, split, select)
    low, high = result.interval
    # The t interval knows no bounds, an accuracy does.
    interval = [low, high] if math.isnan(low) else [max(0.0, low), min(1.0, high)]
    numbers = {"mean": result.mean, "sd": result.sd, "ci95": interval, "n_splits": result.n_splits}
    return numbers | {"accuracies": accuracies.tolist()}


def difference_block(a: str, b: str, difference: Floats, split: Split, select: Select) -> dict[str, Any]:
    """``a`` minus ``b`` on the same splits, with the p of no difference (Nadeau & Bengio 2003)."""
    result = over_splits(difference, split, select)
    return {"a": a, "b": b, "difference": result.mean, "ci95": list(result.interval), "p": result.p}
