"""A made-up ``dynamics.json`` in which every block of the contract is filled; all numbers are drawn from one seed."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

TASKS = {"mnli": ("mnli", "mnli_mismatched"), "paws": ("paws",), "socialiqa": ("socialiqa",), "xsum": ("xsum",)}
OTHER_TESTS = ("sciq", "boolq")
STEPS = (2e9, 8e9, 4e10, 2e11, 1e12, 2e12)
Rows = list[dict[str, Any]]


def dynamics_summary(
    trajectories: tuple[str, ...] = ("olmo-1b",),
    n_tasks: int = 4,
    prefix: str = "",
    seed: int = 0,
) -> dict[str, Any]:
    """``prefix`` stands in front of every name a user could choose."""
    random = np.random.default_rng(seed)
    names = [prefix + name for name in trajectories]
    tasks = {prefix + task: tuple(prefix + t for t in tests) for task, tests in list(TASKS.items())[:n_tasks]}
    tasks |= {f"{prefix}task-{at}": (f"{prefix}task-{at}",) for at in range(len(tasks), n_tasks)}
    tests = list(dict.fromkeys([*(t for own in tasks.values() for t in own), *(prefix + t for t in OTHER_TESTS)]))
    pairs = [(task, test, test in own) for task, own in tasks.items() for test in tests]
    own_pairs = [(task, test) for task, test, own in pairs if own]
    return {
        "study": prefix + "amuro",
        "confidence": 0.95,
        "prompt_format": prefix + "default",
        "trajectories": [{"name": n, "variants": [f"{n}@{t:g}" for t in STEPS], "tokens": list(STEPS)} for n in names],
        "cells": [row for n in names for pair in pairs for row in cells_of(n, pair, prefix, random)],
        "gains": [gain_of(n, pair, random) for n in names for pair in pairs],
        "forgetting": [
            forgetting_of(n, a, b, at)
            for n in names
            for at, (a, b) in enumerate([("nli", "nli"), ("nli", "qa"), ("qa", "nli"), ("qa", "qa")])
        ],
        "formats": [row for n in names for task, test in own_pairs for row in formats_of(n, task, test, random)],
        "correlation": [correlation_of(n, task, test, random) for n in names for task, test in own_pairs],
        "latent": [latent_of(n, task, test, at) for n in names for at, (task, test) in enumerate(own_pairs)],
        "overtraining": [
            overtraining_of(n, task, test, prefix, at) for n in names for at, (task, test) in enumerate(own_pairs)
        ],
        "early": [early_of(prefix + "kshot_mnli", prefix + f"outcome-{at}", random) for at in range(3)],
        "verdict": {
            "headline": f"{prefix}Fine-tuning gains 0.173 on its own test sets (0.121 to 0.225, n = 6 checkpoints).",
            "details": [
                "Latent gain: 1 of 5 rows, 3 undecided.",
                "Fine-tuning on nli loses 0.040 on qa (n = 12 cells).",
            ],
        },
        "warnings": [f"{prefix}boolq has the same right answer throughout."],
    }


def score(tokens: float, tuned: bool, own: bool) -> float:
    late = 1 / (1 + math.exp(-2 * (math.log10(tokens) - 10.8)))
    return 0.34 + 0.1 * late + ((0.3 * late + 0.05) if tuned and own else -0.05 if tuned else 0.0)


def cells_of(name: str, pair: tuple[str, str, bool], prefix: str, random: Any) -> Rows:
    task, test, own = pair
    made = []
    for tokens in STEPS:
        base, tuned = (score(tokens, after, own) + 0.01 * random.normal() for after in (False, True))
        made.append(
            {
                "trajectory": name,
                "variant": f"{name}@{tokens:g}",
                "tokens": tokens,
                "train_task": task,
                "test": test,
                "in_domain": own,
                "prompt_format": prefix + "default",
                "base": base,
                "tuned": tuned,
                "gain": tuned - base,
                "ci95": [tuned - base - 0.03, tuned - base + 0.03],
                "ratio": tuned / base,
                "n_items": 1000,
                "n_seeds": 1,
            }
        )
    return made


def gain_of(name: str, pair: tuple[str, str, bool], random: Any) -> dict[str, Any]:
    task, test, own = pair
    gain = (0.25 if own else -0.04) + 0.04 * random.normal()
    return {
        "trajectory": name,
        "train_task": task,
        "test": test,
        "in_domain": own,
        "n": len(STEPS),
        "mean_gain": gain,
        "ci95": [gain - 0.04, gain + 0.04],
        "mean_ratio": 1 + 2 * gain,
        "final_base": 0.45,
        "final_tuned": 0.45 + gain,
        "share_falling": 0.0 if own else 0.8333,
    }


def forgetting_of(name: str, from_group: str, to_group: str, at: int) -> dict[str, Any]:
    gain = (0.2, -0.04, 0.01, 0.15)[at]
    return {
        "trajectory": name,
        "from_group": from_group,
        "to_group": to_group,
        "mean_gain": gain,
        "ci95": [gain - 0.02, gain + 0.02],
        "mean_ratio": 1 + gain,
        "share_falling": 0.25,
        "n_cells": 12,
    }


def formats_of(name: str, task: str, test: str, random: Any) -> Rows:
    made = []
    for train, level in ((None, 0.03), (task, 0.015)):
        sd = [level + 0.01 * random.random() for _ in STEPS]
        row = {"trajectory": name, "train_task": train, "test": test, "tokens": list(STEPS), "sd": sd, "n_formats": 3}
        peak = max(sd)
        made.append(
            {**row, "first": sd[0], "last": sd[-1], "peak": peak, "peak_tokens": STEPS[sd.index(peak)]},
        )
    return made


def correlation_of(name: str, task: str, test: str, random: Any) -> dict[str, Any]:
    rho = float(random.uniform(-0.4, 0.9))
    row = {"trajectory": name, "train_task": task, "test": test, "spearman": rho}
    interval = None if test.endswith("xsum") else [max(-1.0, rho - 0.5), min(1.0, rho + 0.3)]
    return {**row, "ci95": interval, "p": 0.12, "n": len(STEPS), "null_sd": 0.16}


def latent_of(name: str, task: str, test: str, at: int) -> dict[str, Any]:
    slope = (0.08, 0.01, 0.03, 0.02, -0.04)[at % 5]
    return {
        "trajectory": name,
        "train_task": task,
        "test": test,
        "from_tokens": STEPS[2],
        "to_tokens": STEPS[-1],
        "n": 4,
        "base_slope": 0.005,
        "base_ci95": [-0.02, 0.03] if at % 5 != 3 else [0.001, 0.009],
        "tuned_slope": slope,
        "tuned_ci95": [slope - 0.03, slope + 0.03],
        "latent": at % 5 == 0,
    }


def overtraining_of(name: str, task: str, test: str, prefix: str, at: int) -> dict[str, Any]:
    change = (-0.06, 0.01, 0.05)[at % 3]
    return {
        "trajectory": name,
        "train_task": task,
        "test": test,
        "loss": prefix + "loss_c4",
        "from_tokens": STEPS[3],
        "to_tokens": STEPS[-1],
        "n": 3,
        "tuned_change": change,
        "ci95": [change - 0.03, change + 0.03],
        "loss_change": -0.05,
        "overtrained": at % 3 == 0,
    }


def early_of(indicator: str, outcome: str, random: Any) -> dict[str, Any]:
    points = []
    for at, tokens in enumerate(STEPS):
        accuracy = 0.5 + 0.07 * at + 0.02 * random.normal()
        point = {"tokens": tokens, "share": tokens / STEPS[-1], "accuracy": accuracy, "n_variants": 12, "n_pairs": 66}
        points.append({**point, "ci95": [accuracy - 0.12, min(1.0, accuracy + 0.1)]})
    return {"indicator": indicator, "outcome": outcome, "points": points}
