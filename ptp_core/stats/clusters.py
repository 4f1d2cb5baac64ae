"""The standard error of a mean over items that come in clusters, such as several questions about one document."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np


def mean_error(values: Sequence[float], clusters: Sequence[Hashable] | None = None) -> float:
    """Standard error of the mean of ``values`` (n,), whose errors are independent between clusters only.

    Estimand: the mean over the population that the clusters were drawn from. With one item a cluster (or no
    ``clusters``) this is sd/√n; with more, the square root of the sum over clusters of squared sums of deviations,
    over n, times C/(C−1) for C clusters (Liang & Zeger 1986; Miller 2024, arXiv 2411.00640, section 2.2). 0 for a
    single cluster, which says nothing about others.
    """
    x = np.asarray(values, dtype=np.float64)
    if clusters is None:
        sums = x - x.mean()
    else:
        codes = {key: i for i, key in enumerate(dict.fromkeys(clusters))}
        sums = np.zeros(len(codes))
        np.add.at(sums, [codes[key] for key in clusters], x - x.mean())
    count = len(sums)
    return float(np.sqrt((sums**2).sum() * count / (count - 1)) / len(x)) if count > 1 else 0.0
