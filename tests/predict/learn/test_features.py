"""Columns as a comparison sees them: scaled by training variants alone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ptp_core.predict.learn.features import configuration_columns, pair_features, scaled, spread_evenly
from tests.predict.learn.cases import make_case

TRAIN = np.array([0, 1, 2])


def test_training_variants_span_nought_to_one_and_gaps_get_their_mean() -> None:
    columns = np.array([[0.0, 5.0, np.nan], [10.0, 5.0, np.nan], [np.nan, 5.0, 1.0], [20.0, 7.0, 2.0]])
    unit = scaled(columns, np.array([0, 1]))
    assert unit[:, 0].tolist() == [0.0, 1.0, 0.5, 2.0]
    assert unit[:, 1].tolist() == [0.0, 0.0, 0.0, 2.0]
    assert unit[:, 2].tolist() == [0.0, 0.0, 0.0, 0.0]


def test_ranks_are_even_however_the_values_lie() -> None:
    columns = np.array([[0.0], [1.0], [100.0], [50.5], [150.0], [1e9], [-1e9], [np.nan]])
    assert spread_evenly(columns, TRAIN)[:, 0].tolist() == [0.0, 0.5, 1.0, 0.75, 1.5, 2.0, -1.0, 0.5]


def test_equal_training_values_share_their_rank() -> None:
    columns = np.array([[1.0], [1.0], [2.0], [4.0]])
    assert spread_evenly(columns, np.arange(4))[:, 0] == pytest.approx([0, 0, 0.6, 1])


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=25, deadline=None)
def test_of_training_variants_a_monotone_transformation_changes_no_rank(seed: int) -> None:
    columns = np.random.default_rng(seed).normal(size=(9, 2))
    train = np.arange(9)
    assert np.array_equal(spread_evenly(columns, train), spread_evenly(np.exp(columns), train))


@pytest.mark.parametrize("scale", [scaled, spread_evenly])
def test_a_wild_test_variant_changes_no_other(scale: object) -> None:
    assert callable(scale)
    columns = np.random.default_rng(0).normal(size=(6, 3))
    wild = columns.copy()
    wild[5] = [1e9, -1e9, np.nan]
    assert np.array_equal(scale(columns, TRAIN)[:5], scale(wild, TRAIN)[:5])


def test_four_features_per_column() -> None:
    features = pair_features(np.array([[2.0], [3.0]]), np.array([0]), np.array([1]))
    assert features.tolist() == [[-1.0, 6.0, 2.0, 3.0]]


def test_words_that_name_a_single_variant_get_no_column() -> None:
    case = make_case(np.arange(4.0), {}, {"lr": np.arange(4.0)}, {"mix": ("a", "b", "a", "c")})
    assert configuration_columns(case).tolist() == [[0.0, 1.0], [1.0, 0.0], [2.0, 1.0], [3.0, 0.0]]
    assert configuration_columns(make_case(np.arange(4.0), {})).shape == (4, 0)
