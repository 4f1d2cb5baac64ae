"""The law of fine-tuning: does a small fine-tune name the better model, and what does it say of a large one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ptp_core.report.charts import Point, Scale, Tick
from ptp_core.report.lines import SHARES, UNIT, rows_of
from ptp_core.report.numbers import (
    DASH,
    ends,
    finite,
    finite_all,
    fixed,
    interval,
    level,
    level_interval,
    percent,
    short,
)
from ptp_core.report.plots import Curve, Gallery, Plot, axis, framed, gallery, log_scale, polyline
from ptp_core.report.study import mapping, untold
from ptp_core.report.tables import Row, Table, folded_after

OPEN_CURVES, MOST_CURVES, OPEN_ROWS = 3, 60, 10


@dataclass(frozen=True)
class Tuning:
    """All that is known of losses after fine-tuning on few examples."""

    facts: tuple[tuple[str, str], ...]
    words: tuple[str, ...]
    accuracy: Plot | None
    pairwise: Table | None
    forms: Table | None
    formulas: tuple[tuple[str, str], ...]
    predictions: Table | None
    curves: Gallery


def tuning_of(summary: Mapping[str, Any]) -> Tuning | None:
    """The section's view; None where no law of fine-tuning was fitted."""
    block = mapping(summary.get("tuning"))
    if not block:
        return None
    law = mapping(block.get("law"))
    plots = [_curve(row, block) for row in rows_of(block.get("curves"))]
    return Tuning(
        facts=_facts(block, law),
        words=untold(block.get("words"), summary.get("verdict")),
        accuracy=_accuracy(rows_of(block.get("pairwise"))),
        pairwise=_pairwise(rows_of(block.get("pairwise"))),
        forms=_forms(law),
        formulas=_formulas(law),
        predictions=_predictions(rows_of(law.get("predictions"))),
        curves=gallery([plot for plot in plots if plot], OPEN_CURVES, MOST_CURVES),
    )


