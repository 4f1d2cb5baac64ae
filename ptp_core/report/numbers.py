"""How numbers read on the page: one place, so that a column never mixes two manners."""

from __future__ import annotations

import math
import numbers
from collections.abc import Iterable

DASH = "–"
MINUS = "\u2212"
_SUPERSCRIPTS = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
_TOKEN_UNITS = ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k"))


def finite(value: object) -> float | None:
    """The value as a float; None for null, NaN, infinities and everything that is not a number."""
    # Most values are plain floats, and asking for the abstract number takes ten times as long.
    if type(value) is float:
        return value if math.isfinite(value) else None
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        return None
    number = float(value)
    return number if math.isfinite(number) else None


def finite_all(values: Iterable[object]) -> list[float]:
    """Only the finite numbers among ``values``, in their order."""
    return [number for value in values if (number := finite(value)) is not None]


def decimals_for(values: Iterable[object]) -> int:
    """Decimals that tell the values of a column apart: three significant digits of their range, at most six."""
    known = finite_all(values)
    if not known:
        return 3
    spread = max(known) - min(known) or abs(known[0])
    return 3 if spread == 0 else max(0, min(6, 2 - math.floor(math.log10(spread))))


def fixed(value: object, decimals: int = 3) -> str:
    """``−0.250``: a set number of decimals and a true minus; a dash when there is no number."""
    number = finite(value)
    if number is None:
        return DASH
    text = f"{number:.{decimals}f}"
    is_zero = not text.strip("-0.")
    return text.lstrip("-") if is_zero else text.replace("-", MINUS)


def short(value: object, digits: int = 4) -> str:
    """``0.0025`` or ``1.2e+09``: as few characters as ``digits`` significant digits need; whole where no longer."""
    number = finite(value)
    if number is None:
        return DASH
    text = f"{number:.{digits}g}"
    # Steps 113000 and 113400 must not read the same.
    whole = f"{number:.0f}" if number == round(number) else ""
    return (whole if whole and len(whole) <= len(text) else text).replace("-", MINUS)


def p_value(value: object) -> str:
    """Three decimals, ``< 0.001`` below that."""
    number = finite(value)
    if number is None:
        return DASH
    return "< 0.001" if number < 0.001 else f"{number:.3f}"


def share(value: object) -> str:
    """A share of 1 in percent; never a certainty that rounding made."""
    number = finite(value)
    if number is None:
        return DASH
    if 0 < number < 0.005:
        return "< 1 %"
    if 0.995 < number < 1:
        return "> 99 %"
    return f"{100 * number:.0f} %"


def interval(bounds: object, decimals: int = 3, missing: str = DASH) -> str:
    """``0.601 to 0.789``; ``missing`` when either end is."""
    low, high = ends(bounds)
    return missing if low is None or high is None else f"{fixed(low, decimals)} to {fixed(high, decimals)}"


def ends(bounds: object) -> tuple[float | None, float | None]:
    """The two ends of a ``[low, high]`` list, (None, None) unless both are numbers."""
    if not isinstance(bounds, (list, tuple)) or len(bounds) != 2:
        return None, None
    low, high = finite(bounds[0]), finite(bounds[1])
    return (None, None) if low is None or high is None else (low, high)


def tokens(value: object) -> str:
    """``1.5B`` tokens."""
    number = finite(value)
    if number is None:
        return DASH
    for size, unit in _TOKEN_UNITS:
        if abs(number) >= size:
            return f"{number / size:.3g}{unit}"
    return f"{number:.3g}"


def duration(seconds: object) -> str:
    """``3 h 12 min``, ``4 min 10 s``, ``0.8 s``: the two largest units."""
    number = finite(seconds)
    if number is None:
        return DASH
    if number < 60:
        return f"{number:.1f} s"
    minutes, rest = divmod(round(number), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60:,} h {minutes % 60} min"


def memory(megabytes: object) -> str:
    """``820 MB`` or ``1.6 GB``."""
    number = finite(megabytes)
    if number is None:
        return DASH
    return f"{number:.0f} MB" if number < 1000 else f"{number / 1000:.1f} GB"


def percent(value: object) -> str:
    """A share of 1 in percent to two significant digits: ``0.45 %``, ``3.1 %``, ``120 %``."""
    number = finite(value)
    if number is None:
        return DASH
    rounded = float(f"{100 * number:.2g}")
    return f"{fixed(rounded, _decimals(rounded, 2)) if abs(rounded) < 100 else fixed(100 * number, 0)} %"


def level(value: object) -> str:
    """A loss or a score to four significant digits, closing zeros kept: ``2.310``, ``0.4520``."""
    number = finite(value)
    if number is None:
        return DASH
    return (
        short(number)
        if abs(number) >= 1e6 or 0 < abs(number) < 1e-4
        else fixed(number, _decimals(float(f"{number:.4g}"), 4))
    )


def level_interval(bounds: object) -> str:
    """``2.301 to 2.322``: both ends in the decimals of the larger one; a dash when either is missing."""
    low, high = ends(bounds)
    if low is None or high is None:
        return DASH
    return interval(bounds, _decimals(max(abs(low), abs(high)), 4))


def signed(value: object, decimals: int = 3) -> str:
    """``+0.031``: a difference with its sign."""
    number = finite(value)
    return DASH if number is None else ("+" if number > 0 else "") + fixed(number, decimals)


def power(value: float) -> str:
    """``10²¹`` or ``2·10²¹``: a round number of an axis that runs over powers of ten."""
    exponent = math.floor(math.log10(value) + 1e-9) if value > 0 else 0
    if abs(exponent) < 4:
        return short(value)
    digit = short(value / 10.0**exponent, 2)
    return ("" if digit == "1" else f"{digit}·") + "10" + str(exponent).translate(_SUPERSCRIPTS)


def scientific(value: object) -> str:
    """``5.7·10²¹``: FLOPs and other large numbers to two significant digits."""
    number = finite(value)
    return DASH if number is None else power(float(f"{number:.2g}"))


def count(n: int, what: str, plural: str = "") -> str:
    """``1 run``, ``3 runs``."""
    return f"{n} {what if n == 1 else plural or what + 's'}"


def _decimals(number: float, digits: int) -> int:
    return 0 if number == 0 else max(0, min(8, digits - 1 - math.floor(math.log10(abs(number)))))
