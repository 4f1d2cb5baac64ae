"""When a prediction decides nothing: its band is wider than the candidates are apart."""

from __future__ import annotations

import numpy as np

from ptp_core.predict.scaling.points import Floats
from ptp_core.predict.wording import number

SAME = 1e-6


def spread_of_candidates(predicted: Floats, compute: Floats, actual: Floats) -> float:
    """Largest less smallest prediction over the candidates; of the fitted runs' actual values where there is one only.

    ``compute`` is that of the candidates: seeds of one size are one candidate. NaN where neither is known.
    """
    able = np.isfinite(predicted)
    known = predicted[able]
    if len(known) < 2 or np.allclose(compute[able], compute[able][0], rtol=SAME):
        known = actual[np.isfinite(actual)]
    return float(known.max() - known.min()) if len(known) else float("nan")


def reason_to_abstain(band: tuple[float, float], spread: float, n_candidates: int) -> str | None:
    """A sentence with both numbers where the band is wider than the spread; None where it is not."""
    width = band[1] - band[0]
    if np.isfinite(width) and np.isfinite(spread) and width <= spread:
        return None
    if not np.isfinite(width):
        return "no band could be computed, so nothing is decided by this prediction"
    of = f"the {n_candidates} predicted runs differ" if n_candidates > 1 else "the fitted runs differ"
    return f"the band is {number(width)} wide, and {of} by {number(spread)}: this prediction tells none of them apart"
