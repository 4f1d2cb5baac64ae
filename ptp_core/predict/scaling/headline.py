"""One sentence about the laws, and the details behind it."""

from __future__ import annotations

from typing import Any

from ptp_core.predict.wording import count, number, percent

Block = dict[str, Any]
FEW = 5
"""An error over fewer predictions says little, and is said to."""
WHAT = {"score": "scores", "loss": "losses"}
SHOWN = 8
"""Predictions in one sentence."""


def verdict(summary: Block) -> Block:
    """``{headline, details}`` from the rest of ``scaling.json``; each sentence says how much it was computed from."""
    asked: list[str] = []
    sentences: list[str] = []
    for group in summary["groups"]:
        said = f"{group}: " if group else ""
        kinds = [kind for kind in WHAT if kind in summary["choice"].get(group, {})]
        prospects, largest = _aims(summary, group)
        found = [_held_out(summary, group, kind) for kind in kinds]
        found += [_bands(summary, group), *(_chosen(summary, group, kind) for kind in kinds)]
        asked += [said + sentence for sentence in prospects]
        sentences += [said + sentence for sentence in (*found, *largest) if sentence]
    # A run that does not exist is why laws are fitted: it comes first, unless nothing can be said of it.
    decides = any(_decides(summary, run["run"]) for run in summary["runs"] if run["role"] == "prospect")
    sentences = [*asked, *sentences] if decides else [*sentences, *asked]
    blocks = [summary[key] for key in ("mixture", "tuning")]
    told = [block["words"][0] for block in blocks if block and block.get("words")]
    rest = [sentence for block in blocks if block for sentence in block.get("words", ())[1:]]
    # Runs of one size are a study of mixtures: what cannot be said about sizes is not its headline.
    known = [*told, *sentences] if not any(row["n"] for row in summary["ranking"]) else [*sentences, *told]
    known += rest
    if not known:
        return {"headline": "Nothing could be fitted; the warnings say why.", "details": []}
    return {"headline": known[0], "details": known[1:]}


def _decides(summary: Block, run: str) -> bool:
    """Whether the chosen form of any metric does not abstain on a run."""
    group = next(row["group"] for row in summary["runs"] if row["run"] == run)
    of_run = summary["targets"].get(run, {})
    return any(not of_run[m][form]["abstains"] for m, form in _chosen_forms(summary, group).items() if m in of_run)


def _held_out(summary: Block, group: str, kind: str) -> str | None:
    """Which form extrapolates best on held-out runs, and how far the chosen one is off."""
    rows = [row for row in summary["ranking"] if (row["group"], row["kind"]) == (group, kind) and row["n"]]
    # A form that could be fitted to fewer metrics may have the easy ones.
    most = max((row["n"] for row in rows), default=0)
    best = next((row for row in rows if row["form"] != "chosen" and row["n"] == most), None)
    if best is None:
        return None
    few = ", too few to generalise" if best["n"] < FEW else ""
    runs = [run for run in summary["runs"] if run["group"] == group and run["role"] == "held_out"]
    chosen = next((row for row in rows if row["form"] == "chosen"), None)
    form = summary["choice"][group][kind]["chosen"]
    over = f"{WHAT[kind]} of {count(len(runs), 'held-out run')}"
    by = f"{_named(best['form'], summary, group, kind)}, {percent(best['held_out_error'])} off"
    mean = f"in the mean of {count(best['n'], 'prediction')}{few}"
    if not chosen or not form:
        return f"Nearest to the {over} is {by} {mean}."
    told = (
        f"{_named(form, summary, group, kind)}, chosen inside the fitted runs, is {percent(chosen['held_out_error'])} "
        f"off on {over}, in the mean of {count(chosen['n'], 'prediction')}{few}"
    )
    told = told[0].upper() + told[1:] if told.startswith("the ") else told
    return f"{told}; {'no form is nearer' if form == best['form'] else f'looking back, nearest is {by}'}."


