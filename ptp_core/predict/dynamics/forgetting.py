"""What tuning on one kind of task does to the others."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from ptp_core.errors import UserError, did_you_mean
from ptp_core.predict.dynamics.cells import Curve
from ptp_core.predict.dynamics.intervals import NAN, Estimate, mean_of, normal, share_interval
from ptp_core.predict.quantities import natural_order
from ptp_core.spec.dynamics import Dynamics


def groups_of(scores: pd.DataFrame, domains: Mapping[str, Collection[str]], spec: Dynamics) -> dict[str, str]:
    """Task or test set → its group: the spec's, or else its family; a train task's family is that of its test sets.

    Raises UserError for a name in ``spec.groups`` that is neither, or that is in two groups.
    """
    outcomes = scores[scores["kind"] == "outcome"]
    if spec.groups:
        known = set(outcomes["test"]) | set(outcomes["train_task"])
        found: dict[str, str] = {}
        for group, names in spec.groups.items():
            for name in names:
                subject = f"dynamics.groups.{group}"
                if name not in known:
                    what = "no such task or test set in the table"
                    raise UserError(what, subject=subject, got=name, fix=did_you_mean(name, known))
                if found.setdefault(name, group) != group:
                    raise UserError(f"{name} is in {found[name]} as well", subject=subject, fix="keep it in one group")
        return found
    families = outcomes[outcomes["family"] != ""].groupby("test")["family"].first()
    found = {str(test): str(family) for test, family in families.items()}
    for task in natural_order(set(outcomes["train_task"])):
        of_tests = {found[test] for test in domains[task] if test in found}
        if task not in found and len(of_tests) == 1:
            found[task] = of_tests.pop()
    return found


def forgetting(
    curves: Sequence[Curve], groups: Mapping[str, str], confidence: float, aside: Collection[str] = ()
) -> list[dict[str, Any]]:
    """A row per run and pair of groups: cells whose test set does not ask for what was tuned on, ``aside`` left out.

    Of ``from_group`` and ``to_group`` alike are the scores on other test sets of the same kind. ``ci95``: Student's t
    over checkpoints, each with the mean of its cells, which share base scores; over the items where there is one
    checkpoint. ``share_falling``: cells that got worse; its interval counts checkpoints, not cells.
    """
    found: dict[tuple[str, str, str], list[Curve]] = {}
    for curve in curves:
        run, task, test = curve.pair
        if not curve.in_domain and test not in aside and task in groups and test in groups:
            found.setdefault((run, groups[task], groups[test]), []).append(curve)
    return [_row(*key, several, confidence) for key, several in found.items()]


def _row(run: str, from_group: str, to_group: str, curves: list[Curve], confidence: float) -> dict[str, Any]:
    gain, ratio, tokens = (np.concatenate([getattr(c, name) for c in curves]) for name in ("gain", "ratio", "tokens"))
    at = np.nan_to_num(tokens, nan=-1.0)
    checkpoints = np.unique(at)
    means = np.array([gain[at == t].mean() for t in checkpoints])
    known, falling, n = np.isfinite(ratio), float((gain < 0).mean()), len(checkpoints)
    errors = np.concatenate([curve.errors for curve in curves])
    over_items = float(np.sqrt((errors**2).sum()) / len(errors))
    spread = mean_of(means, confidence) if n > 1 else normal(float(gain.mean()), over_items, confidence)
    ratios = mean_of(np.array([ratio[known & (at == t)].mean() for t in np.unique(at[known])]), confidence)
    mean_ratio = float(ratio[known].mean()) if known.any() else NAN
    return {
        "trajectory": run,
        "from_group": from_group,
        "to_group": to_group,
        "mean_gain": float(gain.mean()),
        "ci95": _about(float(gain.mean()), spread),
        "p": spread.p,
        "over": "checkpoints" if n > 1 else "items",
        "mean_ratio": mean_ratio,
        "mean_ratio_ci95": _about(mean_ratio, ratios),
        "share_falling": falling,
        "share_falling_ci95": share_interval(falling, n, confidence),
        "n_cells": len(gain),
        "n_checkpoints": n,
    }


def _about(mean: float, over_checkpoints: Estimate) -> list[float] | None:
    """Not every checkpoint has every cell: the mean is that of the cells, the width of its interval theirs."""
    ends = over_checkpoints.interval
    return [end + mean - over_checkpoints.value for end in ends] if ends else None
