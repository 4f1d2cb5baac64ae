"""A made-up ``scaling.json`` in which every block of the contract is filled; all numbers are drawn from one seed."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

LOSS_FORMS = ("flp", "nd", "overtraining")
SCORE_FORMS = ("linear", "exponential", "sigmoid")
DIRECT = ("fp", "direct")
CHAINS = (*(f"{loss}+{score}" for loss in LOSS_FORMS for score in SCORE_FORMS), *DIRECT)
SIZES = {"70M": 7e7, "160M": 1.6e8, "410M": 4.1e8, "1B": 1e9, "3B": 3e9}
RATIOS = (5, 20, 80)
SOURCES = ("web", "code", "books", "wiki", "papers")


def scaling_summary(
    groups: tuple[str, ...] = ("",),
    n_scores: int = 4,
    prefix: str = "",
    seed: int = 0,
    surface: str = "triangle",
) -> dict[str, Any]:
    """``prefix`` stands in front of every name a user could choose."""
    random = np.random.default_rng(seed)
    groups = tuple(prefix + group if group else group for group in groups)
    losses = [prefix + "loss_c4", prefix + "loss_code"]
    scores = [f"{prefix}task-{at}" for at in range(1, n_scores + 1)]
    runs = [run for group in groups for run in runs_of(group, prefix)]
    metrics = [metric_row(name, "loss") for name in losses] + [metric_row(name, "score") for name in scores]
    fits = {group: {m["metric"]: fits_of(m, random) for m in metrics} for group in groups}
    targets = {
        run["run"]: targets_of(run, metrics, fits, random) for run in runs if run["role"] in ("held_out", "prospect")
    }
    curves = {g: {m["metric"]: curve_of(m, runs, g, fits[g][m["metric"]], random) for m in metrics} for g in groups}
    stage2 = {g: {m: stage_of(m, losses[0], runs, g, fits[g][m], random) for m in scores} for g in groups}
    return {
        "study": prefix + "ladder",
        "confidence": 0.95,
        "groups": list(groups),
        "last": 3,
        "runs": runs,
        "metrics": metrics,
        "fits": fits,
        "targets": targets,
        "ranking": [row for group in groups for row in ranking_of(group, random)],
        "curves": curves,
        "stage2": stage2,
        "mixture": mixture_of(prefix, surface, random),
        "tuning": tuning_of(prefix, random),
        "verdict": {
            "headline": f"{prefix}The chosen form predicts the held-out 3B runs to 1.2 % in loss (n = 6) and 4.3 % in "
            f"score (n = {3 * n_scores}), 21× beyond the largest fitted compute.",
            "details": [
                "FLP itself: 2.0 % and 9.8 %.",
                "Of the scores, one has not emerged and is not extrapolated.",
            ],
        },
        "warnings": ["Only five sizes were fitted.", f"{prefix}task-1 has no item errors."],
    }


def runs_of(group: str, prefix: str) -> list[dict[str, Any]]:
    made = []
    for size, params in SIZES.items():
        for ratio in RATIOS:
            role = "held_out" if size == "3B" else "fit"
            made.append(run_row(f"{prefix}{group + '-' if group else ''}{size}-{ratio}x", group, params, ratio, role))
    made.append(run_row(f"{prefix}{group}large", group, 3e10, 20, "prospect"))
    return made


def run_row(name: str, group: str, params: float, ratio: float, role: str) -> dict[str, Any]:
    tokens = params * ratio
    shares = dict.fromkeys(SOURCES, 0.2)
    row = {"run": name, "group": group, "params": params, "tokens": tokens, "compute": 6 * params * tokens}
    return {**row, "role": role, "shares": shares}


def metric_row(name: str, kind: str) -> dict[str, Any]:
    is_score = kind == "score"
    return {
        "metric": name,
        "kind": kind,
        "higher_is_better": is_score,
        "loss": "loss_c4" if is_score else None,
        "chance": 0.25 if is_score else None,
        "ceiling": 1.0 if is_score else None,
    }


def is_silent(metric: dict[str, Any]) -> bool:
    """One score has not emerged."""
    return str(metric["metric"]).endswith("task-3")


def fits_of(metric: dict[str, Any], random: Any) -> dict[str, Any]:
    forms = LOSS_FORMS if metric["kind"] == "loss" else CHAINS
    errors = {form: 0.005 + 0.1 * random.random() for form in forms}
    best = min(errors, key=lambda form: errors[form])
    return {form: fit_row(metric, form, errors[form], form == best, random) for form in forms}


def fit_row(metric: dict[str, Any], form: str, error: float, chosen: bool, random: Any) -> dict[str, Any]:
    if is_silent(metric):
        words = "3 of 12 runs are 5 points above chance; 4 are needed"
        return {
            "status": "not emerged",
            "words": words,
            "n_runs": 3,
            "n_points": 3,
            "parameters": {},
            "inner_error": None,
            "held_out_error": None,
            "chosen": False,
        }
    return {
        "status": "ok",
        "words": None,
        "n_runs": 12,
        "n_points": 12,
        "parameters": {"E": 1.7, "A": 420.0, "alpha": 0.31},
        "inner_error": error,
        "held_out_error": error * (1 + random.random()),
        "chosen": chosen,
    }


def law(metric: dict[str, Any], compute: float) -> float:
    loss = 1.7 + 1100 * compute**-0.16
    if metric["kind"] == "loss":
        return float(loss)
    if is_silent(metric):
        return 0.255
    return float(0.25 + 0.6 / (1 + math.exp(3.2 * (loss - 2.9))))


def targets_of(run: dict[str, Any], metrics: list[dict[str, Any]], fits: dict[str, Any], random: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for metric in metrics:
        block = fits[run["group"]][metric["metric"]]
        actual = None if run["role"] == "prospect" else law(metric, run["compute"]) * (1 + 0.01 * random.normal())
        found[metric["metric"]] = {
            form: target_row(law(metric, run["compute"]), actual, fit, run["compute"] / 4.8e20, random)
            for form, fit in block.items()
        }
    return found


def target_row(truth: float, actual: float | None, fit: dict[str, Any], reach: float, random: Any) -> dict[str, Any]:
    if fit["status"] != "ok":
        empty = {"predicted": None, "actual": actual, "relative_error": None, "band95": None, "reach": reach}
        return {**empty, "abstains": False, "words": "not emerged: nothing is extrapolated"}
    predicted = truth * (1 + fit["inner_error"] * random.normal())
    half = truth * (0.01 + 0.5 * fit["inner_error"])
    abstains = bool(random.random() < 0.2)
    words = f"the band is {2 * half:.3f} wide, the candidates lie {1.4 * half:.3f} apart" if abstains else None
    return {
        "predicted": predicted,
        "actual": actual,
        "relative_error": None if actual is None else abs(predicted - actual) / abs(actual),
        "band95": [predicted - half, predicted + half],
        "reach": reach,
        "abstains": abstains,
        "words": words,
    }


def ranking_of(group: str, random: Any) -> list[dict[str, Any]]:
    made = []
    for kind, forms in (("loss", LOSS_FORMS), ("score", CHAINS)):
        errors = sorted((float(0.01 + 0.1 * random.random()), form) for form in (*forms, "chosen"))
        made += [
            {
                "group": group,
                "kind": kind,
                "form": form,
                "held_out_error": error,
                "median": 0.8 * error,
                "n": 12,
                "inner_error": 0.9 * error,
                "n_chosen": 3,
            }
            for error, form in errors
        ]
    return made


def curve_of(
    metric: dict[str, Any], runs: list[dict[str, Any]], group: str, fits: dict[str, Any], random: Any
) -> dict[str, Any]:
    own = [run for run in runs if run["group"] == group and run["role"] != "prospect"]
    points = [
        {
            "run": run["run"],
            "x": run["compute"],
            "y": law(metric, run["compute"]) * (1 + 0.008 * random.normal()),
            "role": run["role"],
        }
        for run in own
    ]
    xs = np.geomspace(1.5e17, 2.2e23, 40).tolist()
    lines = [
        line_of(form, xs, [law(metric, x) for x in xs], random) for form, fit in fits.items() if fit["status"] == "ok"
    ]
    return {"x": "compute", "points": points, "lines": lines}


def line_of(form: str, xs: list[float], ys: list[float], random: Any) -> dict[str, Any]:
    tilt = 0.03 * random.normal()
    y = [value * (1 + tilt * at / len(ys)) for at, value in enumerate(ys)]
    half = [value * (0.004 + 0.05 * (at / len(y)) ** 2) for at, value in enumerate(y)]
    low, high = ([a + sign * b for a, b in zip(y, half, strict=True)] for sign in (-1, 1))
    return {"form": form, "x": xs, "y": y, "low": low, "high": high}


def stage_of(
    score: str, loss: str, runs: list[dict[str, Any]], group: str, fits: dict[str, Any], random: Any
) -> dict[str, Any]:
    metric, of_loss = metric_row(score, "score"), metric_row(loss, "loss")
    points = []
    for run in runs:
        if run["group"] != group or run["role"] == "prospect":
            continue
        for part in (0.1, 0.3, 1.0):
            y = law(metric, run["compute"] * part) * (1 + 0.01 * random.normal())
            x = law(of_loss, run["compute"] * part)
            point = {"run": run["run"], "x": x, "y": y, "role": run["role"]}
            points.append({**point, "final": part == 1.0, "emerged": bool(y > 0.3)})
    losses = np.linspace(2.0, 4.2, 40)
    lines = []
    if not is_silent(metric):
        ys = [float(0.25 + 0.6 / (1 + math.exp(3.2 * (value - 2.9)))) for value in losses]
        lines = [line_of(form, losses.tolist(), ys, random) for form in SCORE_FORMS]
    return {"loss": loss, "points": points, "lines": lines}


def mixture_of(prefix: str, surface: str, random: Any) -> dict[str, Any]:
    sources = [prefix + source for source in SOURCES]
    losses = [f"{prefix}loss_{source}" for source in SOURCES]
    shares = dict(zip(sources, (0.5, 0.2, 0.15, 0.1, 0.05), strict=True))
    domains = [
        {
            "loss": loss,
            "n": 30,
            "spearman": 0.93 + 0.05 * random.random(),
            "ci95": [0.9, 0.99],
            "relative_error": 0.01 + 0.01 * random.random(),
            "baselines": {
                "linear": {"spearman": 0.89, "relative_error": 0.03},
                "trees": {"spearman": 0.97, "relative_error": 0.02},
            },
        }
        for loss in losses
    ]
    return {
        "sources": sources,
        "losses": losses,
        "n_fit": 128,
        "n_held_out": 30,
        "fit_compute": [6e15, 6e15],
        "held_out_compute": [3.6e18, 7.2e18],
        "domains": domains,
        "mean": {"spearman": 0.96, "baselines": {"linear": 0.9, "trees": 0.97}},
        "scores": [
            {
                "score": prefix + "task-1",
                "n_fit": 100,
                "n_held_out": 30,
                "relative_error": 0.02,
                "spearman": 0.8,
                "baselines": {"linear": 0.7},
            }
        ],
        "parameters": {loss: {"E": 1.9, "A": 12.0, "alpha": 0.2} for loss in losses},
        "best": [
            {
                "target": target,
                "shares": shares,
                "predicted": 2.4,
                "band95": [2.35, 2.46],
                "among_fitted": {"run": prefix + "mix-17", "actual": 2.47},
                "words": f"{prefix}web alone is predicted at 2.61." if at == 0 else "",
            }
            for at, target in enumerate([*losses, "mean of losses", prefix + "task-1"])
        ],
        "surface": surface_of(surface, sources, losses[0], random),
        "words": ["The order of 30 held-out mixtures is predicted with a mean Spearman of 0.96 (n = 5 domains)."],
    }


def surface_of(kind: str, sources: list[str], target: str, random: Any) -> dict[str, Any]:
    def loss(shares: list[float]) -> float:
        return float(2.3 + (shares[0] - 0.5) ** 2 + 0.4 * (shares[1] - 0.2) ** 2)

    if kind == "line":
        named, grid = sources[:2], [[at / 20, 1 - at / 20] for at in range(21)]
    elif kind == "triangle":
        named = sources[:3]
        grid = [[a / 12, b / 12, (12 - a - b) / 12] for a in range(13) for b in range(13 - a)]
    else:
        named, grid = sources[:2], [[a / 20, b / 20] for a in range(21) for b in range(21 - a)]
    runs = random.dirichlet(np.ones(max(3, len(named))), size=12)[:, : len(named)]
    if kind == "line":
        runs = runs / runs.sum(axis=1, keepdims=True)
    return {
        "target": target,
        "sources": named,
        "kind": kind,
        "grid": [{"shares": shares, "predicted": loss(shares)} for shares in grid],
        "points": [{"run": f"mix-{at}", "shares": s, "actual": loss(s) + 0.01} for at, s in enumerate(runs.tolist())],
    }


def tuning_of(prefix: str, random: Any) -> dict[str, Any]:
    sizes = [0, 200, 400, 800, 1600, 3200, 6400, 12800, 25600, 51200]
    models = [f"{prefix}model-{at}" for at in range(12)]
    curves = []
    for model in models:
        level = 1.6 + 0.8 * random.random()
        fitted = [None if n == 0 else level + 1.2 * (n + 300) ** -0.2 for n in sizes]
        losses = [level + 0.5 if v is None else v * (1 + 0.005 * random.normal()) for v in fitted]
        curves.append({"model": model, "sizes": sizes, "losses": losses, "fitted": fitted})
    pairwise: list[dict[str, Any]] = [
        {"by": "params", "examples": None, "accuracy": 0.71, "ci95": [0.6, 0.82], "n_models": 12, "n_pairs": 66}
    ]
    for at, n in enumerate(sizes[:-1]):
        accuracy = 0.62 + 0.04 * at
        row = {
            "by": "loss after n examples",
            "examples": n,
            "accuracy": accuracy,
            "ci95": [accuracy - 0.1, accuracy + 0.06],
        }
        pairwise.append({**row, "n_models": 12, "n_pairs": 66})
    form = {"mean_relative_error": 0.012, "median": 0.01, "accuracy": 0.93, "ci95": [0.85, 0.99], "n": 12}
    return {
        "name": prefix + "flan",
        "sizes": sizes,
        "largest_fitted": 3200,
        "n_models": 12,
        "pairwise": pairwise,
        "law": {
            "forms": {
                "rectified": {"formula": "L = B / (D_l + D^beta) + E", **form},
                "power": {"formula": "L = B / D^beta + E", **{**form, "mean_relative_error": 0.03}},
            },
            "chosen": "rectified",
            "by": "inner error",
            "predictions": [
                {"model": model, "predicted": 1.9, "actual": 1.92, "relative_error": 0.0104, "band95": [1.85, 1.95]}
                for model in models
            ],
        },
        "curves": curves,
        "words": ["The loss before fine-tuning orders 62 % of 66 pairs rightly (52 % to 68 %)."],
    }
