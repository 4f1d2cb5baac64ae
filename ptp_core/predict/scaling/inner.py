"""The fitted runs divided once more: laws of the smaller sizes held against the larger ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ptp_core.predict.scaling.chains import Fitted, Law, Read, Stage, score_law
from ptp_core.predict.scaling.choice import Cell, Inner, best_first, relative_errors
from ptp_core.predict.scaling.emerged import Metric
from ptp_core.predict.scaling.forms_of import Losses, Reads, laws_of
from ptp_core.predict.scaling.laws.forms import Inputs
from ptp_core.predict.scaling.points import Floats
from ptp_core.predict.scaling.roles import steps
from ptp_core.spec.scaling import Scaling

READS: tuple[Read, ...] = ("checkpoints", "ends")


@dataclass(frozen=True)
class Cut:
    """Runs that are fitted, and runs that are predicted."""

    fitted: tuple[str, ...]
    predicted: tuple[str, ...]


def cuts_of(runs: Fitted) -> list[Cut]:
    """Without the largest size; also without the two largest, from four sizes on.

    With fewer than three sizes, without the third of the runs that took the most compute.
    """
    ends = runs.ends
    place = steps(ends.params)
    n_sizes = len(set(place.tolist()))
    if n_sizes >= 3:
        masks = [place < n_sizes - left_out for left_out in ((1, 2) if n_sizes >= 4 else (1,))]
    else:
        masks = [np.argsort(np.argsort(ends.compute, kind="stable"), kind="stable") < len(ends.runs) * 2 / 3]
    names = np.array(ends.runs)
    return [Cut(tuple(names[m].tolist()), tuple(names[~m].tolist())) for m in masks if m.any() and not m.all()]


def how_cut(runs: Fitted) -> str:
    """Says what ``cuts_of`` does to these runs."""
    n_sizes = len(set(steps(runs.ends.params).tolist()))
    if n_sizes < 3:
        return "fitted on the two thirds of the runs with the least compute, the rest predicted"
    both = " and without the two largest" if n_sizes >= 4 else ""
    return f"fitted without the largest of {n_sizes} sizes{both}, what is left out predicted"


def reads_of(metrics: Sequence[Metric], spec: Scaling, runs: Fitted, cuts: Sequence[Cut]) -> dict[str, Read]:
    """Score form → what it is fitted on: checkpoints that have emerged, or the ends of the runs.

    FLP's line is fitted to checkpoints, as published. Laws with a plateau take what predicts the scores of the larger
    fitted runs better from their measured losses; checkpoints where there is nothing to tell the two apart.
    """
    scores = [m for m in metrics if m.kind == "score" and m.loss]
    reads: dict[str, Read] = {}
    for form in spec.score_forms:
        errors = {} if form == "linear" else _errors_by_read(form, scores, runs, cuts)
        reads[form] = "ends" if next(iter(best_first(errors)), None) == "ends" else "checkpoints"
    return reads


def _errors_by_read(
    form: str, scores: Sequence[Metric], runs: Fitted, cuts: Sequence[Cut]
) -> dict[str, dict[Cell, float]]:
    errors: dict[str, dict[Cell, float]] = {read: {} for read in READS}
    for at, cut in enumerate(cuts):
        part, ends = runs.of_runs(cut.fitted), runs.ends.of_runs(cut.predicted)
        for metric in scores:
            for read in READS:
                stage = score_law(form, metric, read, part)
                if isinstance(stage, Stage):
                    predicted = stage.predict(stage.theta, Inputs(loss=ends.values[str(metric.loss)]))
                    note(errors[read], (at, metric.name), relative_errors(predicted, ends.values[metric.name]))
    return errors


def inner_predictions(
    metric: Metric, spec: Scaling, runs: Fitted, cuts: Sequence[Cut], losses: Sequence[Losses], reads: Reads
) -> dict[str, dict[Cell, Floats]]:
    """Form → cut and metric → predictions for the runs left out; ``losses`` are the loss laws of each cut."""
    found: dict[str, dict[Cell, Floats]] = {}
    for at, cut in enumerate(cuts):
        ends = runs.ends.of_runs(cut.predicted)
        inputs = Inputs(ends.params, ends.tokens, ends.compute)
        for form, law in laws_of(metric, spec, runs.of_runs(cut.fitted), losses[at], reads).items():
            cells = found.setdefault(form, {})
            if isinstance(law, Law):
                cells[at, metric.name] = law.predict(inputs)
    return found


def errors_of(inner: Inner, runs: Fitted, cuts: Sequence[Cut]) -> dict[str, dict[Cell, float]]:
    """Form → cut and metric → mean relative error over the runs left out."""
    errors: dict[str, dict[Cell, float]] = {}
    for form, cells in inner.items():
        mine = errors.setdefault(form, {})
        for cell, predicted in cells.items():
            at, name = cell
            note(mine, cell, relative_errors(predicted, runs.ends.of_runs(cuts[at].predicted).values[name]))
    return errors


def note(cells: dict[Cell, float], cell: Cell, errors: Floats) -> None:
    """Writes down the mean error of a cell, where any run in it was measured."""
    if np.isfinite(errors).any():
        cells[cell] = float(np.nanmean(errors))


def gathered(parts: Sequence[Mapping[str, Mapping[Cell, Floats]]]) -> dict[str, dict[Cell, Floats]]:
    """The cells of several metrics together."""
    joined: dict[str, dict[Cell, Floats]] = {}
    for part in parts:
        for name, cells in part.items():
            joined.setdefault(name, {}).update(cells)
    return joined
