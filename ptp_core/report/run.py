"""What the page tells about how the numbers were produced; handed over as plain values by whoever ran the jobs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Curve = list[tuple[float, float]]
"""Points (tokens seen, loss in nats per token), in the order of training."""


@dataclass(frozen=True)
class Run:
    """How a study was made; the page of an analysis-only study has none.

    ``jobs`` holds one row a stage: ``stage``, ``jobs`` and ``reused`` (counts), ``core_seconds``, ``peak_memory_mb``.
    ``links`` maps a label to a path relative to the page. Losses are in nats per token, tokens in tokens.
    """

    curves: Mapping[str, Curve] = field(default_factory=dict)
    held_out: Mapping[str, Curve] = field(default_factory=dict)
    jobs: Sequence[Mapping[str, Any]] = ()
    spec_text: str = ""
    spec_name: str = ""
    packages: Mapping[str, str] = field(default_factory=dict)
    study_fingerprint: str = ""
    warnings: Sequence[str] = ()
    notes: Sequence[str] = ()
    links: Mapping[str, str] = field(default_factory=dict)
