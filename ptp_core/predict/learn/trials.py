"""Learners and baselines on the same random splits: fitted or chosen on one side, judged on pairs of the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ptp_core.predict.learn.features import Indices, scaled, unordered_pairs
from ptp_core.predict.learn.learned import Comparator, comparator, placement, share_right
from ptp_core.predict.parallel import side_by_side
from ptp_core.predict.quantities import Floats
from ptp_core.predict.splits import Split

MOST_TEST_PAIRS = 10_000
"""Pairs of a side that are judged at most, drawn at random; reached at about 350 variants. That adds a standard error
of .005 at most to the accuracy of one split."""

TEST_PAIRS_STREAM = 22


@dataclass(frozen=True)
class Trial:
    """One learner over all splits."""

    accuracies: Floats
    """(splits,): share of test pairs ordered rightly; NaN where all outcomes of a test side are tied."""
    answers: list[Floats]
    """Of each split P(first beats second) for its test pairs."""
    comparators: list[Comparator]


def tested_pairs(test: Indices, seed: int) -> tuple[Indices, Indices]:
    """The pairs of a test side that are judged."""
    first, second = unordered_pairs(test)
    if len(first) <= MOST_TEST_PAIRS:
        return first, second
    rng = np.random.default_rng([seed, TEST_PAIRS_STREAM])
    kept = np.sort(rng.choice(len(first), MOST_TEST_PAIRS, replace=False))
    return first[kept], second[kept]


def attempt(columns: Floats, outcome: Floats, splits: Sequence[Split], seed: int, learner: str = "catboost") -> Trial:
    """Fit on the training side of each split, compare the pairs of its test side; (n, d), (n,) larger is better."""

    def one(split: Split) -> tuple[float, Floats, Comparator]:
        train, test = split
        prefers = comparator(columns, outcome, train, seed, learner)
        first, second = tested_pairs(test, seed)
        answers = prefers(first, second)
        return share_right(answers - 0.5, outcome[first] - outcome[second]), answers, prefers

    accuracies, answers, comparators = zip(*side_by_side(one, splits), strict=True)
    return Trial(np.array(accuracies), list(answers), list(comparators))


def borda(trial: Trial, splits: Sequence[Split], n: int, seed: int) -> Floats:
    """(n,): share of test opponents a variant beats (p > 1/2), mean over the splits that test it; NaN if none does."""
    shares, tests = np.zeros(n), np.zeros(n)
    for answers, (_, test) in zip(trial.answers, splits, strict=True):
        first, second = tested_pairs(test, seed)
        won = (np.sign(answers - 0.5) + 1) / 2
        wins = np.bincount(first, won, n) + np.bincount(second, 1 - won, n)
        opponents = np.bincount(first, minlength=n) + np.bincount(second, minlength=n)
        shares[test] += wins[test] / np.maximum(opponents[test], 1)
        tests[test] += opponents[test] > 0
    with np.errstate(invalid="ignore"):
        return np.asarray(shares / np.where(tests > 0, tests, np.nan))


def placed_by_splits(trial: Trial, outcome: Floats, splits: Sequence[Split]) -> Floats:
    """(n,): place of a variant among the training side, mean over the splits that test it; NaN if none does."""
    places = np.full((len(splits), len(outcome)), np.nan)
    for row, prefers, (train, test) in zip(places, trial.comparators, splits, strict=True):
        row[test] = placement(prefers, outcome, test, train)
    tests = np.isfinite(places).sum(axis=0)
    return np.asarray(np.nansum(places, axis=0) / np.where(tests > 0, tests, np.nan))


def try_best_single(
    indicators: Mapping[str, Floats], outcome: Floats, splits: Sequence[Split], seed: int
) -> tuple[Floats, dict[str, int]]:
    """The indicator that is best on the training side, tried on the test side: accuracies (splits,), times chosen.

    ``indicators`` are (n,), larger is better: a direction is never flipped to suit the data. A pair with a missing
    value is a guess, 1/2, so that it is judged on the same pairs as the learned comparison.
    """
    accuracies, chosen = np.full(len(splits), np.nan), dict.fromkeys(indicators, 0)
    for number, (train, test) in enumerate(splits):
        on_train = {name: side_accuracy(values, outcome, train, seed) for name, values in indicators.items()}
        if not on_train or np.isnan(list(on_train.values())).all():
            continue
        name = max(on_train, key=lambda name: on_train[name])  # of equals the first by name
        accuracies[number] = side_accuracy(indicators[name], outcome, test, seed)
        chosen[name] += 1
    return accuracies, {name: times for name, times in chosen.items() if times}


def try_sum(columns: Floats, outcome: Floats, splits: Sequence[Split], seed: int) -> Floats:
    """(splits,): accuracy of the sum of the columns, each scaled to 0 … 1 on the training side; nothing is learned."""
    if not columns.shape[1]:
        return np.full(len(splits), np.nan)
    return np.array([side_accuracy(scaled(columns, train).sum(axis=1), outcome, test, seed) for train, test in splits])


def try_column(column: Floats, outcome: Floats, splits: Sequence[Split], seed: int) -> Floats:
    """(splits,): accuracy of one column (n,), larger is better, on the test sides."""
    return np.array([side_accuracy(column, outcome, test, seed) for _, test in splits])


def side_accuracy(column: Floats, outcome: Floats, side: Indices, seed: int) -> float:
    """Accuracy of a column (n,) over the pairs of one side; a pair with a missing value is half right."""
    first, second = tested_pairs(side, seed)
    margin = np.nan_to_num(column[first] - column[second], nan=0.0)
    return share_right(margin, outcome[first] - outcome[second])
