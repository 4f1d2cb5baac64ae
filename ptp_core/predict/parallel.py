"""Pieces of work side by side: none knows of another, so their order changes no number."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

THREADS = 2
"""numpy leaves the interpreter's lock alone, and CatBoost fits in processes of its own (``trees.py``); two
threads are what the smallest machine has cores for."""


def side_by_side(work: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
    """``[work(item) for item in items]``, two at a time."""
    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(work, items))
