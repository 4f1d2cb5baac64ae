"""Ridge regression on settings: finds a linear relation, shrinks what is none, and never looks at the test side."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from ptp_core.predict.judge.ridge import PENALTIES, ridge_prediction

SPLIT = (np.arange(20), np.arange(20, 30))


def test_a_linear_relation_is_found_whatever_the_units() -> None:
    rng = np.random.default_rng(0)
    columns = rng.normal(size=(30, 3)) * [1e-4, 1.0, 1e9]
    outcome = columns @ [2e4, -1.0, 1e-9] + 50
    assert ridge_prediction(columns, outcome, SPLIT) == pytest.approx(outcome[20:], abs=0.05)


def test_it_is_the_textbook_solution_with_the_penalty_of_the_least_leave_one_out_error() -> None:
    rng = np.random.default_rng(1)
    columns = rng.normal(size=(30, 8))
    outcome = columns[:, 0] + 2 * rng.normal(size=30)
    mean, sd = columns[:20].mean(axis=0), columns[:20].std(axis=0)
    unit = (columns - mean) / sd

    def slopes(rows: np.ndarray, penalty: float) -> np.ndarray:
        x, y = unit[rows] - unit[rows].mean(axis=0), outcome[rows] - outcome[rows].mean()
        return np.linalg.solve(x.T @ x + penalty * np.eye(8), x.T @ y)

    def left_out(penalty: float) -> float:
        errors = []
        for i in range(20):
            rows = np.delete(np.arange(20), i)
            # The scale and the mean stay those of all training variants; the intercept is refitted with the slopes.
            ones = np.column_stack([np.ones(19), unit[rows]])
            weights = np.linalg.solve(ones.T @ ones + penalty * np.diag([0.0] + [1.0] * 8), ones.T @ outcome[rows])
            errors.append(outcome[i] - weights[0] - unit[i] @ weights[1:])
        return float(np.mean(np.square(errors)))

    best = min(PENALTIES, key=lambda penalty: left_out(20 * penalty))
    expected = outcome[:20].mean() + unit[20:] @ slopes(np.arange(20), 20 * best)
    assert ridge_prediction(columns, outcome, SPLIT) == pytest.approx(expected, abs=1e-7)


def test_equal_settings_are_predicted_exactly_equal() -> None:
    rng = np.random.default_rng(2)
    columns = rng.normal(size=(30, 5))
    columns[20:] = columns[20]
    assert np.ptp(ridge_prediction(columns, rng.normal(size=30), SPLIT)) == 0


def test_missing_values_and_constant_columns_say_nothing() -> None:
    rng = np.random.default_rng(3)
    columns = np.column_stack(
        [rng.normal(size=30), np.full(30, 3.3), np.full(30, np.nan), np.r_[np.ones(20), [9] * 10]]
    )
    columns[25, 0] = np.nan
    outcome = 2 * columns[:, 0] + 1
    outcome[25] = 0.0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        predicted = ridge_prediction(columns, outcome, SPLIT)
    assert predicted[5] == pytest.approx(outcome[:20].mean())
    assert np.delete(predicted, 5) == pytest.approx(np.delete(outcome[20:], 5), abs=0.02)


def test_a_training_side_of_one_outcome_predicts_it() -> None:
    columns = np.random.default_rng(4).normal(size=(30, 2))
    outcome = np.r_[np.full(20, 5.0), np.arange(10.0)]
    assert ridge_prediction(columns, outcome, SPLIT).tolist() == [5.0] * 10


def test_the_test_side_does_not_reach_the_fit() -> None:
    rng = np.random.default_rng(5)
    columns, outcome = rng.normal(size=(30, 2)), rng.normal(size=30)
    changed = np.r_[outcome[:20], -outcome[20:]]
    assert np.array_equal(ridge_prediction(columns, outcome, SPLIT), ridge_prediction(columns, changed, SPLIT))
