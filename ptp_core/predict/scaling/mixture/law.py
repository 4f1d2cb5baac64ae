"""The block ``mixture`` of ``scaling.json``, and what ``ptp scale`` needs of it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from ptp_core.predict.scaling.mixture.best import best_block
from ptp_core.predict.scaling.mixture.fitting import domain_names, fit_laws, score_metrics
from ptp_core.predict.scaling.mixture.forms import named_parameters
from ptp_core.predict.scaling.mixture.held_out import domain_blocks, knows_compute, score_blocks
from ptp_core.predict.scaling.mixture.laws import MEAN, Laws, band, predict
from ptp_core.predict.scaling.mixture.score import FEWEST
from ptp_core.predict.scaling.mixture.stored import laws_block
from ptp_core.predict.scaling.mixture.surface import surface
from ptp_core.predict.scaling.points import Floats, Points, matching
from ptp_core.predict.wording import count, listed, number, percent
from ptp_core.spec.scaling import Scaling

Block = dict[str, Any]
SHOWN = 400
"""Runs in the picture of the surface, at most."""


def mixture_law(points: Points, spec: Scaling, fitted: Iterable[str], held_out: Iterable[str]) -> tuple[Block, Block]:
    """FLP-M (Chen et al. 2024) for any number of sources: (block of scaling.json, block of scaling_laws.json).

    ``fitted`` and ``held_out`` are the names of runs that the other laws use; ``scaling.mixture.fit`` and ``hold_out``
    go before them. A domain's loss has the form of least error in a cross-validation among the fitted runs. Held-out
    runs are judged by Spearman's rank correlation and by relative error, beside a linear regression and boosted trees.
    Raises UserError for what no law can be fitted on (``fitting.refuse_unfit``).
    """
    law = spec.mixture
    if law is None:
        raise ValueError("a study without scaling.mixture has no law of the mixture")
    inside = matching(law.fit, points.runs, "scaling.mixture.fit") if law.fit else tuple(fitted)
    outside = matching(law.hold_out, points.runs, "scaling.mixture.hold_out") if law.hold_out else tuple(held_out)
    inside = tuple(run for run in inside if run not in set(outside))
    fit_points, asked = points.of_runs(inside), points.of_runs(outside).ends(spec.last)
    domains = domain_names(points, spec, law)
    laws = fit_laws(fit_points, spec, law, asked.shares)
    ends, scores = fit_points.ends(spec.last), list(score_metrics(points, spec, domains))
    blocks = domain_blocks(laws, ends, asked, spec.seed)
    actual = actuals(laws, ends)
    block = {
        "sources": list(laws.sources),
        "losses": list(laws.losses),
        "n_fit": len(ends.runs),
        "n_held_out": len(asked.runs),
        "fit_compute": list(laws.computes),
        "held_out_compute": [float(asked.compute.min()), float(asked.compute.max())] if len(asked.runs) else None,
        "domains": blocks,
        "mean": _mean(blocks),
        "scores": score_blocks(laws, scores, ends, asked, spec.seed),
        "parameters": {n: named_parameters(d.layout, d.theta, laws.sources) for n, d in laws.losses.items()},
        "best": [best_block(laws, t, actual[t], ends.compute, spec.seed) for t in laws.targets],
        "surface": _surface(laws, ends, actual),
        "prospects": _prospects(laws, spec, ends),
    }
    return {**block, "words": _words(laws, block, ends, asked)}, laws_block(laws, spec.seed)


def actuals(laws: Laws, ends: Points) -> dict[str, Floats]:
    """Target → (runs,) what was measured."""
    found = {name: ends.values[name] for name in (*laws.losses, *laws.scores)}
    return {**found, MEAN: np.mean([ends.values[name] for name in laws.losses], axis=0)}


def _mean(blocks: list[Block]) -> Block:
    """Means over domains; None where a domain has none."""

    def mean(values: list[float | None]) -> float | None:
        known = [value for value in values if value is not None]
        return float(np.mean(known)) if len(known) == len(values) else None

    rivals = {
        rival: mean([b["baselines"].get(rival, {}).get("spearman") for b in blocks]) for rival in ("linear", "trees")
    }
    return {"spearman": mean([b["spearman"] for b in blocks]), "baselines": rivals}


def _surface(laws: Laws, ends: Points, actual: dict[str, Floats]) -> Block:
    target = next(iter(laws.scores), laws.targets[len(laws.losses)] if len(laws.losses) > 1 else laws.targets[0])
    at = laws.computes[1]
    block, picked = surface(lambda shares: predict(laws, target, shares, at), laws.sources, laws.shares)
    near = np.flatnonzero((ends.compute > 0.99 * at) & np.isfinite(actual[target]))[:SHOWN]
    shown = [
        {"run": ends.runs[i], "shares": ends.shares[i, picked].tolist(), "actual": float(actual[target][i])}
        for i in near.tolist()
    ]
    return {"target": target, **block, "compute": at, "points": shown}


def _prospects(laws: Laws, spec: Scaling, ends: Points) -> list[Block]:
    """What every target will be for the runs of ``scaling.predict`` that say their mixture."""
    each = float(np.median(ends.compute / (ends.params * ends.tokens)))
    found = []
    for name, prospect in spec.predict.items():
        if not prospect.mixture:
            continue
        shares = np.array([[prospect.mixture[source] for source in laws.sources]])
        shares, compute = shares / shares.sum(), each * prospect.params * prospect.tokens
        for target in laws.targets:
            low, high = band(laws, target, shares, compute)[0].tolist()
            value = float(predict(laws, target, shares, compute)[0])
            row = {"run": name, "target": target, "predicted": value, "band95": [low, high]}
            found.append(row | {"reach": compute / laws.computes[1]})
    return found


def _words(laws: Laws, block: Block, ends: Points, asked: Points) -> list[str]:
    n_mixtures = len(np.unique(ends.shares.round(6), axis=0))
    words = _order(laws, block, asked)
    words.append(
        f"Fitted on {count(len(ends.runs), 'run')} with {count(n_mixtures, 'mixture')} of {len(laws.sources)} sources; "
        f"{_forms(laws)}."
    )
    if n_mixtures <= len(laws.sources):
        words.append(
            f"{n_mixtures} mixtures cannot tell {len(laws.sources)} sources apart: what one source does is partly "
            "what the penalty makes of it."
        )
    if len(asked.runs) and not knows_compute(laws, asked.compute):
        words.append(
            f"All fitted runs have about {number(laws.computes[1])} FLOPs, so the laws do not know what compute does: "
            "the order of mixtures can be judged on the held-out runs, the level of their losses cannot."
        )
    for run in dict.fromkeys(row["run"] for row in block["prospects"]):
        rows = [row for row in block["prospects"] if row["run"] == run]
        told = [
            f"{r['target']} {number(r['predicted'])} ({number(r['band95'][0])} to {number(r['band95'][1])})"
            for r in rows
        ]
        words.append(
            f"{run} by the law of the mixture, {number(rows[0]['reach'])} times the largest fitted compute: "
            f"{'; '.join(told)}."
        )
    lacking = [s["score"] for s in block["scores"] if s["score"] not in laws.scores]
    if lacking:
        words.append(
            f"No network for {listed(lacking)}: fewer than {FEWEST} fitted runs have emerged, or all are equal."
        )
    if laws.scores:
        words.append(
            "Networks are trained on the measured losses of fitted runs; predictions are the mean of the tenth of the "
            "starts with least training error."
        )
    return words


def _order(laws: Laws, block: Block, asked: Points) -> list[str]:
    """How well held-out mixtures are ordered: what the law is for."""
    mean = block["mean"]
    if mean["spearman"] is None:
        return []
    rivals = listed([f"{name} {value:.3f}" for name, value in mean["baselines"].items() if value is not None])
    return [
        f"The law of the mixture orders {count(len(asked.runs), 'held-out run')} with Spearman {mean['spearman']:.3f} "
        f"on average over {count(len(laws.losses), 'domain')} (beside it: {rivals})."
    ]


def _forms(laws: Laws) -> str:
    """Which forms were chosen, how often, and their mean inner error."""
    chosen = [law.choice for law in laws.losses.values()]
    names = sorted({choice.form for choice in chosen})
    told = listed([f"{name} for {sum(c.form == name for c in chosen)}" for name in names])
    error = float(np.mean([choice.error for choice in chosen]))
    domains = count(len(chosen), "domain")
    return f"form chosen by cross-validation among them: {told} of {domains}, mean left-out error {percent(error)}"
