"""What is remembered of every step: for the telemetry, for the verdict on divergence, and across a resume."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

COLUMNS = ("loss", "lr", "grad_norm", "seconds", "peak_memory_mb")


class History:
    """One number a step and column, and the held-out losses between steps."""

    def __init__(self) -> None:
        self.columns: dict[str, list[float]] = {name: [] for name in COLUMNS}
        self.held_out: list[tuple[int, float]] = []
        """(steps done, mean loss in nats)."""

    @property
    def loss(self) -> list[float]:
        """Mean loss of every step, in nats a target, before its update."""
        return self.columns["loss"]

    def add(self, **values: float) -> None:
        """Remember a step: a value for each column."""
        for name in COLUMNS:
            self.columns[name].append(float(values[name]))

    def state(self) -> dict[str, Any]:
        """As tensors, for a saved state."""
        return {
            "columns": {name: torch.tensor(values, dtype=torch.float64) for name, values in self.columns.items()},
            "held_out": [list(point) for point in self.held_out],
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Back from a saved state."""
        self.columns = {name: state["columns"][name].tolist() for name in COLUMNS}
        self.held_out = [(int(step), float(loss)) for step, loss in state["held_out"]]

    def bad_steps(self, bound: float) -> int:
        """How many of the last steps in a row had no finite loss below ``bound``."""
        good = (i for i, loss in enumerate(reversed(self.loss)) if loss <= bound)
        return next(good, len(self.loss))

    def write(
        self, folder: Path, batch_tokens: int, flops_per_token: float, peak: float | None, first_step: int = 0
    ) -> None:
        """``telemetry.parquet``: one row a step; ``held_out.csv``: the held-out loss along the way.

        ``first_step``: steps before the first that is remembered. ``peak``: FLOP/s of all devices together, None if
        unknown. Model FLOPs utilisation (MFU) is ``flops_per_token · tokens_per_second / peak`` (Chowdhery et al. 2023,
        appendix B).
        """
        import pyarrow as pa
        import pyarrow.parquet as pq

        step = first_step + np.arange(1, len(self.loss) + 1)
        rate = batch_tokens / np.maximum(np.array(self.columns["seconds"]), 1e-9)
        table = {"step": step, "tokens": step * batch_tokens, **{name: self.columns[name] for name in COLUMNS}}
        table |= {"tokens_per_second": rate, "mfu": flops_per_token * rate / (peak or np.nan)}
        pq.write_table(pa.table(table), folder / TELEMETRY)
        lines = [f"{done},{done * batch_tokens},{loss!r}\n" for done, loss in self.held_out]
        (folder / HELD_OUT_CSV).write_text("".join(["step,tokens,loss\n", *lines]), encoding="utf-8")


TELEMETRY, HELD_OUT_CSV = "telemetry.parquet", "held_out.csv"
