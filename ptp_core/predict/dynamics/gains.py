"""Gain of fine-tuning: along the checkpoints of each train task and test set, and over all tasks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ptp_core.predict.dynamics.cells import Curve
from ptp_core.predict.dynamics.intervals import NAN, Estimate, Floats, corrected, mean_of, normal, share_interval
from ptp_core.predict.dynamics.scales import alike
from ptp_core.spec.dynamics import Dynamics

MEAN = "mean_"
"""How the table of a study calls means over the tasks of a family."""


def gain_over(curve: Curve, confidence: float) -> Estimate:
    """Mean gain over the checkpoints; of a single one, with the interval over its items."""
    if len(curve.gain) == 1:
        return normal(float(curve.gain[0]), float(curve.errors[0]), confidence)
    return mean_of(curve.gain, confidence)


def gains(curves: Sequence[Curve], confidence: float) -> list[dict[str, Any]]:
    """A row per run, train task and test set.

    ``ci95``: Student's t over the checkpoints, as if independent; ``over`` says "items" where there is one checkpoint.
    ``p``: the mean gain is 0; ``p_holm`` and ``q``: see ``corrected``. ``share_falling``: checkpoints that fine-tuning
    makes worse, with Clopper and Pearson's interval.
    """
    rows = []
    for curve in curves:
        mean, falling = gain_over(curve, confidence), float((curve.gain < 0).mean())
        ratio = mean_of(curve.ratio[np.isfinite(curve.ratio)], confidence)
        rows.append(
            {
                "trajectory": curve.pair.run,
                "train_task": curve.pair.train_task,
                "test": curve.pair.test,
                "in_domain": curve.in_domain,
                "n": len(curve.gain),
                "over": "items" if len(curve.gain) == 1 else "checkpoints",
                "mean_gain": mean.value,
                "ci95": mean.interval,
                "p": mean.p,
                "mean_ratio": ratio.value,
                "mean_ratio_ci95": ratio.interval,
                "final_base": float(curve.base[-1]),
                "final_tuned": float(curve.tuned[-1]),
                "share_falling": falling,
                "share_falling_ci95": share_interval(falling, len(curve.gain), confidence),
            }
        )
    return corrected(rows)


def overall(curves: Sequence[Curve], spec: Dynamics) -> dict[str, Any] | None:
    """Mean gain over train tasks, each on its own test set: the first that the spec, or else the alphabet, names.

    The mean is over tasks first: within each checkpoint where there is one run, then over those checkpoints that all
    tasks have; within each run where there are several, then over the runs that have all tasks. The interval is
    Student's t over these checkpoints or runs; over the items where there is a single checkpoint. A mean over tasks
    (``mean_<family>``) is no task of its own. Scores on different scales, or of which some are better when lower, are
    not ``alike`` and have no mean. None where nothing was tested on what it was tuned on.
    """
    own: dict[str, dict[str, Curve]] = {}
    for curve in curves:
        if curve.in_domain:
            own.setdefault(curve.pair.train_task, {}).setdefault(curve.pair.test, curve)
    tasks = [task for task in own if not task.startswith(MEAN)] or list(own)
    tests = {task: _first(task, list(own[task]), spec) for task in tasks}
    chosen = [c for c in curves if c.in_domain and tests.get(c.pair.train_task) == c.pair.test]
    if not chosen:
        return None
    if not alike([[c for c in chosen if c.pair.train_task == task] for task in tests]):
        return {"alike": False, "mean_gain": NAN, "ci95": None, "p": NAN, "n": 0, "over": None, "tests": tests}
    runs = dict.fromkeys(curve.pair.run for curve in chosen)
    if len(runs) == 1:
        units, over = _by_checkpoint(chosen), "checkpoints"
    else:
        units, over = _by_run(chosen, len(tests)), "runs"
    if not len(units):
        return None
    mean = mean_of(units, spec.confidence)
    if len(units) == 1 and max(len(curve.gain) for curve in chosen) == 1:
        errors = np.array([curve.errors[0] for curve in chosen])
        mean = normal(mean.value, float(np.sqrt((errors**2).sum()) / len(errors)), spec.confidence)
    numbers = {"mean_gain": mean.value, "ci95": mean.interval, "p": mean.p, "n": mean.n}
    return {"alike": True, **numbers, "over": over, "tests": tests}


def _first(task: str, tests: list[str], spec: Dynamics) -> str:
    stated = [test for test in spec.in_domain.get(task, ()) if test in tests]
    return stated[0] if stated else tests[0]


def _by_checkpoint(curves: list[Curve]) -> Floats:
    common = sorted(set.intersection(*({float(t) for t in curve.tokens} for curve in curves)))
    if not common:  # tokens that are not known, or no checkpoint that all tasks have
        return np.array([np.mean([curve.gain.mean() for curve in curves])])
    return np.array([np.mean([curve.gain[curve.tokens == t][0] for curve in curves]) for t in common])


def _by_run(curves: list[Curve], n_tasks: int) -> Floats:
    of_run: dict[str, list[float]] = {}
    for curve in curves:
        of_run.setdefault(curve.pair.run, []).append(float(curve.gain.mean()))
    return np.array([np.mean(means) for means in of_run.values() if len(means) == n_tasks])
