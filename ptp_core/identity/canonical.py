"""Canonical JSON: one byte string for one value, whatever the order of keys or the way a number was typed."""

from __future__ import annotations

import hashlib
import json
import math
from typing import Any


def canonical_json(value: Any) -> str:
    """Sorted keys, no spaces, shortest round-trip floats, ``-0.0`` as ``0.0``, tuples as lists.

    Raises TypeError or ValueError, naming the place, for anything that is not JSON: NaN, infinity, keys that are not
    text, paths, sets, dataclasses. Nothing is dropped silently, since a dropped value could never make a job stale.
    """
    return json.dumps(_plain(value, ("$",)), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def digest(value: Any) -> str:
    """sha256, in hex, of the canonical JSON of a value."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()


_Place = tuple[Any, ...]
"""The place around, and the last step from there: put together only for who is told of it."""


def _plain(value: Any, place: _Place) -> Any:
    # Exact types: an enum or a numpy scalar that passes for an int could change its spelling between versions.
    kind = type(value)
    if value is None or kind is str or kind is int or kind is bool:
        return value
    if kind is float:
        if not math.isfinite(value):
            raise ValueError(f"{_named(place)}: {value} has no place in an identity")
        return value + 0.0
    if kind is list or kind is tuple:
        return [_plain(item, (place, i)) for i, item in enumerate(value)]
    if kind is dict:
        for key in value:
            if type(key) is not str:
                raise TypeError(f"{_named(place)}: key {key!r} is not text")
        return {key: _plain(item, (place, key)) for key, item in value.items()}
    raise TypeError(f"{_named(place)}: {kind.__name__} is not a JSON value")


def _named(place: _Place) -> str:
    if len(place) == 1:
        return str(place[0])
    around, step = place
    return f"{_named(around)}[{step}]" if type(step) is int else f"{_named(around)}.{step}"
