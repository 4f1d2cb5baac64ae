"""From the table to the laws of a study: stages and chains, errors on runs that were held out, and what is chosen."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from ptp_core.predict.analysis import json_ready
from ptp_core.predict.scaling.emerged import Metric, metrics_of
from ptp_core.predict.scaling.group import Group, analyze_group, group_of
from ptp_core.predict.scaling.headline import verdict
from ptp_core.predict.scaling.points import Points, points_of
from ptp_core.predict.scaling.roles import Roles, aims_of, roles_of
from ptp_core.predict.wording import listed
from ptp_core.spec.scaling import Scaling

Progress = Callable[[str, float], None]
Block = dict[str, Any]
MIXTURE, TUNING = 0.15, 0.1
"""About the shares of the time that these take, for the progress bar."""


@dataclass(frozen=True)
class Analysis:
    """What ``scaling.json`` and ``scaling_laws.json`` hold."""

    summary: Block
    laws: Block


def analyze_scaling(
    table: pd.DataFrame,
    spec: Scaling,
    study: str,
    progress: Progress | None = None,
    chance: Mapping[str, float] | None = None,
) -> Analysis:
    """The laws of a study as JSON-able dictionaries, the same for any order of the table's rows.

    ``table`` is in the tidy schema. Bands have the coverage ``confidence``, whatever the key ``band95`` is called, and
    are for what the run itself will measure. Numbers that could not be computed are None. ``progress`` is told what is
    being done and which share of the work is behind. ``chance`` is what a guesser scores (outcome → value), where the
    spec says nothing else.

    Raises UserError for names that the table does not have, runs without a size, losses that are not above 0, runs
    both fitted and held out, and fewer than three fitted runs.
    """
    say = progress or (lambda what, share: None)
    summary: Block = {"study": study, "confidence": spec.confidence, "groups": [], "last": spec.last}
    summary |= {"runs": [], "metrics": [], "fits": {}, "choice": {}, "targets": {}, "ranking": []}
    summary |= {"curves": {}, "stage2": {}, "mixture": None, "tuning": None, "warnings": []}
    laws: Block = {"groups": {}, "mixture": None}
    if spec.losses or spec.targets or spec.mixture:
        _add_laws(points_of(table, spec), spec, summary, laws, say, chance or {})
    if spec.tuning:
        from ptp_core.predict.scaling.tuning import tuning_law

        say("law of the examples fine-tuned on", 1 - TUNING)
        summary["tuning"] = tuning_law(table, spec)
    summary = json_ready(summary)
    summary["verdict"] = verdict(summary)
    say("done", 1.0)
    return Analysis(summary, json_ready(laws))


def refuse_mistakes(table: pd.DataFrame, spec: Scaling) -> None:
    """Raise UserError for whatever ``analyze_scaling`` would find wrong with names, sizes and roles; fits nothing."""
    if not (spec.losses or spec.targets or spec.mixture):
        return
    points = points_of(table, spec)
    ends = points.ends(spec.last)
    metrics_of(points, spec)
    roles = roles_of(points, ends, spec)
    for name in sorted(set(points.groups)):
        aims_of(ends, roles, spec, name)


def _add_laws(
    points: Points, spec: Scaling, summary: Block, laws: Block, say: Progress, chance: Mapping[str, float]
) -> None:
    ends = points.ends(spec.last)
    metrics = metrics_of(points, spec, chance)
    roles = roles_of(points, ends, spec)
    groups = [group_of(name, points, ends, roles, spec) for name in sorted(set(points.groups))]
    summary["groups"] = [group.name for group in groups]
    summary["warnings"] += [
        f"{name} was not measured at the end of {listed(runs[:5])}{' …' if len(runs) > 5 else ''}: of these runs it "
        "counts on the way from loss to score alone"
        for name, runs in points.unfinished().items()
    ]
    summary["runs"] = [*_runs(ends, roles, spec), *(row for group in groups for row in _prospects(group, spec))]
    summary["metrics"] = [_metric(m) for m in metrics]
    share = (1 - (MIXTURE if spec.mixture else 0) - (TUNING if spec.tuning else 0)) / len(groups)
    for at, group in enumerate(groups if metrics else []):
        said = f"{group.name}: " if group.name else ""

        def tell(what: str, part: float, said: str = said, at: int = at) -> None:
            say(said + what, (at + part) * share)

        if not group.fitted.ends.runs:
            summary["warnings"].append(f"{said}none of its runs is fitted, so nothing is predicted")
            continue
        blocks, laws["groups"][group.name], words = analyze_group(group, metrics, roles, spec, tell)
        summary["targets"] |= blocks.pop("targets")
        summary["ranking"] += blocks.pop("ranking")
        for key, block in blocks.items():
            summary[key][group.name] = block
        summary["warnings"] += [said + sentence for sentence in words]
    if not roles.held_out:
        summary["warnings"].append("no run is held out, so that no error of a prediction is known (scaling.hold_out)")
    if spec.mixture:
        from ptp_core.predict.scaling.mixture.law import mixture_law

        say("laws of the mixture", len(groups) * share)
        summary["mixture"], laws["mixture"] = mixture_law(points, spec, roles.fit, roles.held_out)


def _runs(ends: Points, roles: Roles, spec: Scaling) -> list[Block]:
    sources = list(spec.mixture.columns) if spec.mixture else []
    return [
        {
            "run": run,
            "group": ends.groups[i],
            "params": float(ends.params[i]),
            "tokens": float(ends.tokens[i]),
            "compute": float(ends.compute[i]),
            "role": roles.of(run),
            "shares": dict(zip(sources, ends.shares[i].tolist(), strict=True)),
        }
        for i, run in enumerate(ends.runs)
    ]


def _prospects(group: Group, spec: Scaling) -> list[Block]:
    aims = group.aims
    return [
        {
            "run": run,
            "group": group.name,
            "params": float(aims.params[i]),
            "tokens": float(aims.tokens[i]),
            "compute": float(aims.compute[i]),
            "role": "prospect",
            "shares": dict(spec.predict[run].mixture),
        }
        for i, run in enumerate(aims.names)
        if aims.roles[i] == "prospect"
    ]


def _metric(metric: Metric) -> Block:
    return {
        "metric": metric.name,
        "kind": metric.kind,
        "higher_is_better": metric.rising,
        "loss": metric.loss,
        "chance": metric.chance,
        "ceiling": metric.ceiling,
    }
