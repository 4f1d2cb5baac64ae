"""Learning to compare: a model of which of two variants has the higher outcome."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ptp_core.predict.learn.boosting import boosted_trees
from ptp_core.predict.learn.features import Features, Indices, pair_features, spread_evenly, unordered_pairs
from ptp_core.predict.learn.logistic import logistic_regression
from ptp_core.predict.learn.network import neural_network
from ptp_core.predict.quantities import Floats

MOST_TRAINING_PAIRS = 8_000
"""Ordered pairs a model is fitted on at most, drawn at random; reached at about 90 training variants. With 600 of them
20,000 pairs take three times as long and gain .000 to .002 of accuracy."""

MOST_OPPONENTS = 200
"""Known variants that a held-out one is compared with at most, evenly spaced over their outcomes."""

PAIRS_STREAM = 20

Learner = Callable[[Features, Floats, int], Callable[[Features], Floats]]

LEARNERS: dict[str, Learner] = {
    "catboost": boosted_trees,
    "logistic": logistic_regression,
    "mlp": neural_network,
}


@dataclass(frozen=True)
class Comparator:
    """A fitted model and what it compares: rows of ``unit`` (n, d), as ranks among the variants it was fitted on."""

    unit: Floats
    model: Callable[[Features], Floats] | None

    def __call__(self, first: Indices, second: Indices) -> Floats:
        """P(first beats second), (pairs,): asked in both orders, so p(a, b) = 1 - p(b, a) by construction."""
        if self.model is None or not len(first):
            return np.full(len(first), 0.5)
        forward = self.model(pair_features(self.unit, first, second))
        backward = self.model(pair_features(self.unit, second, first))
        return np.asarray(0.5 + (forward - backward) / 2)


def comparator(columns: Floats, outcome: Floats, train: Indices, seed: int, learner: str = "catboost") -> Comparator:
    """A model of P(first of a pair has the higher outcome), from both orders of every pair of the variants ``train``.

    ``columns`` (n, d) as measured, NaN where missing; ``outcome`` (n,) larger is better. Of other variants neither
    outcome nor column has any influence. Pairs of equal outcome teach nothing and are dropped; when nothing is left
    to learn from (all outcomes tied, all columns constant) every comparison is a guess, 1/2.
    """
    unit = spread_evenly(columns, train)
    first, second = _training_pairs(in_order_of_value(unit, outcome, train), outcome, seed)
    first, second = np.concatenate([first, second]), np.concatenate([second, first])
    features = pair_features(unit, first, second)
    if not features.size or not np.ptp(features, axis=0).any():
        return Comparator(unit, None)
    return Comparator(unit, LEARNERS[learner](features, (outcome[first] > outcome[second]).astype(np.float64), seed))


def in_order_of_value(columns: Floats, outcome: Floats, side: Indices) -> Indices:
    """Variants by outcome: an order that does not depend on theirs in the table, nor does then any sum or draw."""
    return side[np.lexsort([*columns[side].T, outcome[side]])]


def _training_pairs(train: Indices, outcome: Floats, seed: int) -> tuple[Indices, Indices]:
    first, second = unordered_pairs(train)
    judged = np.flatnonzero(outcome[first] != outcome[second])
    most = MOST_TRAINING_PAIRS // 2
    if len(judged) > most:
        rng = np.random.default_rng([seed, PAIRS_STREAM])
        judged = np.sort(rng.choice(judged, most, replace=False))
    return first[judged], second[judged]


def placement(prefers: Comparator, outcome: Floats, held: Indices, known: Indices) -> Floats:
    """(held,): mean P(held variant beats a known one): its expected place among variants whose outcome is known."""
    known = in_order_of_value(prefers.unit, outcome, known)
    if len(known) > MOST_OPPONENTS:
        known = known[np.linspace(0, len(known) - 1, MOST_OPPONENTS).round().astype(np.intp)]
    first, second = np.repeat(held, len(known)), np.tile(known, len(held))
    return np.asarray(prefers(first, second).reshape(len(held), len(known)).mean(axis=1))


def share_right(margin: Floats, difference: Floats) -> float:
    """Share of pairs of unequal outcome whose margin has the sign of the difference; a margin of 0 is half right."""
    judged = difference != 0
    if not judged.any():
        return float("nan")
    return float((1 + np.sign(margin[judged]) * np.sign(difference[judged])).mean() / 2)
