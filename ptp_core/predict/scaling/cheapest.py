"""The least compute whose predicted score, or loss, reaches a value: how large a model, on how many tokens."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from ptp_core.errors import UserError, did_you_mean
from ptp_core.predict.scaling.points import Floats
from ptp_core.predict.scaling.search import Paths, SavedLaw, least_compute, saved_law
from ptp_core.predict.wording import listed, number

Block = dict[str, Any]
Range = tuple[float, float]
LARGER = 100.0
"""Sizes up to so many times the largest fitted one are searched by default."""
BESIDE = (0.25, 0.5, 1 / math.sqrt(2), 1.0, math.sqrt(2), 2.0, 4.0)
"""Sizes beside the cheapest one whose cost is told, as multiples of it."""
EDGE = 1e-3
"""An answer as near to an end of a range, as a share of it, lies on it."""
COMBINED = "combined"
"""Name in scaling.json of the mean of two forms that hardly differ."""
EVERYTHING = 1e40
"""Parameters and tokens that leave nothing of a law but its limit."""


def cheapest(
    summary: Mapping[str, Any],
    laws: Mapping[str, Any],
    metric: str,
    value: float,
    *,
    group: str | None = None,
    form: str | None = None,
    params: Range | None = None,
    tokens_per_param: Range | None = None,
) -> Block:
    """The run of least compute, in FLOPs as the study counts them, that is predicted to reach ``value``.

    ``summary`` and ``laws`` are scaling.json and scaling_laws.json. Searched: parameters from the smallest fitted run
    to 100 times the largest, tokens per parameter within those of the fitted runs, unless ``params`` or
    ``tokens_per_param`` say otherwise; a law that knows compute alone leaves the size open, which is then told for the
    middle of these tokens per parameter. ``form``: default the one that the study chose. ``band95`` is an interval for
    the compute at which the true law reaches the value, if it is of this form: from refits to resamples of the runs,
    widened as those of every prediction are (``laws.bands``) but for the scatter of a single run. Its ends are None
    where the value is not reached. Raises UserError for an unknown metric, group or form, and for a range that is none.
    """
    group = _one_of(laws, group, "group")
    by_form = laws[group][_one_of(laws[group], metric, "loss or score")]
    if not by_form:
        # Each form has its reason; that of the first stands for all.
        why = next(iter(summary["fits"][group][metric].values()))["words"]
        raise UserError("no form has a law", subject=metric, got=why)
    together = _together(summary, group, by_form)
    form = _one_of(together, form or _chosen(summary, group, metric, together), "form")
    parts = {name: [by_form[part] for part in names] for name, names in together.items()}
    law, resampled = saved_law(parts[form]), [saved_law([entry], resampled=True) for entry in parts[form]]
    _refuse_impossible(metric, value, parts[form][0])
    sizes, ratios = _ranges(summary, group, params, tokens_per_param)
    confidence = float(summary["confidence"])
    found = _found(law, value, sizes, ratios)
    block: Block = {
        "metric": metric,
        "group": group,
        "value": value,
        "form": form,
        "mean_of": list(together[form]),
        **found,
        "limit": float(law.predict(np.array([EVERYTHING]), np.array([EVERYTHING]))[0, 0]),
        **_band(resampled, found, value, sizes, ratios, confidence),
        "searched": {"params": list(sizes), "tokens_per_param": list(ratios)},
        "candidates": _beside(law, value, found, sizes, ratios),
        "by_form": [
            {"form": name, "compute": _found(saved_law(entries), value, sizes, ratios)["compute"]}
            for name, entries in parts.items()
        ],
    }
    return block | {"words": list(_words(block, law, confidence))}


def _found(law: SavedLaw, value: float, sizes: Range, ratios: Range) -> Block:
    """The cheapest run, or what is predicted where most is spent if none reaches the value."""
    answer = least_compute(law, value, sizes, ratios)
    reached = bool(np.isfinite(answer.compute[0]))
    largest = np.array([sizes[1]])
    params, tokens = (answer.params, answer.tokens) if reached else (largest, largest * ratios[1])
    return {
        "reached": reached,
        "params": float(params[0]) if reached else None,
        "tokens": float(tokens[0]) if reached else None,
        "compute": float(answer.compute[0]) if reached else None,
        "reach": float(answer.compute[0]) / law.largest_compute if reached else None,
        "predicted": float(law.predict(params, tokens)[0, 0]),
    }


def _refuse_impossible(metric: str, value: float, entry: Mapping[str, Any]) -> None:
    ceiling = entry["ceiling"] if entry["higher_is_better"] else None
    if not math.isfinite(value) or value <= 0 or (ceiling is not None and value >= ceiling):
        expected = "a number above 0" + ("" if ceiling is None else f" and below {number(ceiling)}, the best there is")
        raise UserError("no law can say when that is reached", subject=metric, expected=expected, got=value)


def _one_of(known: Mapping[str, Any], name: str | None, what: str) -> str:
    if not known:
        raise UserError(f"no {what} has a law", fix="see the status of each fit in scaling.json")
    if name is None and len(known) == 1:
        return next(iter(known))
    if name is None:
        raise UserError(f"which {what} is meant?", expected=f"one of {listed(list(known), 20)}")
    if name not in known:
        raise UserError(f"no law for this {what}", got=name, fix=did_you_mean(name, known))
    return name


def _together(summary: Mapping[str, Any], group: str, by_form: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """Form → the laws whose predictions it is the mean of: those that the study combined, and each one alone."""
    alone: dict[str, tuple[str, ...]] = {form: (form,) for form in by_form}
    kind = "loss" if any(entry["ceiling"] is None for entry in by_form.values()) else "score"
    choice = summary.get("choice", {}).get(group, {}).get(kind) or {}
    combined = tuple(choice.get("combined", ()))
    return {COMBINED: combined, **alone} if combined and all(form in by_form for form in combined) else alone


def _chosen(summary: Mapping[str, Any], group: str, metric: str, known: Mapping[str, Any]) -> str | None:
    entries = summary["fits"].get(group, {}).get(metric, {})
    return next((form for form, entry in entries.items() if entry.get("chosen") and form in known), None)


def _ranges(summary: Mapping[str, Any], group: str, params: Range | None, ratios: Range | None) -> tuple[Range, Range]:
    fitted = [run for run in summary["runs"] if run["group"] == group and run["role"] in ("fit", "fit_scores")]
    sizes = [float(run["params"]) for run in fitted]
    spent = [float(run["tokens"]) / float(run["params"]) for run in fitted]
    for name, given in (("params", params), ("tokens_per_param", ratios)):
        if given is not None and not 0 < given[0] <= given[1] < math.inf:
            raise UserError("not a range", subject=name, expected="two numbers above 0, the lower one first", got=given)
    return params or (min(sizes), LARGER * max(sizes)), ratios or (min(spent), max(spent))


def _band(
    laws: Sequence[SavedLaw], found: Block, value: float, sizes: Range, ratios: Range, confidence: float
) -> Block:
    """From the lowest to the highest end of the bands of several laws, as ``chains.Combined`` has it."""
    rows = min(law.rows for law in laws)
    if not rows:
        return {"band95": None, "resamples": 0, "resamples_reaching": 0}
    each = [_needed(law, found, value, sizes, ratios) for law in laws]
    tail = (1 - confidence) / 2
    # Ranks, not interpolation: some resamples never reach the value, and there is no mean with infinity.
    low = min(float(np.quantile(least, tail, method="inverted_cdf")) for least, _ in each)
    high = max(float(np.quantile(needed, 1 - tail, method="inverted_cdf")) for _, needed in each)
    ends = [end if math.isfinite(end) else None for end in (low, high)]
    reaching = min(int(np.isfinite(needed).sum()) for _, needed in each)
    return {"band95": ends, "resamples": rows, "resamples_reaching": reaching}


def _needed(law: SavedLaw, found: Block, value: float, sizes: Range, ratios: Range) -> tuple[Floats, Floats]:
    """The least compute of each resampled law (B,), and what it takes at the tokens per parameter that were found.

    Every resample has its own best size, so the least of each is too low for the true law's as well: what it takes at
    one and the same ratio has no such bias, and is no less than the least.
    """
    least = least_compute(law, value, sizes, ratios).compute
    if not (found["reached"] and law.knows_size):
        return least, least
    path = Paths.of_ratio(law, found["tokens"] / found["params"], sizes, ratios)
    return least, path.least(law, value)[:, 0]


def _beside(law: SavedLaw, value: float, found: Block, sizes: Range, ratios: Range) -> list[Block]:
    """What other sizes would cost; none where the law does not know the size."""
    if not (found["reached"] and law.knows_size):
        return []
    params = np.array([factor * found["params"] for factor in BESIDE])
    params = params[(params >= sizes[0] * (1 - 1e-9)) & (params <= sizes[1] * (1 + 1e-9))]
    compute = Paths.of_sizes(law, params, ratios).least(law, value)[0]
    return [
        {"params": n, "tokens": c / (law.per_param_token * n), "compute": c, "times": c / found["compute"]}
        for n, c in zip(params.tolist(), compute.tolist(), strict=True)
        if math.isfinite(c)
    ]


def _words(block: Block, law: SavedLaw, confidence: float) -> Iterator[str]:
    aim = f"{block['metric']} {'≥' if law.rising else '≤'} {number(block['value'])}"
    searched, names = block["searched"], block["mean_of"]
    form = f"the mean of {listed(names)}" if len(names) > 1 else block["form"]
    if not block["reached"]:
        if not law.attained(np.array(block["limit"]), block["value"]):
            yield f"{aim} is never reached: the law {form} saturates at {number(block['limit'])}."
        else:
            yield (
                f"{aim} is not reached by {number(searched['params'][1])} parameters and "
                f"{number(searched['tokens_per_param'][1])} tokens per parameter, the largest searched: there "
                f"{form} predicts {number(block['predicted'])}."
            )
    else:
        ratio = block["tokens"] / block["params"]
        yield (
            f"{aim} takes {number(block['compute'])} FLOPs by {form}: {number(block['params'])} parameters on "
            f"{number(block['tokens'])} tokens ({number(ratio)} per parameter), {number(block['reach'])} times the "
            "largest compute that was fitted."
        )
        if not law.knows_size:
            yield f"{form} knows compute alone: how it is split between size and tokens is not predicted."
        least, most = searched["tokens_per_param"]
        if law.knows_size and min(abs(ratio / least - 1), abs(ratio / most - 1)) < EDGE:
            yield f"That is the edge of the {number(least)} to {number(most)} tokens per parameter searched."
    others = [other["compute"] for other in block["by_form"] if other["form"] not in (block["form"], *names)]
    spent = sorted(compute for compute in others if compute is not None)
    if spent:
        span = f"{number(spent[0])} to {number(spent[-1])} FLOPs"
        yield f"By the other forms that reach it, {len(spent)} of {len(others)}, it takes {span}."
    elif others:
        yield f"No other form reaches it (n = {len(others)})."
    if block["resamples"]:
        low, high = (f"{number(end)} FLOPs" if end is not None else "never" for end in block["band95"])
        yield (
            f"Over resamples of the runs, widened for their number, the law takes {low} to {high} ({confidence:.0%} "
            f"interval, {block['resamples_reaching']} of {block['resamples']} resamples reach it); how far a single "
            "run lies off the law comes on top."
        )
