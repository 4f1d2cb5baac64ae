"""How well laws of the mixture, and what they have to beat, predict runs that they were not fitted on."""

from __future__ import annotations

from typing import Any

import numpy as np

from ptp_core.predict.parallel import side_by_side
from ptp_core.predict.scaling.mixture import baselines
from ptp_core.predict.scaling.mixture.fitting import SAME_COMPUTE, runs_of
from ptp_core.predict.scaling.mixture.laws import Laws, band, predict, predicted_losses
from ptp_core.predict.scaling.points import Floats, Points
from ptp_core.stats.bootstrap import percentile_interval
from ptp_core.stats.ranks import spearman

Block = dict[str, Any]
FEWEST, RESAMPLES = 4, 1000
"""Runs that can be in an order at all; resamples of them behind an interval."""
ORDER_STREAM = 76


def domain_blocks(laws: Laws, fitted: Points, held_out: Points, seed: int) -> list[Block]:
    """One a domain loss; ``fitted`` and ``held_out`` are ends of runs."""
    return side_by_side(lambda name: _domain(laws, name, fitted, held_out, seed), laws.losses)


def _domain(laws: Laws, name: str, fitted: Points, held_out: Points, seed: int) -> Block:
    actual, law = held_out.values[name], laws.losses[name]
    found = predict(laws, name, held_out.shares, held_out.compute)
    known, asked = np.isfinite(fitted.values[name]), runs_of(held_out, laws.reference, laws.scaled)
    train = runs_of(fitted, laws.reference, laws.scaled)
    some, loss = type(train)(train.shares[known], train.size[known], train.scaled), fitted.values[name][known]
    rivals = {"linear": baselines.linear(some, loss, asked)} if len(actual) else {}
    if len(actual) and np.ptp(loss) > 0:
        rivals["trees"] = baselines.trees(some, loss, asked, seed)
    return {
        "loss": name,
        **judged(found, actual, seed),
        "inside_band": _inside(laws, name, held_out),
        "form": law.choice.form,
        "formula": law.layout.form.formula,
        "inner_error": law.choice.error,
        "inner_errors": law.errors,
        "baselines": {rival: _short(judged(values, actual, seed)) for rival, values in rivals.items()},
    }


def score_blocks(laws: Laws, names: list[str], fitted: Points, held_out: Points, seed: int) -> list[Block]:
    """One a score, of the whole chain: mixture and compute → predicted losses → network."""
    losses = predicted_losses(laws, held_out.shares, held_out.compute)
    blocks = []
    for name in names:
        law, actual = laws.scores.get(name), held_out.values[name]
        n_fit = int(np.isfinite(fitted.values[name]).sum())
        nothing = np.full(len(actual), np.nan)
        mean = np.full(len(actual), np.nanmean(fitted.values[name])) if n_fit else nothing
        rivals = {"linear": law.predict_linear(losses) if law else nothing, "mean": mean}
        block = judged(law.predict(losses) if law else nothing, actual, seed)
        blocks.append(
            {
                "score": name,
                "n_fit": law.n_runs if law else n_fit,
                "n_held_out": block.pop("n"),
                **block,
                "inside_band": _inside(laws, name, held_out) if law else None,
                "baselines": {rival: _short(judged(values, actual, seed)) for rival, values in rivals.items()},
            }
        )
    return blocks


def judged(predicted: Floats, actual: Floats, seed: int) -> Block:
    """n, Spearman's rank correlation and its 95 % interval over resampled runs, and the mean relative error.

    The error is |predicted - actual| / |actual|. None where there are too few runs, or all are predicted alike.
    """
    known = np.isfinite(predicted) & np.isfinite(actual) & (actual != 0)
    p, a = predicted[known], actual[known]
    error = float(np.mean(np.abs(p - a) / np.abs(a))) if len(a) else None
    if len(a) < FEWEST or np.ptp(p) == 0 or np.ptp(a) == 0:
        return {"n": len(a), "spearman": None, "ci95": None, "relative_error": error}
    drawn = np.random.default_rng([seed, ORDER_STREAM]).integers(len(a), size=(RESAMPLES, len(a)))
    draws = spearman(p[drawn], a[drawn])
    interval = percentile_interval(draws[:, None], 0.95)[0]
    return {
        "n": len(a),
        "spearman": float(spearman(p, a)),
        "ci95": [float(bound) for bound in interval],
        "relative_error": error,
    }


def _short(block: Block) -> Block:
    return {key: block[key] for key in ("spearman", "relative_error")}


def knows_compute(laws: Laws, compute: Floats) -> bool:
    """Whether the laws can say how high a loss is at these FLOPs, and not only in which order mixtures come."""
    low, high = laws.computes
    return laws.scaled or bool(
        len(compute) and (compute >= low / SAME_COMPUTE).all() and (compute <= high * SAME_COMPUTE).all()
    )


def _inside(laws: Laws, name: str, held_out: Points) -> float | None:
    """The share of held-out runs within their bands; None where the laws do not know their compute."""
    known = np.isfinite(held_out.values[name])
    if not known.any() or not knows_compute(laws, held_out.compute[known]):
        return None
    bands = band(laws, name, held_out.shares[known], held_out.compute[known])
    actual = held_out.values[name][known]
    return float(((bands[:, 0] <= actual) & (actual <= bands[:, 1])).mean())
