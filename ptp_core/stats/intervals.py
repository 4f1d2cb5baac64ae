"""The interval of a pairwise accuracy over variants: right with twenty of them, and with ten clusters."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ptp_core.stats.jackknife import judged_signs, tau_error, unit_pairs
from ptp_core.stats.pairs import Floats, PairMask, sign_matrix


def jackknife_intervals(
    indicators: Floats,
    outcome: Floats,
    *,
    confidence: float,
    clusters: NDArray[np.intp] | None = None,
    judged: PairMask | None = None,
) -> Floats:
    """Interval of each indicator's pairwise accuracy: (n, K), (n,) -> (K, 2), larger is better, no missing values.

    Estimand: the accuracy over the population the variants stand for; with ``judged`` (n, n) over the pairs it marks;
    with ``clusters`` (n,) over the population of clusters, within which errors may depend in any way. The interval is
    τ = 2A − 1 ± t·se on Fisher's z scale, where the error depends little on τ, with the jackknife's error
    (``tau_error``) and units − 1 degrees of freedom (Long & Cliff 1997 for τ without ties). It covers 92–98 % at
    .95 in simulations of 20 and 50 variants, 10 clusters, ties and correlations up to .8
    (tests/stats/test_intervals.py), and more with fewer variants or strata of fewer than six.

    A perfect indicator gets the lower end it would have with one wrong pair, and 1 as the upper: no number of pairs
    of five variants is certain. A constant indicator is 1/2 whatever the variants: [1/2, 1/2]. [0, 1] with fewer than
    three independent units, NaN where no pair is judged.
    """
    signs = judged_signs(outcome, judged)
    return np.array([_interval(column, signs, confidence, clusters) for column in indicators.T]).reshape(-1, 2)


def _interval(
    column: Floats, signs: Floats, confidence: float, clusters: NDArray[np.intp] | None
) -> tuple[float, float]:
    from scipy.stats import t as student

    weights = np.abs(signs)
    tau = tau_error(sign_matrix(column) * signs, weights, clusters)
    if np.isnan(tau.value):
        return float("nan"), float("nan")
    if tau.error == 0:
        return 0.5, 0.5
    if np.isinf(tau.error):
        return 0.0, 1.0
    most = 1 - 2 / unit_pairs(weights, tau.units)
    inner = np.clip(tau.value, -most, most)
    reach = student.ppf((1 + confidence) / 2, tau.units - 1) * tau.error / (1 - inner**2)
    low, high = np.tanh(np.arctanh(inner) + np.array([-reach, reach]))
    return float((1 + min(low, tau.value)) / 2), float((1 + max(high, tau.value)) / 2)
