"""The checkpoint that a process is measuring: loaded once, whatever is asked of it."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

from ptp_core.training.model import load_model


@functools.lru_cache(maxsize=1)
def model_of(folder: Path) -> Any:
    """The model in ``folder`` in fp32, ready to be measured, on the GPU if there is one."""
    import torch

    return load_model(folder).to("cuda" if torch.cuda.is_available() else "cpu")
