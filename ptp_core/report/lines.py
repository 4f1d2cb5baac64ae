"""The line plots: accuracy by gap, calibration, the learning curve, and the chance to hold the best among k."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from ptp_core.report.charts import LinePlot, Point, Scale, Series, Tick, fit
from ptp_core.report.numbers import DASH, ends, finite, fixed, interval, share, short
from ptp_core.report.study import N_COLOURS, mapping

SHARES = (
    Tick(0.0, "0"),
    Tick(25.0, "0.25"),
    Tick(50.0, "0.5", is_reference=True),
    Tick(75.0, "0.75"),
    Tick(100.0, "1"),
)
PLAIN_SHARES = tuple(Tick(tick.at, tick.label) for tick in SHARES)
UNIT = Scale(0.0, 1.0)


def rows_of(block: object) -> list[Mapping[str, Any]]:
    """The entries of a list of the selection; an absent list is empty."""
    return [entry for entry in block if isinstance(entry, Mapping)] if isinstance(block, (list, tuple)) else []


def gaps_of(block: object, indicators: Sequence[str]) -> LinePlot | None:
    """Accuracy of each indicator in each fifth of the pairs, from the smallest to the largest gap of the outcome."""
    fifths = rows_of(block)
    if not fifths:
        return None
    x = Scale(0.5, len(fifths) + 0.5)
    ticks = tuple(Tick(x.at(at), f"≤ {short(row.get('high'), 2)}") for at, row in enumerate(fifths, start=1))
    series = []
    # Drawn a little beside each other, or the bars of one would cover those of the next.
    shown = list(indicators)[:N_COLOURS]
    for number, name in enumerate(shown):
        aside = 0.07 * (number - (len(shown) - 1) / 2)
        points = [
            point
            for at, row in enumerate(fifths, start=1)
            if (cell := mapping(mapping(row.get("indicators")).get(name)))
            and (point := _share_point(x.at(at + aside), cell, "accuracy", f"{name}, gap {_gap(row)}", row))
        ]
        series.append(Series(name, f"s{number}", tuple(points)))
    return LinePlot("gap of the outcome", "accuracy", ticks, SHARES, tuple(one for one in series if one.points))


def _gap(row: Mapping[str, Any]) -> str:
    return f"{short(row.get('low'), 2)} to {short(row.get('high'), 2)}"


def _share_point(x: float, cell: Mapping[str, Any], key: str, title: str, row: Mapping[str, Any]) -> Point | None:
    value = finite(cell.get(key))
    if value is None:
        return None
    text = f"{title}\n{key} {fixed(value)} ({interval(cell.get('ci95'))})\n{short(row.get('n_pairs'), 6)} pairs"
    return Point(x, UNIT.from_top(value), text, "", *_bar(cell))


def _bar(cell: Mapping[str, Any]) -> tuple[float | None, float | None]:
    """The two ends of an interval from the top, (None, None) without one."""
    low, high = ends(cell.get("ci95"))
    return (None, None) if low is None or high is None else (UNIT.from_top(low), UNIT.from_top(high))


@dataclass(frozen=True)
class Calibration:
    """Predicted against observed shares, and what sums them up as label and text."""

    plot: LinePlot
    facts: tuple[tuple[str, str], ...]


def calibration_of(block: Mapping[str, Any]) -> Calibration | None:
    """The reliability diagram; None without bins."""
    points = []
    for row in rows_of(block.get("bins")):
        predicted, observed = finite(row.get("predicted")), finite(row.get("observed"))
        if predicted is not None and observed is not None:
            title = f"said {share(predicted)}, was {share(observed)}\n{short(row.get('n_pairs'), 6)} pairs"
            points.append(Point(UNIT.at(predicted), UNIT.from_top(observed), title, ""))
    if not points:
        return None
    plot = LinePlot(
        "predicted probability",
        "share that was so",
        PLAIN_SHARES,
        PLAIN_SHARES,
        (Series("", "s0", tuple(points)),),
        True,
    )
    facts = (
        ("expected calibration error", fixed(block.get("expected_calibration_error"))),
        ("Brier score", fixed(block.get("brier"))),
        ("pairs", short(block.get("n_pairs"), 7)),
    )
    return Calibration(plot, tuple((label, text) for label, text in facts if text != DASH))


def learning_curve_of(block: object) -> LinePlot | None:
    """Accuracy on held-out variants against the number of variants learned from; None below two sizes."""
    rows = [row for row in rows_of(block) if finite(row.get("n_train")) is not None]
    if len(rows) < 2:
        return None
    x = fit((row["n_train"] for row in rows), pad=0.04)
    learned, single = [], []
    for row in rows:
        at = x.at(float(row["n_train"]))
        title = f"{short(row['n_train'])} variants\n{short(row.get('n_splits'))} splits"
        mean, best = finite(row.get("mean")), finite(row.get("best_single"))
        if mean is not None:
            text = f"learned {fixed(mean)} ({interval(row.get('ci95'))})\n{title}"
            learned.append(Point(at, UNIT.from_top(mean), text, "", *_bar(row)))
        if best is not None:
            single.append(Point(at, UNIT.from_top(best), f"best single indicator {fixed(best)}\n{title}", ""))
    series = (Series("learned", "s0", tuple(learned)), Series("best single indicator", "s1", tuple(single)))
    ticks = tuple(Tick(x.at(float(row["n_train"])), short(row["n_train"])) for row in _spaced(rows))
    return LinePlot("variants learned from", "accuracy", ticks, SHARES, tuple(one for one in series if one.points))


def _spaced(rows: Sequence[Mapping[str, Any]], most: int = 8) -> Sequence[Mapping[str, Any]]:
    step = -(-len(rows) // most)
    return rows[::step]


def top_k_of(strategies: Iterable[tuple[str, Sequence[Mapping[str, Any]]]], n: float | None) -> LinePlot | None:
    """The modelled chance that the best variant is among the first k of each strategy; k runs by its logarithm."""
    known = [(name, [row for row in top if (finite(row.get("k")) or 0) >= 1]) for name, top in strategies]
    sizes = sorted({float(row["k"]) for _, top in known for row in top if finite(row.get("p_best")) is not None})
    if len(sizes) < 2:
        return None
    x = Scale(sizes[0] * 0.9, (n if n and n > sizes[-1] else sizes[-1]) * 1.1, log=True)
    series = [
        Series(
            name,
            f"s{number}",
            tuple(
                Point(x.at(float(row["k"])), UNIT.from_top(p), f"{name}\nfirst {short(row['k'])}: {share(p)}", "")
                for row in top
                if (p := finite(row.get("p_best"))) is not None
            ),
        )
        for number, (name, top) in enumerate(known[:N_COLOURS])
    ]
    ticks = [Tick(x.at(size), short(size)) for size in sizes]
    kept = [ticks[0]] + [tick for before, tick in pairwise(ticks) if tick.at - before.at > 5]
    drawn = tuple(one for one in series if one.points)
    return LinePlot("variants fine-tuned, k", "chance that the best is among them", tuple(kept), PLAIN_SHARES, drawn)
