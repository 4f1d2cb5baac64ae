"""The set of keys agrees with Python's, whatever is added in whatever batches."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ptp_core.data import seen as module
from ptp_core.data.seen import Seen

KEYS = st.one_of(st.integers(0, 2**64 - 1), st.integers(0, 50), st.integers(0, 50).map(lambda i: i * 2**32))


@given(st.lists(st.lists(KEYS, max_size=60), max_size=8))
def test_a_key_is_new_exactly_once(batches: list[list[int]]) -> None:
    table, known = Seen(), set[int]()
    for batch in batches:
        new = table.add(np.array(batch, dtype=np.uint64))
        for key, is_new in zip(batch, new, strict=True):
            # Zero stands for an empty place, so it shares a key with one.
            key = max(key, 1)
            assert is_new == (key not in known)
            known.add(key)
    assert table.count == len(known)


def test_it_grows_and_forgets_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_FIRST_SIZE", 4)
    keys = np.random.default_rng(1).integers(1, 2**64, size=100_000, dtype=np.uint64)
    table = Seen()
    assert all(table.add(part).all() for part in np.array_split(keys, 37))
    assert len(table.table) == 2**18
    assert not table.add(keys).any()


def test_keys_that_all_want_one_place_find_one_each() -> None:
    keys = np.arange(1, 2000, dtype=np.uint64) << np.uint64(40)
    table = Seen()
    assert table.add(keys).all()
    assert not table.add(keys[::-1].copy()).any()
