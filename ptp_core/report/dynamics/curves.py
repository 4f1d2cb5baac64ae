"""Along pre-training: scores before and after fine-tuning, spread over prompts, and order at early checkpoints."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from ptp_core.report import numbers
from ptp_core.report.charts import Point, Scale, Tick
from ptp_core.report.dynamics.study import Dynamics, Trajectory, pair_name
from ptp_core.report.lines import SHARES, UNIT, rows_of
from ptp_core.report.numbers import ends, finite, fixed, interval, level, signed
from ptp_core.report.plots import (
    Curve,
    Gallery,
    Plot,
    axis,
    framed,
    gallery,
    log_scale,
    polyline,
    ribbon,
    thinned,
)
from ptp_core.report.study import N_COLOURS
from ptp_core.report.tables import Plain

OPEN_CURVES, OPEN_FORMATS, OPEN_EARLY, FEWEST_OPEN = 12, 6, 6, 3
MOST_PANELS, MOST_POINTS = 90, 60


@dataclass(frozen=True)
class Panels:
    """Panels of one trajectory, and the same in figures."""

    trajectory: Trajectory
    panels: Gallery
    figures: Plain | None = None
    is_own: bool = True


def tokens_scale(values: Iterable[object]) -> Scale:
    """Tokens from nought on, or by their logarithm where that spreads the checkpoints more evenly."""
    known = [value for value in numbers.finite_all(values) if value >= 0]
    linear = Scale(0.0, 1.04 * max(known, default=1.0) or 1.0)
    if not known or min(known) <= 0 or max(known) == min(known):
        return linear
    log = log_scale(known)
    return min((linear, log), key=lambda scale: abs(median(map(scale.at, known)) - 50))


def token_ticks(scale: Scale) -> tuple[Tick, ...]:
    """``100B`` tokens."""
    return scale.ticks(4, label=numbers.tokens)


def tokens_title(scale: Scale) -> str:
    """What stands at the axis."""
    return "tokens seen in pre-training" + (" (log)" if scale.log else "")


def curves_of(study: Dynamics) -> list[Panels]:
    """Base and fine-tuned score along training, a panel a training task and its own test; all tests without any own."""
    found = []
    for trajectory, rows in study.with_rows("cells"):
        rows = _in_format(rows, study.summary.get("prompt_format"))
        own = [row for row in rows if row.get("in_domain")]
        pairs: dict[str, list[Mapping[str, Any]]] = {}
        for row in own or rows:
            pairs.setdefault(pair_name(row), []).append(row)
        plots = [_pair_plot(name, cells) for name, cells in pairs.items()]
        n_open = _n_open(OPEN_CURVES, study)
        found.append(Panels(trajectory, gallery([p for p in plots if p], n_open, MOST_PANELS), is_own=bool(own)))
    return [panels for panels in found if panels.panels.shown]


def _n_open(most: int, study: Dynamics) -> int:
    return max(FEWEST_OPEN, most // max(1, len(study.trajectories)))


def _in_format(rows: list[Mapping[str, Any]], prompt_format: object) -> list[Mapping[str, Any]]:
    """The rows in the format of the study; all where it names none, or one that no row has."""
    return [row for row in rows if row.get("prompt_format") == prompt_format] or rows


def _pair_plot(name: str, cells: Sequence[Mapping[str, Any]]) -> Plot | None:
    known = sorted((c for c in cells if finite(c.get("tokens")) is not None), key=lambda c: float(c["tokens"]))
    if not known:
        return None
    values = {kind: [finite(cell.get(kind)) for cell in known] for kind in ("base", "tuned")}
    x, y = tokens_scale(cell["tokens"] for cell in known), framed([*values["base"], *values["tuned"]])
    at = [float(cell["tokens"]) for cell in known]
    curves = (
        Curve("after fine-tuning", "s0", polyline(at, values["tuned"], x, y)),
        Curve("before", "s1 dashed", polyline(at, values["base"], x, y)),
    )
    points = [
        Point(x.at(tokens), y.from_top(value), _told(name, cell, kind), "s0" if kind == "tuned" else "s1")
        for kind in ("base", "tuned")
        for cell, tokens, value in zip(known, at, values[kind], strict=True)
        if value is not None and (tokens > 0 or not x.log)
    ]
    n_items = next((cell["n_items"] for cell in known if finite(cell.get("n_items"))), None)
    caption = f"{numbers.count(len(known), 'checkpoint')}" + (f", {numbers.short(n_items, 7)} items" if n_items else "")
    return Plot(
        title=name,
        caption=caption,
        x_title=tokens_title(x),
        y_title="score",
        x_ticks=token_ticks(x),
        y_ticks=axis(y),
        curves=tuple(curve for curve in curves if curve.path),
        points=thinned(points, 2 * MOST_POINTS),
    )


def _told(name: str, cell: Mapping[str, Any], kind: str) -> str:
    word = "after fine-tuning" if kind == "tuned" else "before fine-tuning"
    lines = [name, f"{word} {level(cell.get(kind))} at {numbers.tokens(cell.get('tokens'))} tokens"]
    if kind == "tuned" and finite(cell.get("gain")) is not None:
        lines.append(f"gain {signed(cell.get('gain'))} ({interval(cell.get('ci95'))})")
    if finite(cell.get("n_seeds")):
        lines.append(numbers.count(int(cell["n_seeds"]), "seed"))
    return "\n".join(lines)


def formats_of(study: Dynamics) -> list[Panels]:
    """Spread over prompt formats along training, a panel a test set: before fine-tuning and after it on each task."""
    found = []
    for trajectory, rows in study.with_rows("formats"):
        tuned = [row for row in rows if row.get("train_task")]
        bases = {str(row.get("test")): row for row in rows if not row.get("train_task")}
        tests: dict[str, list[Mapping[str, Any]]] = {}
        for row in tuned:
            tests.setdefault(str(row.get("test")), []).append(row)
        for test in bases:
            if _near(test, tests) is None:
                tests[test] = []
        plots = [_format_plot(test, bases.get(test) or _base_of(test, bases), own) for test, own in tests.items()]
        n_open = _n_open(OPEN_FORMATS, study)
        found.append(Panels(trajectory, gallery([p for p in plots if p], n_open, MOST_PANELS), _format_figures(rows)))
    return found


def _base_of(test: str, bases: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """The base of a test set, which may be named kshot_<test> before fine-tuning."""
    return bases.get(f"kshot_{test}")


def _near(base: str, tests: Mapping[str, Any]) -> str | None:
    return next((test for test in tests if base in (test, f"kshot_{test}")), None)


def _format_plot(test: str, base: Mapping[str, Any] | None, tuned: Sequence[Mapping[str, Any]]) -> Plot | None:
    rows = ([("before fine-tuning", "s1 dashed", base)] if base else []) + [
        (f"after tuning on {row.get('train_task')}", f"s{(0, 2, 3, 4, 5, 6)[at]}", row)
        for at, row in enumerate(tuned[: N_COLOURS - 2])
    ]
    known = [(label, tone, row) for label, tone, row in rows if row.get("tokens") and row.get("sd")]
    if not known:
        return None
    x = tokens_scale(t for _, _, row in known for t in row["tokens"])
    y = framed([0.0, *(sd for _, _, row in known for sd in row["sd"])])
    curves, points = [], []
    for label, tone, row in known:
        curves.append(Curve(label, tone, polyline(row["tokens"], row["sd"], x, y)))
        points += [
            Point(
                x.at(t),
                y.from_top(sd),
                f"{test}, {label}\nsd {fixed(sd)} at {numbers.tokens(t)} tokens",
                tone.split()[0],
            )
            for t, sd in zip(row["tokens"], row["sd"], strict=False)
            if finite(t) is not None and finite(sd) is not None and (t > 0 or not x.log)
        ]
    n = max((int(row["n_formats"]) for _, _, row in known if finite(row.get("n_formats"))), default=0)
    return Plot(
        title=test,
        caption=numbers.count(n, "prompt format") if n else "",
        x_title=tokens_title(x),
        y_title="sd of the score over prompt formats",
        x_ticks=token_ticks(x),
        y_ticks=axis(y),
        curves=tuple(curves),
        points=thinned(points, 3 * MOST_POINTS),
        has_legend=True,
    )


def _format_figures(rows: Sequence[Mapping[str, Any]]) -> Plain:
    heads = ("Tuned → tested", "formats", "sd at first", "at last", "peak", "peak at tokens")
    told = tuple(
        (
            pair_name(row) if row.get("train_task") else f"{row.get('test')}, before fine-tuning",
            numbers.short(row.get("n_formats")),
            fixed(row.get("first")),
            fixed(row.get("last")),
            fixed(row.get("peak")),
            numbers.tokens(row.get("peak_tokens")),
        )
        for row in rows
    )
    return Plain("Format sensitivity in figures", heads, told)


def early_of(study: Dynamics) -> Gallery | None:
    """Decision accuracy of indicators at early checkpoints, a panel an indicator and outcome."""
    rows = [row for row in rows_of(study.summary.get("early")) if rows_of(row.get("points"))]
    plots = [plot for row in rows if (plot := _early_plot(row))]
    return gallery(plots, OPEN_EARLY, MOST_PANELS) if plots else None


def _early_plot(row: Mapping[str, Any]) -> Plot | None:
    known = [p for p in rows_of(row.get("points")) if finite(p.get("tokens")) is not None]
    known = sorted((p for p in known if finite(p.get("accuracy")) is not None), key=lambda p: float(p["tokens"]))
    if not known:
        return None
    x = tokens_scale(p["tokens"] for p in known)
    at, accuracy = [p["tokens"] for p in known], [p["accuracy"] for p in known]
    bands = [ends(p.get("ci95")) for p in known]
    curve = Curve(
        "decision accuracy",
        "s0",
        polyline(at, accuracy, x, UNIT),
        ribbon(at, [low for low, _ in bands], [high for _, high in bands], x, UNIT),
    )
    points = tuple(
        Point(x.at(float(p["tokens"])), UNIT.from_top(float(p["accuracy"])), _early_told(p), "s0")
        for p in known
        if float(p["tokens"]) > 0 or not x.log
    )
    last = known[-1]
    sizes = sorted({int(p["n_variants"]) for p in known if finite(p.get("n_variants"))})
    n = " to ".join(map(str, dict.fromkeys((sizes[0], sizes[-1])))) if sizes else "–"
    return Plot(
        title=str(row.get("outcome")),
        caption=f"by {row.get('indicator')}; {fixed(last['accuracy'])} at the end, {n} variants",
        x_title=tokens_title(x),
        y_title="pairs ordered rightly; dashed: chance",
        x_ticks=token_ticks(x),
        y_ticks=SHARES,
        curves=(curve,),
        points=thinned(points, MOST_POINTS),
    )


def _early_told(point: Mapping[str, Any]) -> str:
    part = f", {numbers.share(point.get('share'))} of training" if finite(point.get("share")) is not None else ""
    return (
        f"{numbers.tokens(point['tokens'])} tokens{part}\naccuracy {fixed(point['accuracy'])} "
        f"({interval(point.get('ci95'))})\n{numbers.short(point.get('n_variants'))} variants, "
        f"{numbers.short(point.get('n_pairs'), 7)} pairs"
    )
