"""How numbers and lists are written in sentences."""

from __future__ import annotations

from collections.abc import Sequence


def number(value: float) -> str:
    """A value in its own unit, four significant digits."""
    return f"{value:.4g}"


def percent(share: float) -> str:
    """A share as a percentage with one decimal."""
    return f"{100 * share:.1f} %"


def p_value(p: float | None) -> str:
    """``p = 0.03``, ``p < 0.001``, or ``not testable`` when there is none."""
    if p is None:
        return "not testable"
    return "p < 0.001" if p < 0.001 else f"p = {p:.2g}"


def count(n: int, what: str) -> str:
    """``1 run``, ``2 runs``."""
    return f"{n:,} {what}" if n == 1 else f"{n:,} {what}s"


def listed(names: Sequence[str], limit: int = 8) -> str:
    """``a, b and c``; a long list is cut and says so."""
    shown = list(names[:limit])
    if len(names) > limit:
        return f"{', '.join(shown)} and {len(names) - limit} more"
    return " and ".join([", ".join(shown[:-1]), shown[-1]]) if len(shown) > 1 else "".join(shown)
