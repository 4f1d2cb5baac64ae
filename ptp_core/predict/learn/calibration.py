"""Does "beats it with probability .8" come true eight times of ten?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ptp_core.predict.learn.trials import Trial, tested_pairs
from ptp_core.predict.quantities import Floats
from ptp_core.predict.splits import Split

BINS = 10


def calibration(trial: Trial, outcome: Floats, splits: Sequence[Split], seed: int) -> dict[str, Any]:
    """The JSON block ``calibration`` of the test pairs of all splits, each as often as a split tests it.

    A pair enters once, with the probability p >= 1/2 of its favourite: the other order would only mirror it. Bins are
    ten of equal width from .5 to 1, empty ones left out; ``predicted`` is the mean p, ``observed`` the share of
    favourites that won, of a pair without favourite (p = 1/2) half. Brier score: mean (p - won)²; a coin has .25.
    Expected calibration error: mean |predicted - observed| over pairs (Naeini et al. 2015). Ties are dropped.
    """
    margins, signs = [np.empty(0)], [np.empty(0)]
    for answers, (_, test) in zip(trial.answers, splits, strict=True):
        first, second = tested_pairs(test, seed)
        judged = outcome[first] != outcome[second]
        margins.append((answers - 0.5)[judged])
        signs.append(np.sign(outcome[first] - outcome[second])[judged])
    margin, sign = np.concatenate(margins), np.concatenate(signs)
    return calibrated(0.5 + np.abs(margin), (1 + np.sign(margin) * sign) / 2)


def calibrated(probability: Floats, won: Floats) -> dict[str, Any]:
    """The same from the favourites' probabilities (P,) >= 1/2 and whether they won (P,): 0, 1, or 1/2 for neither."""
    edges = np.linspace(0.5, 1, BINS + 1).round(2)
    bins = np.clip(np.searchsorted(edges, probability, side="right") - 1, 0, BINS - 1)
    counts = np.bincount(bins, minlength=BINS)
    n_pairs, filled = len(probability), np.maximum(counts, 1)
    predicted = np.bincount(bins, probability, BINS) / filled
    observed = np.bincount(bins, won, BINS) / filled
    rows = [
        {
            "low": float(edges[k]),
            "high": float(edges[k + 1]),
            "predicted": float(predicted[k]),
            "observed": float(observed[k]),
            "n_pairs": int(counts[k]),
        }
        for k in np.flatnonzero(counts)
    ]
    error = float((counts * np.abs(predicted - observed)).sum() / n_pairs) if n_pairs else float("nan")
    # Of a pair without favourite (p - 1)² and p² are both 1/4, as is this.
    squares = np.where(won == 0.5, 0.25, (probability - won) ** 2)
    brier = float(squares.mean()) if n_pairs else float("nan")
    return {"bins": rows, "brier": brier, "expected_calibration_error": error, "n_pairs": n_pairs}
