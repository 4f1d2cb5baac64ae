"""An indicator that is a fixed multiple of an outcome in part of the table: one was made from the other."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ptp_core.predict.audit.collapse import collapsed
from ptp_core.predict.audit.finding import Finding
from ptp_core.predict.audit.strata import Stratum, strata
from ptp_core.predict.quantities import Floats, Measured
from ptp_core.predict.wording import number
from ptp_core.table.names import headlines

FEWEST = 8
"""Variants in a stratum: fewer lie on a line too easily."""

FEWEST_VALUES = 6
"""Different values of both numbers in it: two coarse scores agree without one being made from the other."""

HONEST = 0.95
HONEST_WHOLE = 0.995
"""Correlations that a good indicator may truly have; over the whole table, where nothing else is there to differ from
it, a loss that follows an outcome over a wide range of scales comes close to 1."""

TIGHT = 5.0
"""How many times closer to its line an indicator is in the stratum than elsewhere: a wide range of values makes r high
all by itself, but not the distance from the line small."""

LEVEL = 0.01
"""Probability of any false alarm in a table (Bonferroni over all strata of all pairs)."""

ROBUST = 0.98
"""|r| that must remain without any one variant."""

FEWEST_REST = 5
"""Variants that make up a rest to compare with."""

RANKED = 0.9
"""|Spearman's r| in the stratum: two clouds far apart have a high r and no order within."""


@dataclass(frozen=True)
class _Line:
    """Correlation in strata and outside of them; arrays are (strata,)."""

    r: Floats
    n: Floats
    r_rest: Floats
    n_rest: Floats


def dependence(data: Measured, aside: Collection[str] = ()) -> list[Finding]:
    """Pairs of a headline indicator and a headline outcome that are near-exactly linear in a stratum of ``strata``.

    Estimand: Pearson's r of indicator and outcome inside the stratum. Null hypothesis: |r| ≤ .95 there, or the same
    as among all other variants. Both are tested by Fisher's z, z = (atanh r − atanh ρ)·√(n − 3) with the difference of
    two z for the second, and the larger p counts. In the whole table, and where the others are too few (< 5) or
    constant, the null is |r| ≤ .995 alone. p is multiplied by the number of tests, all strata of all pairs, and must
    be below .01. The same must hold of Spearman's r (against the others; against .95 where there are none), and the
    indicator must be five times closer to its line than among the others, so that long tails do not pass for lines; r
    must not rest on one variant or on two clouds of them: |r| ≥ .98 without any one, |Spearman's r| ≥ .9. Of a pair
    the stratum of smallest p is given.

    False alarms, simulated (n = 20 and 50, five indicators, three outcomes, five columns, true correlation 0 … .98):
    none in 1,200 tables of normal or two-humped numbers each, about 1 % of tables of log-normal ones.

    ``aside`` names variants that are not looked at (copies); those collapsed on the outcome are not, either.
    Overlapping conditions on two columns at once are not tried.
    """
    every = strata(data, FEWEST)
    pairs = [(i, o) for i in headlines(data.indicators) for o in headlines(data.outcomes)]
    usable = ~np.isin(np.array(data.variants, dtype=object), list(aside))
    members = np.array([stratum.members for stratum in every])  # (strata, n)
    lines = {pair: _lines(data, pair, members, usable) for pair in pairs}
    n_tests = sum(int(np.isfinite(_p_values(line)).sum()) for line in lines.values())
    found = []
    for pair, line in lines.items():
        p_values = _p_values(line) * n_tests
        for s in _promising(p_values, line):
            finding = _finding(data, pair, every[s], usable, float(p_values[s]), n_tests)
            if finding:
                found.append(finding)
                break
    return found


def _columns(data: Measured, pair: tuple[str, str], usable: NDArray[np.bool_]) -> tuple[Floats, Floats, Floats]:
    """The two numbers, scaled so that squares neither overflow nor cancel, and 1 where both count."""
    quantities = data.indicators[pair[0]], data.outcomes[pair[1]]
    known = usable & np.isfinite(quantities[0].values) & np.isfinite(quantities[1].values)
    known[collapsed(quantities[1])] = False  # a lone indicator that is wrong belongs to what it is worth
    x, y = (_scaled(quantity.values, known) for quantity in quantities)
    return x, y, known.astype(np.float64)


