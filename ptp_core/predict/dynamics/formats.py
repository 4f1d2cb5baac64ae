"""How much a score depends on the wording of the prompt, before and after fine-tuning, along tokens."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np
import pandas as pd

from ptp_core.predict.dynamics.cells import whole
from ptp_core.predict.dynamics.intervals import NAN, Floats
from ptp_core.predict.quantities import natural_order

FEWEST = 2
"""Formats that make a spread."""


def formats(scores: pd.DataFrame, wanted: Collection[tuple[str, str]], confidence: float) -> list[dict[str, Any]]:
    """A row per run, train task (None: before fine-tuning) and test set that was scored in several formats.

    ``wanted``: (train task or "", test set) that are of interest. ``sd`` is the population standard deviation over
    the formats at every checkpoint that has all of them (Sun & Dredze 2024); its interval is that over items
    (delta method), None where standard errors are not known. ``noise``: the sd that items alone would make if no
    format mattered; an sd about as large says nothing of formats. Checkpoints without known tokens are left out.
    """
    pairs = pd.MultiIndex.from_frame(scores[["train_task", "test"]])
    rows = scores[pairs.isin(list(wanted)) & (scores["format"] != "") & scores["tokens"].notna()]
    found = []
    grouped = {(str(r), str(t), str(e)): g for (r, t, e), g in rows.groupby(["run", "train_task", "test"])}
    order = natural_order({name for key in grouped for name in key})
    for key in sorted(grouped, key=lambda key: [order.index(name) for name in key]):
        row = _row(*key, grouped[key], confidence)
        if row:
            found.append(row)
    return found


def _row(run: str, task: str, test: str, rows: pd.DataFrame, confidence: float) -> dict[str, Any] | None:
    values = rows.pivot(index="tokens", columns="format", values="value").sort_index()
    errors = rows.pivot(index="tokens", columns="format", values="error").sort_index()
    complete = values.notna().all(axis=1)
    if values.shape[1] < FEWEST or not complete.any():
        return None
    score, error = values[complete].to_numpy(np.float64), errors[complete].to_numpy(np.float64)
    tokens = [whole(t) for t in values.index[complete]]
    sd, peak = score.std(axis=1), int(score.std(axis=1).argmax())
    noise, reach = _of_items(score, error, sd, confidence)
    return {
        "trajectory": run,
        "train_task": task or None,
        "test": test,
        "tokens": tokens,
        "sd": sd.tolist(),
        "ci95": [
            [max(0.0, s - r), s + r] if np.isfinite(r) else None
            for s, r in zip(sd.tolist(), reach.tolist(), strict=True)
        ],
        "noise": noise.tolist(),
        "n_formats": values.shape[1],
        "formats": [str(name) for name in values.columns],
        "n": len(tokens),
        "first": float(sd[0]),
        "last": float(sd[-1]),
        "peak": float(sd[peak]),
        "peak_tokens": tokens[peak],
    }


def _of_items(score: Floats, error: Floats, sd: Floats, confidence: float) -> tuple[Floats, Floats]:
    """(n,): the sd that the items' noise makes by itself, and how far the sd may be off because of it."""
    from scipy.special import ndtri

    k = score.shape[1]
    noise: Floats = np.sqrt((error**2).mean(axis=1) * (k - 1) / k)
    weight = (score - score.mean(axis=1, keepdims=True)) / (k * np.where(sd > 0, sd, NAN)[:, None])
    reach: Floats = np.sqrt(((weight * error) ** 2).sum(axis=1)) * ndtri((1 + confidence) / 2)
    return noise, reach
