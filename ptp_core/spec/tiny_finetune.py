"""placeholder"""

from __future__ import annotations

from ptp_core.spec.fields import Section, identity


class TinyFinetuneSettings(Section):
    """x"""

    examples: int = identity("x", default=64)
