from __future__ import annotations

import enum
import json
import math
from collections import OrderedDict, UserDict
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ptp_core.identity.canonical import canonical_json, digest

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner), max_leaves=20)


def turned(value: Any) -> Any:
    """The same value with the keys of all its dictionaries in the opposite order."""
    if isinstance(value, dict):
        return {key: turned(value[key]) for key in reversed(value)}
    return [turned(item) for item in value] if isinstance(value, list) else value


@given(VALUES)
def test_the_order_of_keys_does_not_matter(value: Any) -> None:
    assert canonical_json(turned(value)) == canonical_json(value)


@given(VALUES)
def test_it_reads_back_as_the_same_value_and_is_its_own_form(value: Any) -> None:
    text = canonical_json(value)
    assert json.loads(text) == value
    assert canonical_json(json.loads(text)) == text


def test_it_is_compact_sorted_and_not_escaped() -> None:
    assert canonical_json({"b": [1, 2.5, None], "a": {"é": True}}) == '{"a":{"é":true},"b":[1,2.5,null]}'


def test_floats_have_their_shortest_spelling() -> None:
    assert canonical_json([0.1, 3e-3, 1e22, 0.1 + 0.2, -0.0]) == "[0.1,0.003,1e+22,0.30000000000000004,0.0]"


def test_a_whole_float_is_not_an_int_and_true_is_not_one() -> None:
    assert len({digest(1), digest(1.0), digest(True), digest("1")}) == 4


def test_a_tuple_is_a_list() -> None:
    assert digest((1, (2,))) == digest([1, [2]])


class Colour(enum.IntEnum):
    RED = 1


class Word(enum.StrEnum):
    RED = "red"


@dataclass
class Point:
    x: int = 1


class Pair(NamedTuple):
    x: int = 1


@pytest.mark.parametrize(
    "value",
    [
        math.nan, math.inf, -math.inf, Path("a"), {1, 2}, frozenset(), b"a", 1j, Point(), Pair(), Colour.RED,
        Word.RED, np.float64(1), np.int64(1), np.bool_(True), np.str_("a"), np.zeros(2), OrderedDict(), UserDict(),
        range(3), {1: 2}, {None: 1}, {("a",): 1}, {Word.RED: 1}, print,
    ],
    ids=repr,
)  # fmt: skip
def test_what_is_not_json_is_an_error_that_names_its_place(value: Any) -> None:
    with pytest.raises((TypeError, ValueError)) as caught:
        canonical_json({"outer": [0, {"inner": value}]})
    assert str(caught.value).startswith("$.outer[1].inner: ")
