"""Settings that by themselves order the variants on an outcome: an indicator may owe its accuracy to one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ptp_core.predict.audit.finding import Finding, Severity, gravest
from ptp_core.predict.audit.groups import epsilon_squared, eta_squared, group_accuracy
from ptp_core.predict.case import Case, case_of
from ptp_core.predict.judge.shares import known_together
from ptp_core.predict.quantities import Floats, Measured
from ptp_core.predict.wording import listed, p_value, percent
from ptp_core.spec.select import Select
from ptp_core.stats.multiplicity import holm
from ptp_core.stats.pairs import kendall_tau, null_sd, pairwise_accuracy
from ptp_core.stats.permutation import permutation_p
from ptp_core.table.names import headlines

NUMBER_STREAM, WORD_STREAM = 40, 41
"""Random streams of their own: one for the shuffles of numeric columns, one for those of words."""

FEWEST = 6
"""Variants with outcome and setting: fewer have too few orders to be surprised by one."""

MATTERS = 0.05
"""Distance of an accuracy from 1/2: a setting of a few variants only may be certain to matter and lend nobody much."""

KNOWN = 0.8
"""Share of the variants whose setting must be known."""

MOST_TOLD = 3
"""Outcomes of a column whose accuracies are told one by one."""

GOES_WITH_SDS = 2.576
"""An indicator goes with a column if Kendall's τ is this many null sds from 0: two-sided p < .01."""

GOES_WITH = 0.2
"""… and at least this large: among a thousand variants a trifle is significant."""

MOST_SIGNS, MOST_RANKS = 50_000_000, 5_000_000
FEWEST_SHUFFLES = 2000
"""Pair signs, or ranks, shuffled per outcome at most. If that is fewer shuffles of signs than ``FEWEST_SHUFFLES``,
there are hundreds of variants, and Kendall's normal limit is as good; of ranks so many are made nevertheless."""


@dataclass(frozen=True)
class _Single:
    """One column against one outcome."""

    outcome: str
    accuracy: float
    p: float
    share: float | None
    """Words: η², the share of the variance of the outcome's ranks that lies between the words."""


def confounds(data: Measured, select: Select) -> list[Finding]:
    """Configuration columns that alone predict a headline outcome, with the indicators that go with them.

    Numeric columns: pairwise accuracy as they are (larger is better), against 1/2, p by shuffling over variants (null
    hypothesis: the column is exchangeable over the variants given the outcome). Words: p of η² on the outcome's ranks,
    by shuffling the ranks over variants (Kruskal & Wallis 1952); the accuracy is that of ``group_accuracy``. Holm over
    all columns and outcomes; a column is a confound of an outcome if p_holm ≤ 1 − ``confidence`` and its accuracy is at
    least .05 from 1/2. It is grave if it
    orders at least as many pairs rightly (a numeric one also: wrongly) as the best indicator; else a warning.

    Columns with one value, with values of single variants only, or unknown for more than a fifth are passed over. All
    variants count, copies and collapsed ones too. An indicator goes with a numeric column if |τ-b| is at least .2 and
    2.576 null sds; with words if ε² (η² on the indicator's ranks less what is expected of chance) is at least .2.
    """
    cases = [case_of(data, name) for name in headlines(data.outcomes)]
    singles: dict[str, list[_Single]] = {column: [] for column in (*data.numbers, *data.words)} if cases else {}
    for case in cases:
        for column, single in (*_numbers(case, select), *_words(case, select)):
            singles[column].append(single)
    flat = [(column, single) for column, several in singles.items() for single in several]
    adjusted = holm(np.array([single.p for _, single in flat]))
    found: dict[str, list[tuple[_Single, float]]] = {}
    for (column, single), p in zip(flat, adjusted.tolist(), strict=True):
        if p <= 1 - select.confidence and abs(single.accuracy - 0.5) >= MATTERS:
            found.setdefault(column, []).append((single, p))
    best = {case.name: _best_indicator(case, headlines(data.indicators)) for case in cases}
    return [_finding(data, column, several, best) for column, several in found.items()]


def _numbers(case: Case, select: Select) -> list[tuple[str, _Single]]:
    """Numeric columns known for the same variants share their shuffles."""
    told = {name: values for name, values in case.numbers.items() if _enough(np.isfinite(values)) and _varies(values)}
    found = []
    for names, known in known_together(told):
        # Sorted by value, so that the shuffles fall alike whatever the variants are called.
        columns, goodness = _sorted(
            np.column_stack([case.numbers[name][known] for name in names]), case.goodness[known]
        )
        p_values = _p_of_order(columns, goodness, select)
        for k, name in enumerate(names):
            accuracy = pairwise_accuracy(columns[:, k], goodness).accuracy
            found.append((name, _Single(case.name, accuracy, float(p_values[k]), None)))
    return found


def _varies(values: Floats) -> bool:
    return len(np.unique(values[np.isfinite(values)])) > 1


def _enough(known: NDArray[np.bool_]) -> bool:
    return bool(known.sum() >= max(FEWEST, KNOWN * len(known)))


def _sorted(columns: Floats, goodness: Floats) -> tuple[Floats, Floats]:
    order = np.lexsort((*columns.T, goodness))
    return columns[order], goodness[order]


