"""placeholder"""

from __future__ import annotations

from ptp_core.spec.fields import Section, identity


class PluginSettings(Section):
    """x"""

    name: str = identity("x")
