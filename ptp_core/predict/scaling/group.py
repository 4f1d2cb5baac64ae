"""One group of runs with laws of its own: fitted, chosen among, predicted from, and drawn."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ptp_core.predict.parallel import side_by_side
from ptp_core.predict.scaling.chains import Combined, Fitted, Law, Stage, Unfit
from ptp_core.predict.scaling.choice import COMBINED, Cell, Choice, alike, best_first, mean_of, means_of
from ptp_core.predict.scaling.curves import against_compute, against_loss, path_of
from ptp_core.predict.scaling.emerged import Metric
from ptp_core.predict.scaling.forms_of import Reads, laws_of, loss_laws
from ptp_core.predict.scaling.inner import Cut, cuts_of, errors_of, gathered, how_cut, inner_predictions, reads_of
from ptp_core.predict.scaling.laws.resample import resamples
from ptp_core.predict.scaling.points import Floats, Points
from ptp_core.predict.scaling.predictions import held_out_error, predictions, ranking
from ptp_core.predict.scaling.roles import Aims, Roles, aims_of
from ptp_core.predict.scaling.saved import saved_laws
from ptp_core.predict.wording import count, listed
from ptp_core.spec.scaling import Scaling

STREAM = 62
Block = dict[str, Any]
Laws = dict[str, Law | Combined | Unfit]
"""Form → law."""
Tell = Callable[[str, float], None]
INNER, LAWS = 0.3, 0.45
"""About the shares of the time before the laws are fitted for good, and while they are."""


@dataclass(frozen=True)
class Group:
    """Runs with laws of their own."""

    name: str
    points: Points
    """Checkpoints of all runs of the group."""
    ends: Points
    fitted: Fitted
    aims: Aims


def group_of(name: str, points: Points, ends: Points, roles: Roles, spec: Scaling) -> Group:
    """The runs of a group, with one set of resamples for all its laws."""
    mine = [run for run, group in zip(points.runs, points.groups, strict=True) if group == name]
    fitted = [run for run in mine if run in roles.fitted]
    rng = np.random.default_rng([spec.seed, STREAM])
    weights = resamples(np.arange(len(fitted)), len(fitted), spec.bootstraps, rng) if fitted else np.empty((0, 0))
    runs = Fitted(
        points.of_runs(fitted),
        ends.of_runs(fitted),
        np.array([run in roles.fit for run in fitted], dtype=bool),
        np.array([run in roles.fit_scores for run in fitted], dtype=bool),
        weights,
        spec.residuals,
        spec.emerged,
    )
    return Group(name, points.of_runs(mine), ends.of_runs(mine), runs, aims_of(ends, roles, spec, name))


def analyze_group(
    group: Group, metrics: list[Metric], roles: Roles, spec: Scaling, tell: Tell
) -> tuple[Block, Block, list[str]]:
    """The group's part of ``scaling.json`` by key, its part of ``scaling_laws.json``, and warnings."""
    runs, how = group.fitted, {"confidence": spec.confidence}
    tell("which form extrapolates best", 0.0)
    cuts = cuts_of(runs)
    reads = reads_of(metrics, spec, runs, cuts)
    inner = _inner(metrics, spec, runs, cuts, reads)
    kinds = dict.fromkeys(m.kind for m in metrics)
    choices: dict[str, Choice] = {}
    for kind in kinds:
        parts = [inner[m.name] for m in metrics if m.kind == kind]
        choices[kind] = _choice(parts, runs, cuts, choices["loss"].together if "loss" in choices else ())
    tell("laws and their bands", INNER)
    found = _found(metrics, spec, runs, reads, choices, tell)
    tell("predictions", INNER + LAWS)

    def predict(m: Metric) -> dict[str, Block]:
        return predictions(m, found[m.name], group.aims, group.ends, runs.ends, seed=spec.seed, **how)

    predicted = dict(zip(found, side_by_side(predict, metrics), strict=True))
    fits = {m.name: _fits(m, found[m.name], choices[m.kind], predicted[m.name], how_cut(runs)) for m in metrics}
    tell("curves", INNER + LAWS + 0.1)
    path = path_of(group.ends, group.aims)

    def draw(m: Metric) -> Block:
        return against_compute(m, found[m.name], group.ends, roles, path, seed=spec.seed, **how)

    curves = dict(zip(found, side_by_side(draw, metrics), strict=True))
    names = group.aims.names
    chosen = {kind: choice.as_json() for kind, choice in choices.items()}
    if "score" in chosen:
        chosen["score"]["fitted_on"] = dict(reads)
    blocks = {
        "fits": fits,
        "choice": chosen,
        "targets": {run: {m: {f: rows[run] for f, rows in by.items()} for m, by in predicted.items()} for run in names},
        "ranking": ranking(group.name, metrics, fits, predicted),
        "curves": curves,
        "stage2": _stage2(group, metrics, found, roles, spec),
    }
    saved = {m.name: saved_laws(m, found[m.name], runs.ends, len(metrics)) for m in metrics}
    return blocks, saved, _warnings(found)


