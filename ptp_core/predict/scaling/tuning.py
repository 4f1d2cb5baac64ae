"""From few fine-tuning examples to many: which model will have the lower loss, and how low it will be.

What the loss before fine-tuning, the size of a model and a tiny fine-tune say about the order at the largest number of
examples, and laws of the number of examples (``tuning_forms``) fitted on the small numbers and held against it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from ptp_core.predict.scaling.tuning_curves import LEAST_MODELS, LEAST_SIZES, Curves, curves_of, fitted_sizes
from ptp_core.predict.scaling.tuning_forms import FORMS, Floats, Predict
from ptp_core.predict.wording import count, listed, number, percent
from ptp_core.spec.scaling import Scaling
from ptp_core.stats.intervals import jackknife_intervals
from ptp_core.stats.pairs import pairwise_accuracy

Block = dict[str, Any]
LIKELY = 2.0
"""Forms with an error within the fitted sizes of up to so many times the least are not told apart by it: the band of a
prediction reaches over theirs. At 1 bands of 95 % cover 87 % in simulations of the rectified law, at 1.5 90 and at 2 96
(tests/predict/scaling/test_tuning.py), since laws err more, and others err least, over the last stretch."""


def tuning_law(table: pd.DataFrame, spec: Scaling) -> Block:
    """Pairwise accuracies for the loss at the largest size, laws fitted on small sizes, and how far they are off.

    Estimand of every accuracy: the probability that two models drawn at random are put in the order of their losses at
    the largest size; its interval is over models. Of the laws, the one with the least error within the fitted sizes is
    chosen: laws are fitted up to a size s and predict the size as many times larger as the largest is than the largest
    fitted one. These errors also make the band of each prediction (split conformal: Lei et al. 2018), drawn around all
    forms that are about as good as the chosen one; it holds so far as they err at the end as they do before it.
    Raises UserError where there is nothing to fit.
    """
    if spec.tuning is None:
        raise ValueError("no section scaling.tuning")
    curves = curves_of(table, spec.tuning.name, spec.params)
    fitted = fitted_sizes(curves, spec.tuning.largest)
    pairwise = list(_pairwise(curves, spec.confidence))
    law, lines = _law(curves, fitted, spec.confidence)
    unknown = [math.nan] * (len(curves.sizes) - lines.shape[1])
    return {
        "name": spec.tuning.name,
        "sizes": list(curves.sizes),
        "largest_fitted": fitted[-1],
        "n_models": len(curves.models),
        "pairwise": pairwise,
        "law": law,
        "curves": [
            # No law knows the loss before fine-tuning: the task's form is learned from the first few examples.
            {
                "model": model,
                "sizes": list(curves.sizes),
                "losses": losses.tolist(),
                "fitted": [*unknown, *line.tolist()],
            }
            for model, losses, line in zip(curves.models, curves.losses, lines, strict=True)
        ],
        "words": list(_words(curves, fitted, pairwise, law, spec.confidence)),
    }


def _pairwise(curves: Curves, confidence: float) -> Iterator[Block]:
    for k, size in enumerate(curves.sizes[:-1]):
        scored = _scored(-curves.losses[:, k], -curves.final, confidence)
        yield {"by": "loss after n examples", "examples": size} | scored
    known = np.isfinite(curves.params)
    if known.sum() >= LEAST_MODELS:
        scored = _scored(curves.params[known], -curves.final[known], confidence)
        yield {"by": "params", "examples": None} | scored


def _scored(indicator: Floats, outcome: Floats, confidence: float) -> Block:
    share = pairwise_accuracy(indicator, outcome)
    interval = jackknife_intervals(indicator[:, None], outcome, confidence=confidence)[0]
    return {
        "accuracy": share.accuracy,
        "ci95": interval.tolist(),
        "n_models": len(outcome),
        "n_pairs": share.n_pairs,
    }


def _law(curves: Curves, fitted: tuple[int, ...], confidence: float) -> tuple[Block, Floats]:
    """The block of the laws, and the chosen one's losses at every size above 0."""
    positive = [k for k, size in enumerate(curves.sizes) if size > 0]
    losses, sizes = curves.losses[:, positive], np.array([curves.sizes[k] for k in positive], dtype=np.float64)
    n, factor = len(fitted), sizes[-1] / sizes[len(fitted) - 1]
    forms: dict[str, Block] = {}
    lines, errors = {}, {}
    for name, form in FORMS.items():
        tried = [held_out_errors(predict, sizes[:n], losses[:, :n], factor) for predict in form.settings]
        best = int(np.argmin([np.abs(error).mean() for error in tried]))
        errors[name], lines[name] = tried[best], form.settings[best](sizes[:n], losses[:, :n], sizes)
        forms[name] = {"formula": form.formula, "inner_error": float(np.abs(tried[best]).mean())}
        forms[name] |= _errors(lines[name][:, -1], curves.final, confidence)
    chosen = min(forms, key=lambda name: float(forms[name]["inner_error"]))
    likely = [name for name in forms if forms[name]["inner_error"] <= LIKELY * forms[chosen]["inner_error"]]
    spreads = {name: conformal(errors[name], confidence) for name in likely}
    band = _band({name: lines[name][:, -1] for name in likely}, spreads)
    inside = (band[:, 0] <= curves.final) & (curves.final <= band[:, 1])
    return {
        "forms": forms,
        "chosen": chosen,
        "by": f"the least error of laws fitted on up to {_cuts(sizes[:n], factor)} examples",
        "band_of": likely,
        "covered": float(inside.mean()) if np.isfinite(band).all() else None,
        "predictions": [
            {
                "model": model,
                "predicted": float(predicted),
                "actual": float(actual),
                "relative_error": float(abs(predicted - actual) / actual),
                "band95": [float(low), float(high)] if math.isfinite(high) else None,
            }
            for model, predicted, actual, (low, high) in zip(
                curves.models, lines[chosen][:, -1], curves.final, band, strict=True
            )
        ],
    }, lines[chosen]


