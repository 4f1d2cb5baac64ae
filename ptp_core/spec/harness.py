"""placeholder"""

from __future__ import annotations

from typing import Literal

from ptp_core.spec.fields import Section, identity

Items = Literal["disjoint", "shared"]


class HarnessSettings(Section):
    """x"""

    task: str | None = identity("x", default=None)
    shots: int | None = identity("x", default=None)
    max_items: int | None = identity("x", default=None)
    part: Literal["all", "indicator", "outcome"] = identity("x", default="all")
    items: Items = identity("x", default="disjoint")
    metric: str | None = identity("x", default=None)
    revision: str | None = identity("x", default=None)
    allow_code: bool = identity("x", default=False)