def _scaled(values: Floats, known: NDArray[np.bool_]) -> Floats:
    used = values[known]
    if not len(used):
        return np.zeros(len(values))
    with np.errstate(over="ignore"):
        spread = np.ptp(used)
    if not 0 < spread < np.inf:
        return np.zeros(len(values))
    return np.where(known, (values - np.median(used)) / spread, 0.0)


def _lines(data: Measured, pair: tuple[str, str], members: NDArray[np.bool_], usable: NDArray[np.bool_]) -> _Line:
    x, y, counts = _columns(data, pair, usable)
    moments = np.column_stack([counts, x, y, x * x, y * y, x * y])  # (n, 6)
    inside = members.astype(np.float64) @ moments
    rest = (~members).astype(np.float64) @ moments
    return _Line(_correlation(inside), inside[:, 0], _correlation(rest), rest[:, 0])


def _correlation(moments: Floats) -> Floats:
    """Pearson's r from sums (strata, 6) of 1, x, y, x², y², xy; NaN where one is constant."""
    n, x, y, xx, yy, xy = moments.T
    with np.errstate(invalid="ignore", divide="ignore"):
        var_x, var_y = xx - x * x / n, yy - y * y / n
        r = (xy - x * y / n) / np.sqrt(var_x * var_y)
    tiny = 1e-12 * np.maximum(n, 1)
    known: Floats = np.where((n > 3) & (var_x > tiny) & (var_y > tiny), r, np.nan)
    return known


def _fisher(r: Floats) -> Floats:
    return np.arctanh(np.clip(r, -1 + 1e-15, 1 - 1e-15))


def _p_values(line: _Line) -> Floats:
    """(strata,): p of "no nearer to a line than an honest indicator, or than the others"; NaN where not testable."""
    from scipy.special import ndtr

    comparable = np.isfinite(line.r_rest) & (line.n_rest >= FEWEST_REST)
    honest = np.arctanh(np.where(comparable, HONEST, HONEST_WHOLE))
    n, n_rest = np.maximum(line.n, 4), np.maximum(line.n_rest, 4)
    p = ndtr(-(_fisher(np.abs(line.r)) - honest) * np.sqrt(n - 3))
    gap = _fisher(np.abs(line.r)) - _fisher(np.sign(line.r) * np.where(comparable, line.r_rest, 0.0))
    p_rest = np.where(comparable, ndtr(-gap / np.sqrt(1 / (n - 3) + 1 / (n_rest - 3))), 0.0)
    return np.where(line.n >= FEWEST, np.maximum(p, p_rest), np.nan)


def _promising(p_values: Floats, line: _Line) -> Iterable[int]:
    """Strata that pass the test, the smallest p first, then the larger; few if any."""
    found = [int(s) for s in np.flatnonzero(p_values <= LEVEL)]
    return sorted(found, key=lambda s: (float(p_values[s]), -float(line.n[s]), s))


def _finding(
    data: Measured, pair: tuple[str, str], stratum: Stratum, usable: NDArray[np.bool_], p: float, n_tests: int
) -> Finding | None:
    """The finding if the line is robust. Its numbers are of all variants but collapsed ones, as the table was given."""
    x, y, counts = _columns(data, pair, usable)
    tested = stratum.members & (counts > 0)
    rest = ~stratum.members & (counts > 0)
    if not _robust(x[tested], y[tested]):
        return None
    rank_p: float = n_tests * _rank_p((x[tested], y[tested]), (x[rest], y[rest]))
    if rank_p > LEVEL or not _is_tighter((x[tested], y[tested]), (x[rest], y[rest])):
        return None
    line = _lines(data, pair, stratum.members[None, :], np.ones_like(usable))
    inside = stratum.members & (_columns(data, pair, np.ones_like(usable))[2] > 0)
    numbers = _numbers(data.indicators[pair[0]].values[inside], data.outcomes[pair[1]].values[inside])
    numbers |= {
        "r": float(line.r[0]),
        "n": int(line.n[0]),
        "r_elsewhere": float(line.r_rest[0]) if np.isfinite(line.r_rest[0]) else None,
        "n_elsewhere": int(line.n_rest[0]),
        "p_bonferroni": min(1.0, p),
        "stratum": stratum.label,
    }
    return Finding(
        kind="dependence",
        severity="grave",
        sentence=_sentence(pair, numbers, whole=stratum.factor is None),
        variants=tuple(v for v, is_in in zip(data.variants, inside, strict=True) if is_in),
        indicators=(pair[0],),
        outcomes=(pair[1],),
        factor=stratum.factor,
        numbers=numbers,
    )