def _bands(summary: Block, group: str) -> str | None:
    """How many held-out numbers lie inside the bands of the chosen forms."""
    chosen = _chosen_forms(summary, group)
    held = [run["run"] for run in summary["runs"] if run["group"] == group and run["role"] == "held_out"]
    rows = [summary["targets"][run][m][form] for run in held for m, form in chosen.items()]
    known = [row for row in rows if row["band95"] and row["actual"] is not None]
    if not known:
        return None
    inside = sum(row["band95"][0] <= row["actual"] <= row["band95"][1] for row in known)
    return f"The {summary['confidence']:.0%} bands of the chosen forms hold {inside} of {len(known)} held-out numbers."


def _named(form: str, summary: Block, group: str, kind: str) -> str:
    parts = summary["choice"][group][kind]["combined"]
    return f"the mean of {' and '.join(parts)}" if form == "combined" else form


def _chosen(summary: Block, group: str, kind: str) -> str:
    """Why the chosen form was chosen."""
    choice = summary["choice"][group][kind]
    names = {metric["metric"] for metric in summary["metrics"] if metric["kind"] == kind}
    fits = [fit for name, forms in summary["fits"][group].items() if name in names for fit in forms.values()]
    if all(fit["status"] == "not emerged" for fit in fits):
        return f"None of the {WHAT[kind]} has emerged in the fitted runs, so none is extrapolated."
    if not choice["order"]:
        return f"Too few sizes are fitted to choose a form for {WHAT[kind]}: all are shown, none is recommended."
    errors = choice["inner_error"]
    first = choice["order"][0]
    told = (
        f"Fitted on the smaller of the fitted sizes, {first} predicts {WHAT[kind]} of the larger ones best: "
        f"{percent(errors[first])} off in the mean (n = {choice['n'][first]}, a cut and a {kind} each)"
    )
    others = [f"{form} {percent(errors[form])}" for form in choice["order"][1:3]]
    told += f"; next {', '.join(others)}" if others else ""
    both = "; the first two hardly differ, and the mean of their predictions is used" if choice["combined"] else ""
    return f"{told}{both}."


def _aims(summary: Block, group: str) -> tuple[list[str], list[str]]:
    """What the chosen forms predict for prospects; without any, for the held-out run with the most compute."""
    runs = [run for run in summary["runs"] if run["group"] == group]
    asked = [run["run"] for run in runs if run["role"] == "prospect"]
    held = [run for run in runs if run["role"] == "held_out"]
    largest = [max(held, key=lambda run: run["compute"] or 0)["run"]] if held and not asked else []
    kinds = {m["kind"] for m in summary["metrics"]}
    names = [m["metric"] for m in summary["metrics"] if m["kind"] == ("score" if "score" in kinds else "loss")]
    prospects, others = ([_aim(summary, group, run, names) for run in these] for these in (asked, largest))
    return [sentence for sentence in prospects if sentence], [sentence for sentence in others if sentence]


def _chosen_forms(summary: Block, group: str) -> dict[str, str]:
    """Metric → its chosen form, where there is one."""
    fits = summary["fits"].get(group, {})
    return {m: form for m, forms in fits.items() for form, fit in forms.items() if fit["chosen"]}


def _aim(summary: Block, group: str, run: str, names: list[str]) -> str | None:
    chosen = _chosen_forms(summary, group)
    of_run = summary["targets"][run]
    rows = {m: of_run[m][chosen[m]] for m in names if m in chosen and of_run[m][chosen[m]]["band95"]}
    if not rows:
        return None
    told = [_prediction(name, row) for name, row in sorted(rows.items(), key=lambda entry: entry[1]["abstains"])]
    parts = [*told[:SHOWN], *([f"{len(told) - SHOWN} more"] if len(told) > SHOWN else [])]
    silent = sum(row["abstains"] for row in rows.values())
    if silent:
        which = "it decides" if silent == len(rows) == 1 else f"{silent} of these decide"
        parts.append(f"{which} nothing, the band being wider than the candidates differ")
    reach = next(iter(rows.values()))["reach"]
    return f"{run}, {number(reach)} times the largest fitted compute: {'; '.join(parts)}."


def _prediction(name: str, row: Block) -> str:
    low, high = row["band95"]
    if row["abstains"]:
        return f"{name} between {number(low)} and {number(high)}"
    actual = "" if row["actual"] is None else f", measured {number(row['actual'])}"
    return f"{name} {number(row['predicted'])} ({number(low)} to {number(high)}{actual})"
