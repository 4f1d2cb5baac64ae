"""Does an indicator order the variants, or does it mirror a setting? Pairs that share or differ in one setting."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ptp_core.predict.case import Case
from ptp_core.predict.judge.shares import Effort, shares
from ptp_core.predict.judge.terms import Codes, Mask, Terms, agreeing
from ptp_core.predict.quantities import Floats
from ptp_core.stats.pairs import pairwise_accuracy

STREAM = 12

FEWEST_PAIRS = 10
"""So many pairs must differ in one setting only for their accuracy to be worth a line."""

FEWEST_IN_LEVEL = 3


@dataclass(frozen=True)
class Stratum:
    """Some of the pairs of n variants."""

    factor: str
    kind: str
    label: str
    judged: Mask
    """(n, n), symmetric."""
    codes: Codes | None
    """(n,): strata within which the variants are exchangeable and all pairs are judged, -1 outside; None: no such."""


def strata(case: Case, names: tuple[str, ...], terms: Terms) -> list[dict[str, Any]]:
    """The indicators ``names`` over the pairs that agree in a setting, and over those that differ in nothing else.

    Settings of which 2 to n/2 values are shared by several variants. Kind ``equal``: pairs of the same value, tested
    by shuffles within values. Kind ``only``, where there are other settings: pairs that differ in this setting and
    agree in all others (two blanks agree), if at least 10 of them have different outcomes; tested by shuffles among
    the variants that agree in the others, unless two of them agree in everything (their pairs are not judged): then p
    is NaN. A variant of unknown value is in no stratum. ``n_pairs`` counts the pairs of the stratum,
    ``n_outcome_ties`` those of them not judged.
    """
    columns = {name: case.indicators[name].goodness for name in names}
    return [_block(stratum, case, columns, terms) for stratum in _strata(case)] if columns else []


def _strata(case: Case) -> Iterator[Stratum]:
    settings = {column: codes for column in case.settings if (codes := case.codes(column)) is not None}
    settings = {column: codes for column, codes in settings.items() if len(np.unique(codes)) > 1}
    for factor, codes in settings.items():
        if not 2 <= _repeated(codes) <= len(codes) / 2:
            continue
        known = (codes[:, None] >= 0) & (codes[None, :] >= 0)
        equal = codes[:, None] == codes[None, :]
        yield Stratum(factor, "equal", f"pairs of equal {factor}", known & equal, codes)
        if len(settings) == 1:
            continue
        blocks = agreeing([other for name, other in settings.items() if name != factor], len(codes))
        agree = known & (blocks[:, None] == blocks[None, :])
        only = agree & ~equal
        if np.count_nonzero(only & (case.goodness[:, None] != case.goodness[None, :])) >= 2 * FEWEST_PAIRS:
            replicated = (agree & equal).sum() > (codes >= 0).sum()
            testable = None if replicated else np.where(codes >= 0, blocks, -1)
            yield Stratum(factor, "only", f"pairs that differ in {factor} only", only, testable)


def _repeated(codes: Codes) -> int:
    """How many values several variants share."""
    return int((np.bincount(codes[codes >= 0], minlength=1) > 1).sum())


def _block(stratum: Stratum, case: Case, columns: Mapping[str, Floats], terms: Terms) -> dict[str, Any]:
    judged = stratum.judged & ~np.eye(len(case.variants), dtype=bool)
    effort = Effort(terms.permutations if stratum.codes is not None else 0, STREAM)
    inside = judged.any(axis=1)
    known = {name: np.where(inside, column, np.nan) for name, column in columns.items()}
    ties = judged & (terms.outcome[:, None] == terms.outcome[None, :])
    return {
        "factor": stratum.factor,
        "kind": stratum.kind,
        "label": stratum.label,
        "n_variants": int(inside.sum()),
        "n_pairs": int(judged.sum()) // 2,
        "n_outcome_ties": int(ties.sum()) // 2,
        "indicators": {
            name: {"accuracy": share.pairs.accuracy, "ci95": list(share.interval), "p": share.p}
            for name, share in shares(known, terms, effort, judged, stratum.codes).items()
        },
        "levels": _levels(stratum.factor, case, columns, terms) if stratum.kind == "equal" else [],
    }


def _levels(factor: str, case: Case, columns: Mapping[str, Floats], terms: Terms) -> list[dict[str, Any]]:
    """Each value of the factor that three variants share, if their outcomes differ."""
    codes = case.codes(factor)
    assert codes is not None
    levels = []
    for code in np.flatnonzero(np.bincount(codes[codes >= 0]) >= FEWEST_IN_LEVEL):
        which = codes == code
        outcome = terms.outcome[which]
        if np.ptp(outcome) == 0:
            continue
        accuracies = {}
        for name, column in columns.items():
            known = np.isfinite(column[which])
            accuracies[name] = {"accuracy": pairwise_accuracy(column[which][known], outcome[known]).accuracy}
        n = len(outcome)
        value = _value(factor, case, int(np.flatnonzero(which)[0]))
        levels.append({"value": value, "n_variants": n, "n_pairs": n * (n - 1) // 2, "indicators": accuracies})
    return levels


def _value(factor: str, case: Case, i: int) -> str:
    return f"{case.numbers[factor][i]:.12g}" if factor in case.numbers else case.words[factor][i]