def _robust(x: Floats, y: Floats) -> bool:
    """Whether the line holds without any one variant, over several values."""
    if min(len(np.unique(x)), len(np.unique(y))) < FEWEST_VALUES:
        return False
    moments = np.column_stack([np.ones(len(x)), x, y, x * x, y * y, x * y])
    without = _correlation(moments.sum(axis=0) - moments)  # (n, 6): each variant left out in turn
    return bool(np.all(np.abs(without) >= ROBUST))


def _rank_p(inside: tuple[Floats, Floats], rest: tuple[Floats, Floats]) -> float:
    """p of "the ranks agree no better than among the rest"; where there is no rest, than an honest indicator's."""
    from scipy.special import ndtr
    from scipy.stats import spearmanr

    def error(n: int) -> float:
        return float(np.sqrt(1.06 / (n - 3)))  # of atanh of Spearman's r (Fieller, Hartley & Pearson 1957)

    n, n_rest = len(inside[0]), len(rest[0])
    # Ranks of few variants agree fully by accident: half a swap of neighbours is the most they can tell.
    r = np.clip(float(spearmanr(*inside).statistic), -1 + 6 / (n**3 - n), 1 - 6 / (n**3 - n))
    if abs(r) < RANKED:
        return 1.0
    if n_rest < FEWEST_REST or min(np.ptp(rest[0]), np.ptp(rest[1])) == 0:
        return float(ndtr((np.arctanh(HONEST) - _fisher(np.abs(r))) / error(n)))
    gap = _fisher(np.abs(r)) - _fisher(np.sign(r) * spearmanr(*rest).statistic)
    return float(ndtr(-gap / np.hypot(error(n), error(n_rest))))


def _is_tighter(inside: tuple[Floats, Floats], rest: tuple[Floats, Floats]) -> bool:
    """Whether the indicator keeps far closer to its line than among the rest, and does not merely vary more."""
    return len(rest[0]) < FEWEST_REST or TIGHT * _scatter(*inside) <= _scatter(*rest)


def _scatter(x: Floats, y: Floats) -> float:
    """Median distance of x from its least-squares line on y."""
    centred, spread = y - y.mean(), float(((y - y.mean()) ** 2).sum())
    slope = float(centred @ x) / spread if spread else 0.0
    return float(np.median(np.abs(x - x.mean() - slope * centred)))


def _numbers(indicator: Floats, outcome: Floats) -> dict[str, Any]:
    """Least squares of the indicator on the outcome, with an intercept and (``ratio``) without."""
    centred = outcome - outcome.mean()
    slope = float(centred @ indicator / (centred @ centred))
    return {
        "slope": slope,
        "intercept": float(indicator.mean() - slope * outcome.mean()),
        "ratio": float(outcome @ indicator / (outcome @ outcome)),
    }


def _sentence(pair: tuple[str, str], numbers: dict[str, Any], whole: bool) -> str:
    where = "variants" if whole else f"variants with {numbers['stratum']}"
    known = numbers["r_elsewhere"] is not None and not whole
    elsewhere = f"; elsewhere r = {numbers['r_elsewhere']:.2f}" if known else ""
    return (
        f"In the {numbers['n']} {where}, {pair[0]} is close to {number(numbers['ratio'])} × {pair[1]} "
        f"(r = {numbers['r']:.4f}{elsewhere}): one has probably been made from the other, and what {pair[0]} "
        f"says about {pair[1]} is not to be relied on."
    )
