"""From the table to the dynamics: checkpoints of every run, before and after fine-tuning (Sun & Dredze 2024)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from ptp_core.errors import UserError
from ptp_core.predict.analysis import json_ready
from ptp_core.predict.audit.labels import constant_labels
from ptp_core.predict.dynamics.cells import Cell, as_json, cells_of, curves_of, domains_of, whole
from ptp_core.predict.dynamics.correlation import correlation
from ptp_core.predict.dynamics.early import early
from ptp_core.predict.dynamics.forgetting import forgetting, groups_of
from ptp_core.predict.dynamics.formats import formats
from ptp_core.predict.dynamics.gains import gains, overall
from ptp_core.predict.dynamics.headline import verdict
from ptp_core.predict.dynamics.latent import latent
from ptp_core.predict.dynamics.overtraining import loss_names, overtraining
from ptp_core.predict.dynamics.runs import Runs, runs_of
from ptp_core.predict.dynamics.scores import base_names, format_of, on_other_items, scores_of
from ptp_core.predict.dynamics.together import together
from ptp_core.predict.quantities import natural_order
from ptp_core.predict.wording import count, listed
from ptp_core.spec.dynamics import Dynamics

Progress = Callable[[str, float], None]


class NothingToDerive(UserError):  # noqa: N818 (a mistake only where nothing else was asked for)
    """No checkpoint has what any of the questions takes."""


def analyze_dynamics(
    table: pd.DataFrame, spec: Dynamics, study: str, progress: Progress | None = None
) -> dict[str, Any]:
    """The dynamics of a study as a JSON-able dictionary, the same for any order of the table's rows.

    ``table`` is in the tidy schema. Every block is explained by the function that makes it. Intervals have the
    coverage ``spec.confidence``, whatever the key ``ci95`` is called; what could not be computed is None. Gains and
    slopes are in the score's own unit, signed so that more is better. ``progress`` is told what is being done and
    which share of the work is behind.

    Raises UserError for names in ``spec`` that the table does not have, runs whose checkpoints cannot be put in order,
    and NothingToDerive for a table from which none of this can be derived.
    """
    say = progress or (lambda _what, _share: None)
    say("checkpoints", 0.0)
    runs = runs_of(table, spec)
    scores = scores_of(runs)
    bases = base_names(scores, spec)
    in_format = format_of(scores, bases, spec)
    domains = domains_of(scores, spec)
    cells = cells_of(scores, bases, in_format, spec)
    curves = curves_of(cells)
    losses = loss_names(scores, spec)
    labels = constant_labels(table)
    suspect = () if spec.groups else tuple(o for o, base in bases.items() if any(base in f.indicators for f in labels))
    say("gains and forgetting", 0.2)
    found: dict[str, Any] = {
        "study": study,
        "confidence": spec.confidence,
        "prompt_format": in_format,
        "bases": bases,
        "trajectories": _trajectories(runs),
        "cells": [as_json(cell, spec.confidence) for cell in cells],
        "overall": overall(curves, spec),
        "gains": gains(curves, spec.confidence),
        "forgetting": forgetting(curves, groups_of(scores, domains, spec), spec.confidence, suspect),
        "formats": formats(scores, _own(domains, bases), spec.confidence),
    }
    say("order of checkpoints", 0.4)
    found["correlation"] = correlation(curves, spec)
    found["over_runs"] = together(found, spec.confidence)
    found["latent"] = latent(curves, spec.confidence)
    found["overtraining"] = overtraining(curves, scores, losses, spec.confidence)
    say("order at early checkpoints", 0.6)
    found["early"] = early(runs, in_format, spec.confidence)
    if not (curves or found["formats"] or found["early"]):
        raise _nothing(scores, bases)
    found["verdict"] = verdict(found, spec.confidence)
    found["warnings"] = [
        *(finding.sentence for finding in labels),
        *_lacking(cells, scores, in_format, losses, suspect),
        *_unlike(on_other_items(runs.scores, bases)),
    ]
    say("done", 1.0)
    return dict(json_ready(found))


def refuse_mistakes(table: pd.DataFrame, spec: Dynamics) -> None:
    """Raise UserError for whatever ``analyze_dynamics`` would find wrong with names and checkpoints."""
    scores = scores_of(runs_of(table, spec))
    bases = base_names(scores, spec)
    domains = domains_of(scores, spec)
    cells_of(scores, bases, format_of(scores, bases, spec), spec)
    groups_of(scores, domains, spec)
    loss_names(scores, spec)


def _trajectories(runs: Runs) -> list[dict[str, Any]]:
    scores = runs.scores
    tokens = {str(run): sorted(set(group.dropna())) for run, group in scores.groupby("run")["tokens"]}
    return [
        {"name": run, "variants": list(members), "tokens": [whole(t) for t in tokens.get(run, [])]}
        for run, members in runs.variants.items()
    ]


def _own(domains: Mapping[str, frozenset[str]], bases: Mapping[str, str]) -> set[tuple[str, str]]:
    """(task, test) in domain, and ("", base) of these tests."""
    tuned = {(task, test) for task, tests in domains.items() for test in tests}
    return tuned | {("", bases[test]) for _, test in tuned if test in bases}


def _lacking(
    cells: Sequence[Cell],
    scores: pd.DataFrame,
    in_format: str | None,
    losses: Sequence[str],
    suspect: Sequence[str],
) -> list[str]:
    """What the reader has to know of what is not there."""
    said = []
    without = {cell.pair.test for cell in cells if np.isnan(cell.base)}
    known = {cell.pair.test for cell in cells if np.isfinite(cell.base)}
    if never := natural_order(without - known):
        there = f" in the prompt format {in_format}" if in_format else ""
        said.append(
            f"No score before fine-tuning is known of {listed(never)}{there}: nothing is derived from those after it."
        )
    if partly := natural_order(without & known):
        said.append(f"Where the score before fine-tuning of {listed(partly)} is missing, its checkpoints are left out.")
    if cells and max(Counter(cell.pair for cell in cells).values()) == 1:
        said.append(
            "Intermediate checkpoints were not fine-tuned: gains are those of one checkpoint a run, and whether "
            "fine-tuned scores rise or fall along training is not known (finetune.intermediate; where each "
            "checkpoint is a variant of its own, dynamics.trajectories says which belong together)."
        )
    elif cells and not losses:
        said.append("The table has no loss along training, so overtraining cannot be judged (dynamics.losses).")
    if other := _other_formats(scores, cells, in_format):
        said.append(
            f"{listed(other)} {'was' if len(other) == 1 else 'were'} not scored in the prompt format {in_format}, so "
            "that gains leave them out (dynamics.prompt_format)."
        )
    if suspect:
        said.append(f"{listed(suspect)}: left out of forgetting, since the right answers are probably all the same.")
    if (n := scores["run"].nunique()) < 4:
        said.append(
            f"With {count(n, 'run')} nothing can be said of the order of runs at early checkpoints: that takes four."
        )
    return said


def _unlike(outcomes: Sequence[str]) -> list[str]:
    if not outcomes:
        return []
    return [
        f"{listed(outcomes)}: the score before fine-tuning is of other items than the one after it, so that a gain "
        "also holds how hard these are; `items: shared` scores the same ones."
    ]


def _other_formats(scores: pd.DataFrame, cells: Sequence[Cell], in_format: str | None) -> list[str]:
    tuned = scores[scores["kind"] == "outcome"]
    known = {cell.pair[1:] for cell in cells}
    return [
        f"{test} after tuning on {task}"
        for task, test in sorted({(str(t), str(e)) for t, e in zip(tuned["train_task"], tuned["test"], strict=True)})
        if (task, test) not in known
    ]


def _nothing(scores: pd.DataFrame, bases: Mapping[str, str]) -> NothingToDerive:
    outcomes = natural_order(set(scores.loc[scores["kind"] == "outcome", "test"]))
    if not outcomes:
        what, got = "no score after fine-tuning is in the table", None
    elif not bases:
        what, got = "no outcome has a score before fine-tuning", listed(outcomes)
    else:
        what, got = "no checkpoint has a score both before and after fine-tuning", listed(list(bases))
    return NothingToDerive(
        f"{what}, so that nothing can be derived from the checkpoints",
        subject="dynamics",
        expected="an outcome and an indicator of the same name (or kshot_<outcome>) at one checkpoint, or several runs "
        "with early checkpoints",
        got=got,
        fix="measure the test sets before fine-tuning as well, or name the indicators under dynamics.base",
    )
