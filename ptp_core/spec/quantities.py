"""Numbers as people write them: ``1.2M``, ``100B``, ``3e-3``, ``1_000_000``."""

from __future__ import annotations

import re
from decimal import Context, Decimal, DecimalException, Inexact, InvalidOperation, Overflow
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

_SUFFIXES = {"": 1, "k": 10**3, "m": 10**6, "b": 10**9, "t": 10**12}
_QUANTITY = re.compile(r"([+-]?[0-9]+(?:_[0-9]+)*(?:\.[0-9]*)?(?:e[+-]?[0-9]+)?)\s*([kmbt]?)", re.IGNORECASE)
_HELP = "write a whole number such as 1200000, 1_200_000, 1.2M or 1.2e6"
LARGEST = 10**18
_EXACT = Context(prec=60, traps=[Inexact, InvalidOperation, Overflow])
"""Sixty digits are ample for what is accepted; what they cannot hold is refused rather than rounded."""


def refuse_truth_value(value: Any) -> Any:
    """The value, unless it is true or false: YAML reads ``lr: on`` as true, and pydantic would read true as 1."""
    if isinstance(value, bool):
        raise ValueError("a number is wanted here, not a truth value")
    return value


def parse_count(value: Any) -> Any:
    """A whole number from ``1.2M``, ``1e9``, ``1_000`` or an int; anything else is handed on for pydantic to refuse.

    Decimal arithmetic, so that ``1.2M`` is 1,200,000 exactly. Raises ValueError for text that is not a whole number,
    and for true and false.
    """
    if not isinstance(refuse_truth_value(value), str | float):
        return value
    if isinstance(value, float):
        return int(value) if value.is_integer() else value
    match = _QUANTITY.fullmatch(value.strip())
    if not match:
        raise ValueError(_HELP)
    try:
        number = _EXACT.multiply(_EXACT.create_decimal(match[1].replace("_", "")), Decimal(_SUFFIXES[match[2].lower()]))
    except DecimalException:
        raise ValueError(f"{_HELP}, at most 1e18") from None
    # Before the number is written out: 1e999999 would take a million digits.
    if abs(number) > LARGEST:
        raise ValueError("the number is too large; the limit is 1e18")
    if number != number.to_integral_value():
        raise ValueError("that is not a whole number")
    return int(number)


def format_count(value: int) -> str:
    """The shortest exact spelling of a count: 2400000 → ``2.4M``, 1000 → ``1k``, 1234567 → ``1234567``."""
    for suffix, scale in (("T", 10**12), ("B", 10**9), ("M", 10**6), ("k", 10**3)):
        text = f"{(Decimal(value) / scale).normalize():f}{suffix}"
        if value >= scale and len(text) <= len(str(value)):
            return text
    return str(value)


def shortest(value: float) -> str:
    """The shortest spelling of a number that reads back as the same number: 3.0 → ``3``, 1e-05 → ``1e-05``."""
    return f"{value:g}" if float(f"{value:g}") == value else repr(value)


Count = Annotated[
    int,
    BeforeValidator(parse_count),
    Field(gt=0, le=LARGEST),
    WithJsonSchema({"anyOf": [{"type": "integer", "exclusiveMinimum": 0}, {"type": "string"}]}),
]
"""A positive whole number; suffixes k, M, B, T are understood."""


WHOLE = (0.0, 100.0)
"""The quantiles between which everything lies."""


def _in_order(value: tuple[float, float]) -> tuple[float, float]:
    if not 0 <= value[0] < value[1] <= 100:
        raise ValueError("write [low, high] in percent with 0 ≤ low < high ≤ 100")
    if value[1] <= 1:
        raise ValueError(f"this is in percent: write [{100 * value[0]:g}, {100 * value[1]:g}]")
    return value


Quantile = Annotated[tuple[float, float], AfterValidator(_in_order)]
"""From and to, in percent of what is ordered."""
