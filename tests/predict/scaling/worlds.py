"""Tables of runs whose losses and scores follow known laws."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from ptp_core.errors import Where
from ptp_core.table.schema import from_rows

SIZES = (1e7, 2e7, 4e7, 8e7)
RATIOS = (10.0, 40.0, 160.0)


def loss_of(params: Any, tokens: Any) -> Any:
    """L = 1.8 + 40 / N^0.25 + 90 / D^0.25."""
    return 1.8 + 40 / params**0.25 + 90 / tokens**0.25


def score_of(loss: Any) -> Any:
    """0.95 at a loss of 2, 0.3 at one of 6: error = 0.8 − 6.4·e^(−1.1·L), but for the ends."""
    return 1 - (0.8 - 6.4 * np.exp(-1.1 * loss))


def table_of(
    sizes: tuple[float, ...] = (*SIZES, 3.2e8),
    ratios: tuple[float, ...] = RATIOS,
    *,
    shares: tuple[float, ...] = (0.25, 0.5, 0.75, 1.0),
    loss_sd: float = 0.0,
    score_sd: float = 0.0,
    seed: int = 0,
    prefix: str = "",
    columns: dict[str, str] | None = None,
) -> pd.DataFrame:
    """Runs of each size and tokens per parameter, with checkpoints after these shares of the tokens.

    A run's loss lies off the law by a factor that all its checkpoints share (``loss_sd``), its score by an amount that
    they share (``score_sd``).
    """
    rng = np.random.default_rng(seed)
    rows: list[dict[str, Any]] = []
    for size in sizes:
        for ratio in ratios:
            run = f"{prefix}{size / 1e6:g}M-{ratio:g}"
            for name, value in {"params": size, "tokens": size * ratio}.items():
                rows.append({"variant": run, "kind": "config", "name": name, "value": value})
            for name, text in (columns or {}).items():
                rows.append({"variant": run, "kind": "config", "name": name, "text": text})
            off, shift = np.exp(loss_sd * rng.standard_normal()), score_sd * rng.standard_normal()
            for share in shares:
                loss = loss_of(size, size * ratio * share) * off
                seen = {"variant": run, "checkpoint_tokens": int(size * ratio * share), "kind": "indicator"}
                score = float(np.clip(score_of(loss) + shift, 0, 1))
                rows.append(seen | {"name": "loss", "value": float(loss), "higher_is_better": False})
                rows.append(seen | {"name": "accuracy", "value": score, "higher_is_better": True})
                guess = 0.25 + 0.001 * float(np.cos(1e3 * loss))
                rows.append(seen | {"name": "puzzles", "value": guess, "higher_is_better": True})
    return tidy(rows)


def tidy(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """Rows of the schema."""
    return from_rows([{"source": "test:1"} | row for row in rows], Where("test"))
