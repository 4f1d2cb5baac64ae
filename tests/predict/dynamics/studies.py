"""Small studies with checkpoints, made to order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from ptp_core.table.schema import from_rows

Curve = Mapping[float, Any]
"""Tokens → value, or one a seed."""


def table(*parts: list[dict[str, Any]]) -> pd.DataFrame:
    """A tidy table of the rows of several parts."""
    return from_rows([row for part in parts for row in part])


def scores(
    name: str,
    curve: Curve,
    *,
    run: str = "a",
    tuned: bool | str = False,
    fmt: str | None = None,
    error: float | None = None,
    higher: bool = True,
    family: str | None = None,
) -> list[dict[str, Any]]:
    """Rows of one number along tokens; ``tuned``: after fine-tuning, on another task where it names one."""
    shared = {"variant": run, "name": name, "kind": "outcome" if tuned else "indicator", "source": "made"}
    shared |= {"train_task": tuned if isinstance(tuned, str) else None, "prompt_format": fmt, "family": family}
    shared |= {"stderr": error, "higher_is_better": higher}
    rows = []
    for tokens, values in curve.items():
        several = values if isinstance(values, Sequence) else [values]
        for seed, value in enumerate(several):
            own = {"seed": seed} if tuned else {}
            rows.append(shared | own | {"checkpoint_tokens": int(tokens), "value": float(value)})
    return rows


def along(tokens: Sequence[float], values: Sequence[float]) -> dict[float, float]:
    """A curve."""
    return dict(zip(map(float, tokens), map(float, np.asarray(values)), strict=True))


TOKENS = [1e9, 2e9, 3e9, 4e9, 5e9, 6e9, 7e9, 8e9]
"""The first one is the only one outside the last tenfold."""
