"""Draws: the same numbers whoever asks, uniform, and independent of one another."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from ptp_core.draws import Draws, hashed, key, permuted

seeds = st.integers(0, 2**64)
KEY = np.array(key("a test"), dtype=np.uint64)
FIRST = [[0.48465489685, 0.983536448483], [0.356194469156, 0.781108358989]]
ORDER = [0, 3, 6, 4, 1, 5, 2, 7]


def rows(count: int, first: int = 0) -> np.ndarray:
    return np.arange(first, first + count)


@given(seeds, st.integers(0, 2**40), st.integers(0, 9), st.integers(1, 20), st.data())
def test_a_row_is_the_same_in_whatever_batch_it_is_made(
    seed: int, first: int, purpose: int, columns: int, data: st.DataObject
) -> None:
    whole = Draws(seed, rows(12, first)).uniform(purpose, columns)
    cut = data.draw(st.integers(0, 12))
    parts = [Draws(seed, part).uniform(purpose, columns) for part in np.split(rows(12, first), [cut])]
    assert np.array_equal(np.concatenate(parts), whole)
    order = np.array(data.draw(st.permutations(range(12))))
    assert np.array_equal(Draws(seed, rows(12, first)[order]).uniform(purpose, columns), whole[order])
    assert np.array_equal(Draws(seed, rows(12, first)).uniform(purpose, columns + 5)[:, :columns], whole)


def test_taken_rows_keep_their_numbers() -> None:
    mask = np.array([True, False, True, True])
    draws = Draws(3, rows(4))
    assert np.array_equal(draws.take(mask).uniform(1, 6), draws.uniform(1, 6)[mask])


def test_these_numbers_never_change() -> None:
    # A change here silently gives every finished run another data order.
    assert Draws(7, rows(2)).uniform(1, 2).round(12).tolist() == FIRST
    assert permuted(rows(8), 8, KEY).tolist() == ORDER


@pytest.mark.parametrize(("shape", "first"), [((20_000, 1), 0), ((1, 20_000), 0), ((200, 100), 10**9)])
def test_numbers_are_uniform_along_rows_and_columns(shape: tuple[int, int], first: int) -> None:
    drawn = Draws(5, rows(shape[0], first)).uniform(2, shape[1]).ravel()
    assert drawn.min() >= 0
    assert drawn.max() < 1
    assert stats.chisquare(np.bincount((drawn * 64).astype(int), minlength=64)).pvalue > 0.001
    # Low bits as well as high ones.
    assert stats.chisquare(np.bincount((drawn * 2**30).astype(int) % 64, minlength=64)).pvalue > 0.001


def test_rows_columns_purposes_and_seeds_are_independent() -> None:
    n = 20_000
    by_row = Draws(5, rows(n)).uniform(2, 2)
    others = {
        "the next column": by_row[:, 1],
        "the next row": np.roll(by_row[:, 0], 1),
        "another purpose": Draws(5, rows(n)).uniform(3, 1)[:, 0],
        "the next seed": Draws(6, rows(n)).uniform(2, 1)[:, 0],
    }
    for name, other in others.items():
        assert abs(np.corrcoef(by_row[:, 0], other)[0, 1]) < 4 / np.sqrt(n), name
        together = np.histogram2d(by_row[:, 0], other, bins=8, range=[[0, 1], [0, 1]])[0]
        assert stats.chisquare(together.ravel()).pvalue > 0.001, name


def test_keys_tell_parts_and_their_order_apart() -> None:
    made = [key(), key(1), key("1"), key(1, 2), key(2, 1), key(12), key("a", "b"), key("ab"), key(-1), key(2**70)]
    assert len(set(made)) == len(made)
    assert all(0 <= k < 2**64 for k in made)


@given(st.integers(1, 3000), seeds)
def test_a_permutation_sends_every_place_to_another_one(size: int, seed: int) -> None:
    keys = np.array(key(seed), dtype=np.uint64)
    assert sorted(permuted(rows(size), size, keys)) == list(range(size))


@given(st.integers(1, 2**50), seeds, st.data())
def test_a_place_goes_where_it_goes_whoever_is_asked_with_it(size: int, seed: int, data: st.DataObject) -> None:
    places = np.array(data.draw(st.lists(st.integers(0, size - 1), min_size=1, max_size=10)))
    keys = hashed(seed % 2**64, places % 3)
    together = permuted(places, size, keys)
    assert together.min() >= 0
    assert together.max() < size
    assert [int(permuted(places[[i]], size, keys[i])[0]) for i in range(len(places))] == together.tolist()


@pytest.mark.parametrize("size", [2, 3, 5, 10, 37])
def test_every_place_is_equally_likely_to_go_anywhere(size: int) -> None:
    keys = hashed(key("many"), rows(4000))
    for place in range(min(size, 5)):
        gone_to = permuted(np.full(4000, place), size, keys)
        assert stats.chisquare(np.bincount(gone_to, minlength=size)).pvalue > 0.0005


def test_all_orders_of_a_few_places_occur_about_equally_often() -> None:
    keys = hashed(key("orders"), rows(6000))
    together = np.stack([permuted(np.full(6000, place), 4, keys) for place in range(4)], axis=1)
    orders = dict.fromkeys(itertools.permutations(range(4)), 0)
    for order in map(tuple, together.tolist()):
        orders[order] += 1
    assert stats.chisquare(list(orders.values())).pvalue > 0.001


def test_neighbours_are_torn_apart_and_keys_are_independent() -> None:
    size = 100_003
    one, two = (permuted(rows(size), size, np.array(key(k), dtype=np.uint64)) for k in (1, 2))
    limit = 4 / np.sqrt(size)
    assert abs(np.corrcoef(one[:-1], one[1:])[0, 1]) < limit
    assert abs(np.corrcoef(rows(size), one)[0, 1]) < limit
    assert abs(np.corrcoef(one, two)[0, 1]) < limit
    steps = np.diff(one) % size
    assert stats.chisquare(np.bincount(steps * 50 // size, minlength=50)).pvalue > 0.001
