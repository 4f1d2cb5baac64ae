"""Laws as they are written to a file, for whoever asks them about other sizes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ptp_core.predict.scaling.chains import Combined, Law, Unfit
from ptp_core.predict.scaling.emerged import Metric
from ptp_core.predict.scaling.points import Points

MOST_DRAWS, FEWEST_DRAWS = 200, 50
METRICS = 20
"""With more of them fewer draws are kept each, so that the file stays small."""
DIGITS = 7


def saved_laws(
    metric: Metric, laws: Mapping[str, Law | Combined | Unfit], fitted: Points, n_metrics: int
) -> dict[str, Any]:
    """Form → stages with θ as it was fitted and draws of it; the k-th draws of two stages are of the same resample.

    ``inflation`` and ``degrees`` of a stage say how much wider than its draws the law is uncertain (``laws.bands``);
    ``flops_per_param_token`` is C / (N·D) of the fitted runs, by their median: the study's own way to count FLOPs.
    """
    count = max(FEWEST_DRAWS, min(MOST_DRAWS, MOST_DRAWS * METRICS // n_metrics))
    return {
        form: {
            "stages": [
                {
                    "form": stage.form.name,
                    "theta": [_short(value) for value in stage.theta.tolist()],
                    "draws": [[_short(value) for value in row] for row in stage.thetas[:count].tolist()],
                    "inflation": stage.spread.inflation,
                    "degrees": stage.spread.degrees,
                }
                for stage in law.stages
            ],
            "loss": metric.loss if len(law.stages) > 1 else None,
            "ceiling": metric.ceiling,
            "higher_is_better": metric.rising,
            "largest_compute": law.largest_compute,
            "flops_per_param_token": float(np.median(fitted.compute / (fitted.params * fitted.tokens))),
        }
        for form, law in laws.items()
        if isinstance(law, Law)
    }


def _short(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")
