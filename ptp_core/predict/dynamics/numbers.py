"""How changes, slopes and correlations are written in sentences: with a true minus, and with what is not known."""

from __future__ import annotations

from collections.abc import Sequence

MINUS = "\N{MINUS SIGN}"


def signed(value: float) -> str:
    """A change, three significant digits: +0.309, or −0.0515 with a true minus."""
    return _true(f"{value:+.3g}")


def rho(value: float) -> str:
    """A correlation, two decimals."""
    return _true(f"{value:.2f}")


def interval(ends: Sequence[float] | None) -> str:
    """``, interval +0.1 to +0.2``, or that it is not known."""
    return f", interval {signed(ends[0])} to {signed(ends[1])}" if ends else ", interval not known"


def _true(text: str) -> str:
    return MINUS + text[1:] if text.startswith("-") else text
