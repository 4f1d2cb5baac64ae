"""What a stage is handed when it runs: settings, parents, inputs, and a folder to fill."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Work:
    """One unit of work. The stage writes its artifacts into ``folder`` and returns its metrics (JSON values)."""

    settings: dict[str, Any]
    parents: dict[str, Path]
    """Role → folder of the finished result it depends on."""
    inputs: dict[str, tuple[Path, ...]]
    """Role → files the user named."""
    folder: Path
    execution: dict[str, Any] = field(default_factory=dict)
    label: str = ""
    """How people call this work; for messages only."""


Metrics = dict[str, Any]
