"""Is an indicator right where it matters? Its accuracy by how far the outcomes of a pair lie apart."""

from __future__ import annotations

from typing import Any

import numpy as np

from ptp_core.predict.case import Case
from ptp_core.predict.judge.shares import Effort, shares
from ptp_core.predict.judge.terms import Terms

NO_TEST = Effort(permutations=0, stream=0)
QUINTILES = 5


def gaps(case: Case, names: tuple[str, ...], terms: Terms) -> list[dict[str, Any]]:
    """The indicators ``names`` over each fifth of the judged pairs, by the difference of their outcomes.

    ``low`` and ``high`` are the smallest and largest difference in a fifth, in the outcome's unit, larger is better
    or not. Pairs whose difference equals that of the border are in the lower fifth; a fifth that this leaves without
    pairs is not listed. Intervals resample variants, with the pairs of the fifth as they are.
    """
    columns = {name: case.indicators[name].goodness for name in names}
    n = len(terms.outcome)
    apart = np.abs(terms.outcome[:, None] - terms.outcome[None, :])
    reach = float(apart.max(initial=0.0))
    if not columns or reach == 0:
        return []
    # 0.3 - 0.2 and 0.2 - 0.1 are the same difference: without rounding the border would part them.
    level = np.round(apart / reach, 9)
    upper = level[np.triu_indices(n, k=1)]
    borders = np.quantile(upper[upper > 0], np.arange(1, QUINTILES) / QUINTILES)
    fifth = np.where(level > 0, np.searchsorted(borders, level, side="left") + 1, 0)
    found = []
    for number in range(1, QUINTILES + 1):
        judged = fifth == number
        if not judged.any():
            continue
        found.append(
            {
                "quintile": number,
                "low": float(f"{apart[judged].min():.9g}"),
                "high": float(f"{apart[judged].max():.9g}"),
                "n_pairs": int(judged.sum()) // 2,
                "indicators": {
                    name: {"accuracy": share.pairs.accuracy, "ci95": list(share.interval)}
                    for name, share in shares(columns, terms, NO_TEST, judged).items()
                },
            }
        )
    return found
