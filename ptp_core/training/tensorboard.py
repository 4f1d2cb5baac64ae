"""TensorBoard events beside the telemetry, for those who watch a run live."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ptp_core.training.callbacks import EveryStep
from ptp_core.training.history import COLUMNS

FOLDER = "tensorboard"


class Events(EveryStep):
    """Writes every column of the history; the step axis counts tokens."""

    def __init__(self, folder: Path, batch_tokens: int, first_step: int = 0) -> None:
        """``first_step``: steps done before; what an interrupted process has written beyond them is dropped."""
        from torch.utils.tensorboard import SummaryWriter

        self.batch_tokens = batch_tokens
        self.writer = SummaryWriter(str(folder), purge_step=(first_step + 1) * batch_tokens)

    def after_step(self, _trainer: Any, module: Any) -> None:
        for name in COLUMNS:
            self.writer.add_scalar(name, module.history.columns[name][-1], module.step * self.batch_tokens)

    def teardown(self, *_all: Any, **_more: Any) -> None:
        self.writer.close()