def _band(predicted: dict[str, Floats], spreads: dict[str, float]) -> Floats:
    """From the lowest to the highest end of the bands of several forms, (m,) each -> (m, 2)."""
    low = np.min([predicted[name] * math.exp(-spread) for name, spread in spreads.items()], axis=0)
    high = np.max([predicted[name] * math.exp(spread) for name, spread in spreads.items()], axis=0)
    return np.stack([low, high], axis=1)


def _errors(predicted: Floats, actual: Floats, confidence: float) -> Block:
    relative = np.abs(predicted - actual) / actual
    scored = _scored(-predicted, -actual, confidence)
    return {
        "mean_relative_error": float(relative.mean()),
        "median": float(np.median(relative)),
        "accuracy": scored["accuracy"],
        "ci95": scored["ci95"],
        "n": len(actual),
    }


def cuts(sizes: Floats, factor: float) -> list[tuple[int, int]]:
    """Pairs (fitted sizes, index of the size predicted) within the sizes (k,), ``factor`` times larger.

    Where no law of LEAST_SIZES sizes can reach so far, the shortest law predicts the last size.
    """
    found = []
    for n in range(LEAST_SIZES, len(sizes)):
        far = np.flatnonzero(sizes >= factor * sizes[n - 1] * (1 - 1e-9))
        found += [(n, int(far[0]))] if len(far) else []
    return found or [(min(LEAST_SIZES, len(sizes) - 1), len(sizes) - 1)]


def _cuts(sizes: Floats, factor: float) -> str:
    return " and ".join(f"{sizes[n - 1]:,.0f} for {sizes[target]:,.0f}" for n, target in cuts(sizes, factor))


def held_out_errors(predict: Predict, sizes: Floats, losses: Floats, factor: float) -> Floats:
    """ln(actual / predicted) of laws fitted on fewer sizes, losses (m, k) -> (cuts, m)."""
    return np.stack([
        np.log(losses[:, target] / predict(sizes[:n], losses[:, :n], sizes[target : target + 1])[:, 0])
        for n, target in cuts(sizes, factor)
    ])  # fmt: skip


def conformal(errors: Floats, confidence: float) -> float:
    """What |error| a further one exceeds with probability 1 − confidence at most, if exchangeable; ∞ with too few."""
    size = np.sort(np.abs(errors).ravel())
    rank = math.ceil((len(size) + 1) * confidence)
    return float(size[rank - 1]) if rank <= len(size) else math.inf


def _words(
    curves: Curves, fitted: tuple[int, ...], pairwise: list[Block], law: Block, confidence: float
) -> Iterator[str]:
    end = f"{curves.sizes[-1]:,} examples"
    ordered = any(entry["n_pairs"] for entry in pairwise)
    if not ordered:
        models = count(len(curves.models), "model")
        yield f"The losses of {models} after {end} do not differ, so that there is no order to foretell."
    for entry in pairwise if ordered else ():
        share = _share(entry, confidence)
        if entry["examples"] == 0:
            yield f"The loss before fine-tuning orders {share} as the loss after {end} does; half is chance."
        elif entry["examples"] == fitted[-1]:
            yield f"The loss after {entry['examples']:,} examples orders {share} so."
        elif entry["examples"] is None:
            yield f"The larger model has the lower loss after {end} in {share}."
    chosen = law["forms"][law["chosen"]]
    yield (
        f"{law['chosen']}, fitted on {fitted[0]:,} to {fitted[-1]:,} examples and chosen by {law['by']}, predicts the "
        f"loss after {end} with a mean relative error of {percent(chosen['mean_relative_error'])} (median "
        f"{percent(chosen['median'])}, n = {chosen['n']})"
        + (f", and orders {_share(chosen, confidence)} rightly." if ordered else ".")
    )
    best = min(law["forms"], key=lambda name: float(law["forms"][name]["mean_relative_error"]))
    if best != law["chosen"]:
        other = law["forms"][best]
        right = f", and {_share(other, confidence)} ordered rightly" if ordered else ""
        yield (
            f"Looking back, {best} was nearer: {percent(other['mean_relative_error'])}{right}; its error within the "
            f"fitted sizes, {percent(other['inner_error'])} against {percent(chosen['inner_error'])}, did not tell."
        )
    if law["covered"] is not None:
        yield (
            f"The {confidence:.0%} bands, over {listed(law['band_of'])}, hold {percent(law['covered'])} of the "
            f"{len(curves.models)} losses measured."
        )
    if curves.left_out:
        yield f"{count(len(curves.left_out), 'model')} left out for lack of a size: {listed(curves.left_out)}."


def _share(entry: Block, confidence: float) -> str:
    low, high = entry["ci95"]
    known = math.isfinite(low) and math.isfinite(high)
    span = f"{confidence:.0%} interval {number(100 * low)} to {number(100 * high)} %" if known else "interval not known"
    return f"{percent(entry['accuracy'])} of pairs ({span}, n = {entry.get('n_models', entry.get('n'))} models)"
