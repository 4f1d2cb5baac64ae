"""Which scores are alike enough to be averaged."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ptp_core.predict.audit.outcomes import NATURAL_CEILINGS
from ptp_core.predict.dynamics.cells import Curve

Scale = tuple[bool, float | None]
"""Whether higher is better, and the best value there can be."""


def scale_of(curves: Sequence[Curve]) -> Scale:
    """The scale of a test set's scores, told from all of them: shares, percentages, or neither (None)."""
    values = np.concatenate([np.concatenate([curve.base, curve.tuned]) for curve in curves])
    top = next((top for top in NATURAL_CEILINGS if values.max() <= top), None) if values.min() >= 0 else None
    return curves[0].higher_is_better, top


def alike(tests: Sequence[Sequence[Curve]]) -> bool:
    """Whether the scores of several test sets have one unit; numbers without a natural best value have none."""
    scales = {scale_of(curves) for curves in tests}
    return len(tests) < 2 or (len(scales) == 1 and scales.pop()[1] is not None)
