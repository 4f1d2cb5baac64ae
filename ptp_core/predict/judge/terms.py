"""What all judgements of one outcome share: the outcome, which variants are independent, and how long to compute."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ptp_core.errors import UserError, did_you_mean
from ptp_core.predict.case import Case
from ptp_core.predict.quantities import Floats
from ptp_core.spec.select import Select

Codes = NDArray[np.int64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Terms:
    """Arrays are (n,) over the variants that have the outcome."""

    outcome: Floats
    """Larger is better."""
    select: Select
    clusters: Codes | None = None
    """Variants of one code are runs of one thing; None: every variant is independent."""
    nuisance: Codes | None = None
    """Value of the nuisance factor, -1 where it is not known; None: no factor is named."""

    def at(self, which: Mask) -> Terms:
        """The same for some of the variants."""
        clusters = None if self.clusters is None else self.clusters[which]
        nuisance = None if self.nuisance is None else self.nuisance[which]
        return replace(self, outcome=self.outcome[which], clusters=clusters, nuisance=nuisance)

    @property
    def permutations(self) -> int:
        """Shuffles behind a test of which there are dozens; each costs n² steps."""
        return min(self.select.permutations, 5000, max(400, 500_000_000 // max(1, len(self.outcome)) ** 2))


def terms_of(case: Case, select: Select) -> Terms:
    """The terms of a case. Raises UserError when ``select`` names a configuration column that there is not."""
    clusters, nuisance = _codes(case, select.clusters, "clusters"), _codes(case, select.nuisance, "nuisance")
    if clusters is not None:
        # A variant of which nothing is known is a run of itself.
        clusters = np.where(clusters < 0, len(clusters) + np.arange(len(clusters)), clusters)
    return Terms(case.goodness, select, clusters, nuisance)


def _codes(case: Case, column: str | None, field: str) -> Codes | None:
    if column is None:
        return None
    codes = case.codes(column)
    if codes is None:
        fix = did_you_mean(column, case.settings)
        raise UserError("no such configuration column", subject=f"select.{field}", got=column, fix=fix)
    return codes


def agreeing(others: list[Codes], n: int) -> Codes:
    """(n,): variants of one code agree in all of ``others``, each (n,); two blanks agree."""
    if not others:
        return np.zeros(n, dtype=np.int64)
    return np.unique(np.column_stack(others), axis=0, return_inverse=True)[1].reshape(-1).astype(np.int64)
