"""Learning to compare: a model of which of two variants has the higher outcome, tried on variants it has not seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ptp_core.predict.learn.features import (
    Floats,
    Indices,
    ordered_pairs,
    pair_features,
    scaled,
    unordered_pairs,
)

Split = tuple[Indices, Indices]

MAX_TRAINING_PAIRS = 20_000
"""Ordered pairs a model is fitted on at most, drawn at random; reached at about 140 training variants."""

CATBOOST: dict[str, Any] = {
    # Small trees and plain boosting: a few hundred pairs that share thirty variants hold little to learn. Nothing in
    # here is random, and one thread fixes the order of sums, so equal inputs give equal models.
    "iterations": 100,
    "depth": 4,
    "learning_rate": 0.1,
    "boosting_type": "Plain",
    "bootstrap_type": "No",
    "random_strength": 0,
    "border_count": 32,
    "leaf_estimation_iterations": 1,
    "thread_count": 1,
    "allow_writing_files": False,
    "verbose": False,
}


@dataclass(frozen=True)
class Trial:
    """What a comparison scored on the test sides of the splits."""

    accuracies: Floats
    """(splits,), NaN where all outcomes of a test side are tied."""
    borda: Floats
    """(variants,): share of test opponents a variant beats, mean over the splits that test it; NaN if none does."""


def fit_comparator(columns: Floats, outcome: Floats, train: Indices, seed: int) -> Any | None:
    """A CatBoost model of P(first of the pair has the higher outcome), from both orders of every training pair.

    ``columns`` (n, d) scaled, ``outcome`` (n,) larger is better. None when there is nothing to learn: all outcomes
    tied or all features constant.
    """
    from catboost import CatBoostClassifier

    first, second = ordered_pairs(train)
    judged = outcome[first] != outcome[second]
    first, second = first[judged], second[judged]
    if len(first) > MAX_TRAINING_PAIRS:
        kept = np.sort(np.random.default_rng(seed).permutation(len(first))[:MAX_TRAINING_PAIRS])
        first, second = first[kept], second[kept]
    features = pair_features(columns, first, second)
    if not features.size or not np.ptp(features, axis=0).any():
        return None
    model = CatBoostClassifier(**CATBOOST, random_seed=seed)
    return model.fit(features, (outcome[first] > outcome[second]).astype(np.int8))


def preference(model: Any | None, columns: Floats, first: Indices, second: Indices) -> Floats:
    """P(first beats second), (pairs,): the model asked in both orders, so p(a, b) = 1 - p(b, a) by construction."""
    if model is None or not len(first):
        return np.full(len(first), 0.5)
    forward = model.predict_proba(pair_features(columns, first, second))[:, 1]
    backward = model.predict_proba(pair_features(columns, second, first))[:, 1]
    return np.asarray(0.5 + (forward - backward) / 2)


def try_learned(columns: Floats, outcome: Floats, splits: Sequence[Split], seed: int) -> Trial:
    """Fit on the training side of each split and compare all pairs of its test side."""
    accuracies, wins, tests = np.full(len(splits), np.nan), np.zeros(len(outcome)), np.zeros(len(outcome))
    for number, (train, test) in enumerate(splits):
        unit = scaled(columns, train)
        model = fit_comparator(unit, outcome, train, seed)
        first, second = unordered_pairs(test)
        margin = preference(model, unit, first, second) - 0.5
        accuracies[number] = _share_right(margin, outcome[first] - outcome[second])
        won = (np.sign(margin) + 1) / 2
        np.add.at(wins, first, won / (len(test) - 1))
        np.add.at(wins, second, (1 - won) / (len(test) - 1))
        tests[test] += 1
    with np.errstate(invalid="ignore"):
        return Trial(accuracies, wins / np.where(tests > 0, tests, np.nan))


def try_best_single(
    indicators: dict[str, Floats], outcome: Floats, splits: Sequence[Split]
) -> tuple[Floats, dict[str, int]]:
    """The indicator that is best on the training side, tried on the test side: accuracies (splits,), times chosen.

    ``indicators`` are (n,), larger is better: a direction is never flipped to suit the data. A pair with a missing
    value is a guess, 1/2, so that it is judged on the same pairs as the learned comparison.
    """
    accuracies, chosen = np.full(len(splits), np.nan), dict.fromkeys(indicators, 0)
    for number, (train, test) in enumerate(splits):
        on_train = {name: _side_accuracy(values, outcome, train) for name, values in indicators.items()}
        if not on_train or np.isnan(list(on_train.values())).all():
            continue
        name = max(on_train, key=lambda name: on_train[name])  # of equals the first by name
        accuracies[number] = _side_accuracy(indicators[name], outcome, test)
        chosen[name] += 1
    return accuracies, {name: times for name, times in chosen.items() if times}


def _side_accuracy(indicator: Floats, outcome: Floats, side: Indices) -> float:
    first, second = unordered_pairs(side)
    margin = np.nan_to_num(indicator[first] - indicator[second], nan=0.0)
    return _share_right(margin, outcome[first] - outcome[second])


def _share_right(margin: Floats, difference: Floats) -> float:
    """Share of pairs of unequal outcome whose margin has the sign of the difference; a margin of 0 is half right."""
    judged = difference != 0
    if not judged.any():
        return float("nan")
    return float((1 + np.sign(margin[judged]) * np.sign(difference[judged])).mean() / 2)