def _facts(block: Mapping[str, Any], law: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    sizes = finite_all(block.get("sizes") or ())
    facts = (
        ("losses", str(block.get("name") or DASH)),
        ("models", short(block.get("n_models"))),
        ("fitted up to", f"{short(block.get('largest_fitted'), 7)} examples"),
        ("predicted at", f"{short(max(sizes), 7)} examples" if sizes else DASH),
        ("chosen form", str(law.get("chosen") or DASH)),
        ("chosen by", str(law.get("by") or DASH)),
    )
    return tuple((label, text) for label, text in facts if not text.startswith(DASH))


def _label(row: Mapping[str, Any]) -> str:
    examples = finite(row.get("examples"))
    if examples is None:
        return "model size" if row.get("by") == "params" else str(row.get("by"))
    return "before fine-tuning" if examples == 0 else f"{short(examples, 7)} examples"


def _accuracy(rows: Sequence[Mapping[str, Any]]) -> Plot | None:
    """Pairwise accuracy against the number of examples, evenly spaced, for each doubles the one before or so."""
    known = [row for row in rows if finite(row.get("accuracy")) is not None]
    if not known:
        return None
    ordered = sorted(known, key=lambda row: -1.0 if (n := finite(row.get("examples"))) is None else n)
    x = Scale(0.5, len(ordered) + 0.5)
    points = []
    for at, row in enumerate(ordered, start=1):
        low, high = ends(row.get("ci95"))
        bars = (None, None) if low is None or high is None else (UNIT.from_top(high), UNIT.from_top(low))
        told = f"{_label(row)}\naccuracy {fixed(row['accuracy'])} ({interval(row.get('ci95'))})"
        told += f"\n{short(row.get('n_models'))} models, {short(row.get('n_pairs'), 7)} pairs"
        tone = "s0" if finite(row.get("examples")) is not None else "s1"
        points.append(Point(x.at(at), UNIT.from_top(float(row["accuracy"])), told, tone, *bars))
    tuned = [
        (at, row["accuracy"]) for at, row in enumerate(ordered, start=1) if finite(row.get("examples")) is not None
    ]
    path = polyline([at for at, _ in tuned], [accuracy for _, accuracy in tuned], x, UNIT)
    ticks = tuple(Tick(x.at(at), _tick(row)) for at, row in enumerate(ordered, start=1))
    return Plot(
        title="",
        caption="",
        x_title="examples fine-tuned on; “size”: the larger model is the better one",
        y_title="share of pairs of models ordered rightly; dashed: chance",
        x_ticks=ticks,
        y_ticks=SHARES,
        curves=(Curve("by loss after n examples", "s0", path),),
        points=tuple(points),
    )


def _tick(row: Mapping[str, Any]) -> str:
    examples = finite(row.get("examples"))
    if examples is None:
        return "size"
    return f"{short(examples / 1000)}k" if examples >= 1000 else short(examples)


def _pairwise(rows: Sequence[Mapping[str, Any]]) -> Table | None:
    shown = [
        Row(
            name=_label(row),
            value=fixed(row.get("accuracy")),
            cells=(interval(row.get("ci95")), short(row.get("n_models")), short(row.get("n_pairs"), 7)),
        )
        for row in rows
    ]
    columns = ("interval", "models", "pairs")
    return Table("tuning-pairs", "Judged by", "Accuracy", columns, (("", tuple(shown)),)) if shown else None


def _forms(law: Mapping[str, Any]) -> Table | None:
    chosen = law.get("chosen")
    shown = [
        Row(
            name=str(name),
            value=percent(form.get("mean_relative_error")),
            cells=(
                percent(form.get("median")),
                fixed(form.get("accuracy")),
                interval(form.get("ci95")),
                short(form.get("n")),
            ),
            chips=(("chosen", ""),) if name == chosen else (),
            is_best=name == chosen,
        )
        for name, form in ((name, mapping(form)) for name, form in mapping(law.get("forms")).items())
    ]
    columns = ("median", "pairwise accuracy", "interval", "n")
    return Table("tuning-forms", "Form", "Mean error", columns, (("", tuple(shown)),)) if shown else None


def _formulas(law: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    forms = ((str(name), str(mapping(form).get("formula") or "")) for name, form in mapping(law.get("forms")).items())
    return tuple((name, formula) for name, formula in forms if formula)


def _predictions(rows: Sequence[Mapping[str, Any]]) -> Table | None:
    shown = [
        Row(
            name=str(row.get("model")),
            value=level(row.get("predicted")),
            cells=(level_interval(row.get("band95")), level(row.get("actual")), percent(row.get("relative_error"))),
        )
        for row in rows
    ]
    columns = ("band", "actual", "error")
    groups = (("", folded_after(shown, OPEN_ROWS)),)
    return Table("tuning-predictions", "Model", "Predicted", columns, groups) if shown else None


def _curve(row: Mapping[str, Any], block: Mapping[str, Any]) -> Plot | None:
    """One model's loss against the number of examples; the law's line where it was handed over as values."""
    measured = [
        (size, loss)
        for size, loss in zip(row.get("sizes") or (), row.get("losses") or (), strict=False)
        if (finite(size) or 0) > 0 and finite(loss) is not None
    ]
    if len(measured) < 2:
        return None
    fitted = row.get("fitted") or ()
    is_law = len(fitted) > 0 and not any(isinstance(value, bool) for value in fitted)
    law = list(zip(row.get("sizes") or (), fitted, strict=False)) if is_law else []
    x = log_scale(size for size, _ in measured)
    y = framed([loss for _, loss in measured], [value for _, value in law])
    largest = finite(block.get("largest_fitted"))
    path = polyline([size for size, _ in law], [value for _, value in law], x, y)
    return Plot(
        title=str(row.get("model")),
        caption="",
        x_title="examples fine-tuned on (log)",
        y_title="loss after fine-tuning",
        x_ticks=x.ticks(4, label=lambda n: f"{short(n / 1000)}k" if n >= 1000 else short(n)),
        y_ticks=axis(y),
        curves=(Curve("law", "s0", path),) if path else (),
        points=tuple(_measured(row, size, loss, largest, x, y) for size, loss in measured),
    )


def _measured(row: Mapping[str, Any], size: float, loss: float, largest: float | None, x: Scale, y: Scale) -> Point:
    is_beyond = largest is not None and size > largest
    told = f"{row.get('model')}\n{level(loss)} after {short(size, 7)} examples\n{'held out' if is_beyond else 'fitted'}"
    return Point(x.at(size), y.from_top(loss), told, "role-held_out" if is_beyond else "role-fit")