def _p_of_order(columns: Floats, goodness: Floats, select: Select) -> Floats:
    if goodness[0] == goodness[-1]:
        return np.ones(columns.shape[1])
    shuffles = min(select.permutations, MOST_SIGNS // (len(goodness) * (len(goodness) - 1) // 2))
    if shuffles < min(FEWEST_SHUFFLES, select.permutations):
        from scipy.stats import kendalltau

        return np.array([kendalltau(column, goodness, method="asymptotic").pvalue for column in columns.T])
    rng = np.random.default_rng([select.seed, NUMBER_STREAM])
    return permutation_p(columns, goodness, permutations=shuffles, rng=rng)


def _words(case: Case, select: Select) -> list[tuple[str, _Single]]:
    found = []
    for name in case.words:
        codes = case.codes(name)
        assert codes is not None
        known = codes >= 0
        counts = np.bincount(codes[known])
        # A word of one variant only says nothing about another; at least two words must.
        if not _enough(known) or (counts > 1).sum() < 2:
            continue
        # Sorted by value, as above; sums of floats depend on their order, too.
        order = np.lexsort((codes[known], case.goodness[known]))
        groups, goodness = codes[known][order], case.goodness[known][order]
        share, p = eta_squared(
            groups,
            goodness,
            permutations=min(select.permutations, max(FEWEST_SHUFFLES, MOST_RANKS // len(groups))),
            rng=np.random.default_rng([select.seed, WORD_STREAM]),
        )
        found.append((name, _Single(case.name, group_accuracy(groups, goodness), p, share)))
    return found


def _best_indicator(case: Case, names: list[str]) -> tuple[str | None, float]:
    """The most accurate headline indicator, as given; a tie goes to the first."""
    found: tuple[str | None, float] = (None, 0.0)
    for name in names:
        goodness = case.indicators[name].goodness
        known = np.isfinite(goodness)
        accuracy = pairwise_accuracy(goodness[known], case.goodness[known]).accuracy if _enough(known) else 0.0
        found = (name, accuracy) if accuracy > found[1] else found
    return found


def _finding(
    data: Measured, column: str, several: list[tuple[_Single, float]], best: Mapping[str, tuple[str | None, float]]
) -> Finding:
    numeric = column in data.numbers
    association = _associations(data, column)
    limit = max(GOES_WITH, GOES_WITH_SDS * 2 * null_sd(len(data.variants))) if numeric else GOES_WITH
    with_it = tuple(name for name, size in association.items() if abs(size) >= limit)
    numbers = {
        "column": "number" if numeric else "word",
        "accuracy": {single.outcome: single.accuracy for single, _ in several},
        "p": {single.outcome: single.p for single, _ in several},
        "p_holm": {single.outcome: p for single, p in several},
        "rank_variance_share": {s.outcome: s.share for s, _ in several if s.share is not None},
        "best_indicator": {single.outcome: best[single.outcome][0] for single, _ in several},
        "best_indicator_accuracy": {single.outcome: best[single.outcome][1] for single, _ in several},
        "tau_b" if numeric else "epsilon_squared": association,
    }
    return Finding(
        kind="confound",
        severity=gravest([_severity(single, numeric, best[single.outcome][1]) for single, _ in several]),
        sentence=f"Among all {len(data.variants)} variants {_sentence(column, several, best, with_it)}",
        indicators=with_it,
        outcomes=tuple(single.outcome for single, _ in several),
        factor=column,
        numbers=numbers,
    )


def _severity(single: _Single, numeric: bool, best: float) -> Severity:
    strength = max(single.accuracy, 1 - single.accuracy) if numeric else single.accuracy
    return "grave" if best > 0 and strength >= best else "warning"


def _associations(data: Measured, column: str) -> dict[str, float]:
    """Headline indicator → Kendall's τ-b with a numeric column, or ε² of words; larger is better in both."""
    found = {}
    for name in headlines(data.indicators):
        goodness = data.indicators[name].goodness
        size = (
            _tau(data.numbers[column], goodness)
            if column in data.numbers
            else epsilon_squared(data.words[column], goodness)
        )
        if np.isfinite(size):
            found[name] = size
    return found


def _tau(column: Floats, goodness: Floats) -> float:
    known = np.isfinite(column) & np.isfinite(goodness)
    return kendall_tau(column[known], goodness[known])


def _sentence(
    column: str,
    several: list[tuple[_Single, float]],
    best: Mapping[str, tuple[str | None, float]],
    with_it: tuple[str, ...],
) -> str:
    if len(several) <= MOST_TOLD:
        told = listed([_told(single, p, best[single.outcome]) for single, p in several])
    else:
        low, *_, high = sorted(single.accuracy for single, _ in several)
        outcomes, worst = listed([single.outcome for single, _ in several]), max(p for _, p in several)
        told = f"{percent(low)} to {percent(high)} of the pairs of {outcomes} ({p_value(worst)} or less)"
    borrowed = (
        f" {listed(with_it)} {'goes' if len(with_it) == 1 else 'go'} with it and may owe their accuracy to it: "
        f"judge by pairs of equal {column}."
        if with_it
        else ""
    )
    if len(with_it) == 1:
        borrowed = borrowed.replace("owe their", "owe its")
    return f"{column} alone orders rightly {told}.{borrowed}"


def _told(single: _Single, p: float, best: tuple[str | None, float]) -> str:
    beside = f"; the best indicator, {best[0]}: {percent(best[1])}" if best[0] else ""
    return f"{percent(single.accuracy)} of the pairs of {single.outcome} ({p_value(p)}{beside})"