def _inner(
    metrics: list[Metric], spec: Scaling, runs: Fitted, cuts: list[Cut], reads: Reads
) -> dict[str, dict[str, dict[Cell, Floats]]]:
    """Metric → form → cell → what the laws of the smaller sizes predict for the larger."""
    losses = [loss_laws(metrics, spec, runs.of_runs(cut.fitted)) for cut in cuts]
    found = side_by_side(lambda m: inner_predictions(m, spec, runs, cuts, losses, reads), metrics)
    return dict(zip([m.name for m in metrics], found, strict=True))


def _choice(
    parts: list[dict[str, dict[Cell, Floats]]], runs: Fitted, cuts: list[Cut], losses: tuple[str, ...]
) -> Choice:
    """The choice among forms; ``losses`` are those that were chosen for losses, none where losses are chosen now.

    A chain whose loss is far off is right by chance where it is right; it comes after those that start from these.
    """
    inner = gathered(parts)
    errors = errors_of(inner, runs, cuts)
    sound = {form: cells for form, cells in errors.items() if "+" not in form or not losses or first_of(form) in losses}
    compared = best_first(sound)
    together = alike(list(compared), errors)
    compared |= best_first({form: cells for form, cells in errors.items() if form not in sound})
    if len(together) > 1:
        errors |= errors_of({COMBINED: means_of(inner, together)}, runs, cuts)
    return Choice(compared, together, errors)


def first_of(chain: str) -> str:
    """The loss form of a chain."""
    return chain.split("+")[0]


def _found(
    metrics: list[Metric], spec: Scaling, runs: Fitted, reads: Reads, choices: Mapping[str, Choice], tell: Tell
) -> dict[str, Laws]:
    """Metric → form → law, the combined one first where there is one."""
    losses = loss_laws(metrics, spec, runs)
    behind: list[str] = []

    def work(metric: Metric) -> Laws:
        laws: Laws = {**laws_of(metric, spec, runs, losses, reads)}
        parts = [law for form in choices[metric.kind].together if isinstance(law := laws.get(form), Law)]
        behind.append(metric.name)
        tell("laws and their bands", INNER + LAWS * len(behind) / len(metrics))
        return {COMBINED: Combined(tuple(parts)), **laws} if len(parts) > 1 else laws

    return dict(zip([m.name for m in metrics], side_by_side(work, metrics), strict=True))


def _fits(metric: Metric, laws: Laws, choice: Choice, predicted: Mapping[str, Block], cut: str) -> Block:
    """Form → how its fit went; the chosen form is the preferred one of those that could be fitted."""
    chosen = choice.preferred([form for form, law in laws.items() if not isinstance(law, Unfit)])
    found: Block = {}
    for form, law in laws.items():
        inner = {cell: e for cell, e in choice.errors.get(form, {}).items() if cell[1] == metric.name}
        found[form] = _fit(law, choice, cut if inner else "none: too little is left when the larger sizes are out") | {
            "inner_error": mean_of(inner) if inner else None,
            "held_out_error": held_out_error(predicted[form]),
            "chosen": form == chosen,
        }
    return found


def _fit(law: Law | Combined | Unfit, choice: Choice, cut: str) -> Block:
    if isinstance(law, Unfit):
        numbers = {"n_runs": law.n_runs, "n_points": law.n_points, "parameters": {}}
        return {"status": law.status, "words": law.words} | numbers
    parts = law.laws if isinstance(law, Combined) else (law,)
    last = parts[0].stages[-1]
    on = "the ends" if last.n_points == last.n_runs else count(last.n_points, "checkpoint")
    words = f"fitted to {on} of {count(last.n_runs, 'run')}"
    if isinstance(law, Combined):
        words = f"mean of {' and '.join(choice.together)}, whose inner errors hardly differ"
    return {
        "status": "ok" if all(part.converged for part in parts) else "no convergence",
        "words": f"{words}; inner error: {cut}",
        "n_runs": last.n_runs,
        "n_points": last.n_points,
        "parameters": law.parameters if isinstance(law, Law) else {},
    }


def _stage2(group: Group, metrics: list[Metric], found: Mapping[str, Laws], roles: Roles, spec: Scaling) -> Block:
    def draw(m: Metric) -> Block:
        laws = found[m.name].items()
        stages: dict[str, Stage] = {f.split("+")[1]: w.stages[-1] for f, w in laws if "+" in f and isinstance(w, Law)}
        how = {"emerged_share": spec.emerged, "confidence": spec.confidence}
        return against_loss(m, stages, group.points, group.ends, roles, seed=spec.seed, **how)

    scores = [m for m in metrics if m.kind == "score" and m.loss]
    return dict(zip([m.name for m in scores], side_by_side(draw, scores), strict=True))


def _warnings(found: Mapping[str, Laws]) -> list[str]:
    laws = [(f"{name} ({form})", law) for name, by in found.items() for form, law in by.items()]
    words = dict.fromkeys(w.words for _, w in laws if isinstance(w, Unfit) and w.status == "not emerged")
    loose = [name for name, law in laws if isinstance(law, Law) and not law.converged]
    return [*words, *([f"no two starts of the fit end alike: {listed(loose)}"] if loose else [])]
