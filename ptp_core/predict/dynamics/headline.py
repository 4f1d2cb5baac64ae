"""The most important thing that checkpoints before and after fine-tuning say, and the rest of it in sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ptp_core.predict.dynamics.numbers import interval, rho, signed
from ptp_core.predict.wording import count, listed, number, percent

Block = Mapping[str, Any]
Row = Mapping[str, Any]


def verdict(found: Block, confidence: float) -> dict[str, Any]:
    """``{headline, details}`` from the other blocks; every number with its n and interval."""
    parts = [part for part in (_gain(found), _base(found, confidence)) if part]
    headline = "; ".join(parts) or "No score before fine-tuning stands beside one after it"
    return {"headline": _capital(headline) + ".", "details": _details(found, confidence)}


def _details(found: Block, confidence: float) -> list[str]:
    said = [
        *_gain_rows(found, confidence),
        *_forgetting(found),
        *_formats(found),
        *_correlation(found, confidence),
        *_judged(found["latent"], "latent", "Latent gain", "not latent"),
        *_judged(found["overtraining"], "overtrained", "Overtraining", "not overtrained"),
        *_early(found),
        _method(found, confidence),
    ]
    return [_capital(sentence) for sentence in said]


def _capital(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]


def _gain(found: Block) -> str:
    over = found["overall"]
    if not over:
        return ""
    if not over["alike"]:
        return _gain_by_task(found, over["tests"])
    tasks, n = count(len(over["tests"]), "task"), count(over["n"], over["over"].removesuffix("s"))
    where = f"on average over {tasks}" if len(over["tests"]) > 1 else f"on {next(iter(over['tests'].values()))}"
    amount = f"{signed(over['mean_gain'])} {where} ({n}{interval(over['ci95'])})"
    if (over["ci95"] and over["ci95"][0] <= 0 <= over["ci95"][1]) or over["mean_gain"] == 0:
        return f"fine-tuning is not shown to change scores: {amount}"
    return f"fine-tuning gains {amount}" if over["mean_gain"] >= 0 else f"fine-tuning changes scores by {amount}"


def _gain_by_task(found: Block, tests: Mapping[str, str]) -> str:
    """Scores on different scales have no mean: each has its own gain."""
    rows = [row for row in _inside(found) if tests.get(row["train_task"]) == row["test"]]
    told = [
        f"{signed(row['mean_gain'])} on {row['test']}{_of_run(row, found)} ({_units(row)}{interval(row['ci95'])})"
        for row in rows
    ]
    return f"fine-tuning changes scores, whose scales differ, by {listed(told, 4)}" if told else ""


def _base(found: Block, confidence: float) -> str:
    """What the base score is worth in ordering checkpoints: over the tasks tested on what they were tuned on."""
    rows = [row for row in found["correlation"] if row["in_domain"] and row["spearman"] == row["spearman"]]
    if not rows:
        return ""
    if found["over_runs"]["correlation"]:
        return _base_over_runs(found["over_runs"]["correlation"][0])
    known = [row for row in rows if row["p_holm"] <= 1 - confidence]
    n = "n = " + _range([row["n"] for row in rows])
    if not known:
        low, high = min(row["spearman"] for row in rows), max(row["spearman"] for row in rows)
        of = f"Spearman {rho(low)}"
        of += f" to {rho(high)} on {count(len(rows), 'test set')}" if low < high else ""
        return f"the base score is not shown to order checkpoints better than chance ({of}, {n})"
    right = [row["test"] for row in known if row["spearman"] > 0]
    wrong = [row["test"] for row in known if row["spearman"] < 0]
    said = [f"as fine-tuned scores do on {listed(right)}"] if right else []
    said += [f"against fine-tuned scores on {listed(wrong)}"] if wrong else []
    return f"the base score orders checkpoints {' and '.join(said)} of {count(len(rows), 'test set')} ({n})"


def _base_over_runs(over: Block) -> str:
    figures = f"mean Spearman {rho(over['spearman'])}, {count(over['n'], 'run')}{interval(over['ci95'])}"
    side = 0 if not over["ci95"] else (over["ci95"][0] > 0) - (over["ci95"][1] < 0)
    words = {
        1: "the base score orders the checkpoints of a run as fine-tuned scores do, better than chance",
        0: "the base score is not shown to order the checkpoints of a run better than chance",
        -1: "the base score orders the checkpoints of a run against their fine-tuned scores",
    }
    return f"{words[side]} ({figures})"


def _range(values: Sequence[int]) -> str:
    return str(values[0]) if min(values) == max(values) else f"{min(values)} to {max(values)}"


def _inside(found: Block) -> list[Row]:
    rows = found["over_runs"]["gains"] or found["gains"]
    return [row for row in rows if row["in_domain"] and row["mean_gain"] == row["mean_gain"]]


def _gain_rows(found: Block, confidence: float) -> list[str]:
    inside = _inside(found)
    if not inside:
        return []
    clear = sum(row["p_holm"] <= 1 - confidence for row in inside)
    if found["overall"] and not found["overall"]["alike"]:
        return [f"{clear} of {len(inside)} gains in domain differ from 0 after Holm's correction."]
    best, least = (pick(inside, key=lambda row: row["mean_gain"]) for pick in (max, min))
    shown = [best] if best is least else [best, least]
    said = " and ".join(
        f"{signed(row['mean_gain'])} on {row['test']} (n = {_units(row)}{interval(row['ci95'])})" for row in shown
    )
    tail = " is the gain in domain" if len(shown) == 1 else " are the largest and the smallest gain in domain"
    return [f"{said}{tail}; {clear} of {len(inside)} differ from 0 after Holm's correction."]


def _units(row: Row) -> str:
    known = row.get("over") == "items" and row["ci95"]
    return count(row["n"], "checkpoint" if "over" in row else "run") + (", over its items" if known else "")


def _of_run(row: Row, found: Block) -> str:
    return f" of {row['trajectory']}" if len(found["trajectories"]) > 1 and "trajectory" in row else ""


def _forgetting(found: Block) -> list[str]:
    rows = found["over_runs"]["forgetting"] or found["forgetting"]
    across = [row for row in rows if row["from_group"] != row["to_group"]]
    return [
        f"tuning on {row['from_group']} changes scores on {row['to_group']}{_of_run(row, found)} by "
        f"{signed(row['mean_gain'])} ({_cells(row)}{interval(row['ci95'])})."
        for row in sorted(across, key=lambda row: row["mean_gain"])[:3]
    ]


def _cells(row: Row) -> str:
    if "n_cells" not in row:
        return f"n = {count(row['n'], 'run')}"
    return (
        f"{percent(row['share_falling'])} of {count(row['n_cells'], 'cell')} fall, n = "
        f"{count(row['n_checkpoints'], 'checkpoint')}"
    )


def _formats(found: Block) -> list[str]:
    together = [row for row in found["over_runs"]["formats"] if row["train_task"]]
    rows = together or [row for row in found["formats"] if row["train_task"]]
    if not rows:
        return []
    row = max(rows, key=lambda row: row["last"] if together else row["peak"])
    start = (
        f"the wording of the prompt matters most on {row['test']} after tuning on {row['train_task']}"
        f"{_of_run(row, found)}: the standard deviation over formats is "
    )
    if together:
        return [f"{start}{number(row['last'])} at the last checkpoint (mean over {count(row['n'], 'run')})."]
    before = {(row["trajectory"], row["test"]): row for row in found["formats"] if not row["train_task"]}
    base = before.get((row["trajectory"], found["bases"].get(row["test"], "")))
    beside = f"; before fine-tuning it is {number(base['first'])} to {number(base['last'])}" if base else ""
    return [
        f"{start}{number(row['first'])} at the first checkpoint, at most {number(row['peak'])} (after "
        f"{row['peak_tokens']:,} tokens) and {number(row['last'])} at the last (n = {count(row['n'], 'checkpoint')}, "
        f"{count(row['n_formats'], 'format')}){beside}."
    ]


def _correlation(found: Block, confidence: float) -> list[str]:
    rows = [row for row in found["correlation"] if row["spearman"] == row["spearman"]]
    if not rows:
        return []
    own = [row["n"] for row in rows if row["in_domain"]] or [row["n"] for row in rows]
    n = max(sorted(set(own)), key=own.count)
    sd = next(row["null_sd"] for row in rows if row["n"] == n)
    clear = [row for row in rows if min(_known(row["p_holm"]), _known(row["q"])) <= 1 - confidence]
    named = [
        f"{row['test']} after tuning on {row['train_task']} ({rho(row['spearman'])}, n = {row['n']})" for row in clear
    ]
    which = f": {listed(named)}" if named else ""
    return [
        f"base and fine-tuned scores are shown to be correlated over checkpoints in {len(clear)} of {len(rows)} cases"
        f"{which}. With n = {n} checkpoints the share of pairs that an unrelated score orders rightly has a standard "
        f"deviation of {sd:.3f}: {min(1.0, 0.5 + 2 * sd):.2f} is within two of them."
    ]


def _known(p: float) -> float:
    return p if p == p else 1.0


def _judged(rows: Sequence[Row], what: str, name: str, otherwise: str) -> list[str]:
    if not rows:
        return []
    yes = [row for row in rows if row["verdict"] == what]
    no = sum(row["verdict"] == otherwise for row in rows)
    cases = "; ".join(f"{row['train_task']} on {row['test']}: {row['words']}" for row in yes[:3])
    shown = f" ({cases})" if yes else ""
    return [
        f"{name}: shown in {len(yes)} of {count(len(rows), 'case')}{shown}, ruled out in {no}, undecided in "
        f"{len(rows) - len(yes) - no}."
    ]


def _early(found: Block) -> list[str]:
    known = [(row, row["points"][0]) for row in found["early"]]
    if not known:
        return []
    row, point = max(known, key=lambda pair: pair[1]["accuracy"])
    low, high = point["ci95"]
    told = "" if low > 0.5 else ", not told from chance"
    return [
        f"at the earliest checkpoints {row['indicator']} forecasts best: after {point['tokens']:,} tokens it orders "
        f"{percent(point['accuracy'])} of the pairs of runs as {row['outcome']} does at the end (n = "
        f"{point['n_variants']}, interval {percent(low)} to {percent(high)}{told}). As the best of "
        f"{count(len(known), 'combination')} it looks better than it is."
    ]


def _method(found: Block, confidence: float) -> str:
    return (
        f"Intervals have a coverage of {confidence:.0%}. Over checkpoints they are Student's t with these taken "
        "as independent, which those of one run are not quite; over items the errors of base and fine-tuned score are "
        "taken as independent, since the table does not pair their items. What is said to be shown is so after Holm's "
        "correction over all cases in domain; other test sets have a false discovery rate (Benjamini–Hochberg)."
    )
