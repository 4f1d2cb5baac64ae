"""What a file of indicators imports: ``from ptp_core.indicators import indicator, Probe``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from ptp_core.measure.probe import Probe

__all__ = ["Probe", "indicator"]

F = TypeVar("F", bound=Callable[[Probe], Any])


def indicator(*, higher_is_better: bool) -> Callable[[F], F]:
    """Makes an indicator of a function of a Probe; its name and its docstring are the indicator's.

    The function returns a number; or the numbers of single items, whose mean is the indicator; or a dict of named
    numbers, of which the first goes by the function's own name and the others by ``<function>.<key>``.
    ``higher_is_better``: True or False, written out: files are read before they are run.
    """
    if not isinstance(higher_is_better, bool):
        raise TypeError("higher_is_better is True or False")
    return lambda function: function
