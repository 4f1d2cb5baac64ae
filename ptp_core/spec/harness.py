"""One measurement of a task of lm-evaluation-harness, one of its own or one that a local YAML describes."""

from __future__ import annotations

from typing import Literal

from pydantic import model_validator

from ptp_core.spec.fields import Section, identity

Part = Literal["all", "indicator", "outcome"]
Overlap = Literal["disjoint", "shared"]


class HarnessSettings(Section):
    """All that decides one measurement of a harness task, beside the checkpoint and a local task's own files."""

    task: str | None = identity("name in the harness' registry; empty: the local YAML that is an input", default=None)
    shots: int | None = identity(
        "answered examples before a question; default: as many as the task says", unit="examples", default=None, ge=0
    )
    max_items: int | None = identity("items that are scored at most", unit="items", default=None, gt=0)
    part: Part = identity(
        "which half of the scored items, so that an indicator and an outcome share none", default="all"
    )
    items: Overlap = identity(
        "disjoint: no example is ever a scored item; shared: as the harness itself does it", default="disjoint"
    )
    metric: str | None = identity(
        "metric that goes by the measurement's own name; default: the first it has of acc_norm, acc, exact_match, …",
        default=None,
    )
    hub: str | None = identity("data set on a hub that the task reads; empty: only local files", default=None)
    revision: str | None = identity("commit of that data set", default=None)
    allow_code: bool = identity("let the task execute code that the model has written", default=False)

    @model_validator(mode="after")
    def _shared_has_no_parts(self) -> HarnessSettings:
        if self.items == "shared" and self.part != "all":
            raise ValueError("items are shared by indicator and outcome, so neither can have a part of its own")
        return self
