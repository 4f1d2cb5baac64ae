"""The sampler: the same rows whoever asks, in the asked-for shares, each window once a pass."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ptp_core.data.sampler import BLOCK, Sampler
from ptp_core.data.streams import Stream
from ptp_core.errors import UserError

STREAMS = {
    "a": Stream(np.arange(1000, dtype=np.uint16)),
    "b": Stream(np.arange(2000, 2400, dtype=np.uint16)),
    "c": Stream(np.arange(70_000, 70_300, dtype=np.uint32)),
}
WEIGHTS = {"a": 0.6, "b": 0.3, "c": 0.1}


def sampler(seed: int = 1, length: int = 8, rows: int = 2000, weights: Mapping[str, float] = WEIGHTS) -> Sampler:
    return Sampler(STREAMS, weights, seed, length, rows)


LONG = sampler(rows=3 * BLOCK + 21)
LONG_ROWS = LONG.rows(0, LONG.total)


def domain_of(rows: np.ndarray) -> np.ndarray:
    return np.digitize(rows[:, 0], [2000, 70_000])


def test_rows_depend_on_seed_and_place_whatever_was_asked_before() -> None:
    expected = sampler().rows(0, 2000)
    asked = sampler()
    order = np.random.default_rng(0).permutation(2000)
    for start in order[:300]:
        count = min(7, 2000 - start)
        assert np.array_equal(asked.rows(int(start), count), expected[start : start + count])


@given(st.integers(0, 3 * BLOCK), st.integers(0, 20), st.lists(st.integers(0, 3 * BLOCK + 20), max_size=20))
def test_any_rows_in_any_order_are_the_same_rows(start: int, count: int, numbers: list[int]) -> None:
    asked = LONG.rows(start, count)
    assert np.array_equal(asked, LONG_ROWS[start : start + count])
    assert np.array_equal(LONG.at(np.array(numbers, dtype=np.int64)), LONG_ROWS[numbers])
    assert np.array_equal(LONG.places(start, count), LONG.places(0, LONG.total)[start : start + count])


@pytest.mark.parametrize("numbers", [[-1], [2000], [0, 5000]])
def test_rows_outside_the_run_are_refused(numbers: list[int]) -> None:
    with pytest.raises(IndexError, match="of a run of 2000"):
        sampler(rows=2000).at(np.array(numbers))


def test_places_say_which_window_of_which_pass_a_row_is() -> None:
    made = sampler(rows=2000)
    rows, places = made.rows(0, 2000), made.places(0, 2000)
    assert np.array_equal(places[:, 0], domain_of(rows))
    assert len(np.unique(places, axis=0)) == 2000, "no window comes twice"
    for d, (windows, first) in enumerate([(123, 0), (48, 2000), (36, 70_000)]):
        numbers, begins = places[places[:, 0] == d, 1], rows[places[:, 0] == d, 0] - first
        passes = numbers // windows
        assert (np.diff(passes) >= 0).all(), "a pass is over before the next one begins"
        for p in np.unique(passes):
            offsets = begins[passes == p] - numbers[passes == p] % windows * 8
            assert len(np.unique(offsets)) == 1
            assert 0 <= offsets[0] < 8
        for p in range(passes[-1]):
            assert sorted(numbers[passes == p] % windows) == list(range(windows))


def test_a_run_of_a_hundred_billion_tokens_is_kept_in_a_few_megabytes() -> None:
    made = sampler(rows=1)
    drawn = made._count_blocks(3 * BLOCK + 5)
    assert drawn.shape == (5, 3)
    assert drawn[-1].sum() == 3 * BLOCK + 5
    assert drawn.nbytes / (3 * BLOCK) * 50_000_000 < 4e6


def test_another_seed_gives_other_rows() -> None:
    assert not np.array_equal(sampler(1).rows(0, 50), sampler(2).rows(0, 50))


def test_a_longer_run_begins_with_the_rows_of_a_shorter_one() -> None:
    assert np.array_equal(sampler(rows=100).rows(0, 100), sampler(rows=5000).rows(0, 100))


def test_domains_are_drawn_by_their_weights() -> None:
    counts = np.bincount(domain_of(sampler(rows=6000).rows(0, 6000)), minlength=3)
    for count, weight in zip(counts, WEIGHTS.values(), strict=True):
        assert abs(count - 6000 * weight) < 4 * np.sqrt(6000 * weight * (1 - weight))


def test_weights_need_not_add_up_to_one() -> None:
    twice = {name: 20 * weight for name, weight in WEIGHTS.items()}
    assert np.array_equal(sampler(weights=twice).rows(0, 200), sampler().rows(0, 200))


@pytest.mark.parametrize("nothing", ["a", "b", "c"])
def test_a_weight_of_zero_is_never_drawn(nothing: str) -> None:
    rows = sampler(weights=WEIGHTS | {nothing: 0}).rows(0, 2000)
    assert set(domain_of(rows)) == {0, 1, 2} - {"abc".index(nothing)}


def test_every_window_comes_once_a_pass_and_the_next_pass_is_another_order() -> None:
    length = 8
    alone = Sampler({"a": STREAMS["a"]}, {"a": 1.0}, seed=3, length=length, rows=400)
    windows = (1000 - 1) // length - 1
    passes = [alone.rows(start, windows)[:, 0] for start in (0, windows, 2 * windows)]
    for starts in passes:
        offset = starts.min()
        assert 0 <= offset < length
        assert sorted(starts) == list(range(offset, offset + windows * length, length))
    assert not np.array_equal(np.argsort(passes[0]), np.argsort(passes[1]))


def test_two_domains_of_equal_length_are_not_shuffled_alike() -> None:
    streams = {"x": Stream(np.arange(500)), "y": Stream(np.arange(500))}
    rows = {name: Sampler(streams, {name: 1.0}, 1, 8, 50).rows(0, 50) for name in streams}
    assert not np.array_equal(rows["x"], rows["y"])


@given(st.integers(1, 9), st.integers(0, 30), st.integers(0, 1000))
def test_rows_are_whole_pieces_of_the_stream_up_to_its_very_end(length: int, more: int, seed: int) -> None:
    size = 2 * length + 1 + more
    alone = Sampler({"a": Stream(np.arange(size))}, {"a": 1.0}, seed, length, rows=60)
    rows = alone.rows(0, 60)
    assert rows.shape == (60, length + 1)
    assert rows.dtype == np.int64
    assert (rows == rows[:, :1] + np.arange(length + 1)).all()
    assert rows.min() >= 0
    assert rows.max() < size


def test_a_pass_begins_anywhere_in_the_first_window() -> None:
    rows = np.concatenate([Sampler({"a": Stream(np.arange(17))}, {"a": 1.0}, s, 8, 4).rows(0, 4) for s in range(200)])
    assert np.unique(rows[:, 0]).tolist() == list(range(8))


def test_epochs_count_the_passes_over_each_stream() -> None:
    made = sampler(rows=2000)
    drawn = np.bincount(domain_of(made.rows(0, 2000)), minlength=3)
    windows = {"a": 123, "b": 48, "c": 36}
    assert made.epochs() == {name: drawn[i] / windows[name] for i, name in enumerate("abc")}
    assert made.tokens() == {name: 8 * drawn[i] for i, name in enumerate("abc")}


def test_a_stream_shorter_than_two_rows_is_refused_with_its_name() -> None:
    short = {"a": Stream(np.arange(1000)), "tiny": Stream(np.arange(16))}
    with pytest.raises(
        UserError, match='domain "tiny" is too short; expected at least 17 tokens, got 16; give it more'
    ):
        Sampler(short, {"a": 0.5, "tiny": 0.5}, 1, 8, 10)
    Sampler(short | {"tiny": Stream(np.arange(17))}, {"a": 0.5, "tiny": 0.5}, 1, 8, 10)
