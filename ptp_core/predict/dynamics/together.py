"""What several runs say together: runs are independent of each other, as checkpoints of one are not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ptp_core.predict.dynamics.intervals import corrected, mean_of

Row = Mapping[str, Any]


def together(found: Mapping[str, Sequence[Row]], confidence: float) -> dict[str, list[dict[str, Any]]]:
    """Means over runs of the rows of ``gains``, ``forgetting``, ``formats`` (their last ``sd``) and ``correlation``.

    A row per train task and test set, or pair of groups, that two runs or more have; ``correlation`` has one row, the
    mean over runs of each one's mean in domain. ``ci95``: Student's t over runs; ``n`` counts them.
    """
    pair = ("train_task", "test")
    own = [row for row in found["correlation"] if row["in_domain"]]
    by_run = [{"all": "", **row} for row in _means(own, ("trajectory",), "spearman", confidence)]
    return {
        "gains": corrected(_means(found["gains"], (*pair, "in_domain"), "mean_gain", confidence, 2)),
        "forgetting": _means(found["forgetting"], ("from_group", "to_group"), "mean_gain", confidence, 2),
        "formats": _means(found["formats"], pair, "last", confidence, 2),
        "correlation": _means(by_run, ("all",), "spearman", confidence, 2),
    }


def _means(
    rows: Sequence[Row], by: tuple[str, ...], value: str, confidence: float, fewest: int = 1
) -> list[dict[str, Any]]:
    groups: dict[tuple[Any, ...], list[float]] = {}
    for row in rows:
        if np.isfinite(row[value]):
            groups.setdefault(tuple(row[key] for key in by), []).append(row[value])
    found = []
    for key, values in groups.items():
        if len(values) >= fewest:
            mean = mean_of(np.array(values), confidence)
            named = {name: part for name, part in zip(by, key, strict=True) if name != "all"}
            low, high = mean.interval or (None, None)
            if value == "spearman" and low is not None and high is not None:
                # A mean of correlations is one itself.
                low, high = max(low, -1.0), min(high, 1.0)
            ends = None if low is None else [low, high]
            found.append(named | {value: mean.value, "ci95": ends, "p": mean.p, "n": mean.n})
    return found
