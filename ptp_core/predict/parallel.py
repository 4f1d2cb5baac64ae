"""Pieces of work side by side: none knows of another, so their order changes no number."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

THREADS = 2
"""CatBoost and numpy leave the interpreter's lock alone; two threads are what the smallest machine has cores for."""


def side_by_side(work: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
    """``[work(item) for item in items]``, two at a time."""
    from catboost.core import log_fixup

    # Each call of CatBoost takes its C++ logger away when it ends, also from a thread that is still fitting: then the
    # process dies of a jump to address 0, once in many analyses. A logger held outside keeps the threads' hands off.
    with log_fixup(), ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(work, items))
