"""A small neural network as a judge of pairs, the third learner of Zeng et al. 2025."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ptp_core.predict.learn.features import Features
from ptp_core.predict.quantities import Floats

HIDDEN, STEPS, RATE, DECAY = 64, 100, 0.01, 1e-3
"""Units of the one hidden layer, full-batch Adam steps, step size, L2 penalty. The paper gives none of them; these are
customary and not tuned."""

NETWORK_STREAM = 21

Weights = list[Features]


def neural_network(features: Features, wins: Floats, seed: int) -> Callable[[Features], Floats]:
    """P(first wins) by one hidden layer of rectified units; pairs (P, F), ``wins`` (P,) of 0 and 1.

    Plain numpy in one precision: a few hundred pairs do not pay for loading torch. ``seed`` draws the first weights.
    """
    rng = np.random.default_rng([seed, NETWORK_STREAM])
    inputs = features.shape[1]
    weights: Weights = [
        rng.normal(scale=(2 / inputs) ** 0.5, size=(inputs, HIDDEN)).astype(np.float32),
        np.zeros(HIDDEN, dtype=np.float32),
        rng.normal(scale=HIDDEN**-0.5, size=HIDDEN).astype(np.float32),
        np.zeros((), dtype=np.float32),
    ]
    _descend(weights, features, wins.astype(np.float32))
    return lambda asked: np.asarray(_answer(weights, asked)[1], dtype=np.float64)


def _answer(weights: Weights, features: Features) -> tuple[Features, Features]:
    """Hidden activations (P, H) and probabilities (P,)."""
    from scipy.special import expit

    hidden = np.maximum(features @ weights[0] + weights[1], 0)
    return hidden, expit(hidden @ weights[2] + weights[3])


def _gradients(weights: Weights, features: Features, wins: Features) -> Weights:
    """Of the mean log loss plus ½·DECAY·|w|² of the two weight matrices."""
    hidden, answer = _answer(weights, features)
    error = (answer - wins) / np.float32(len(wins))
    back = np.outer(error, weights[2]) * (hidden > 0)
    decay = np.float32(DECAY)
    return [features.T @ back + decay * weights[0], back.sum(0), error @ hidden + decay * weights[2], error.sum()]


def _descend(weights: Weights, features: Features, wins: Features) -> None:
    """Adam (Kingma & Ba 2015) with its usual constants, in place."""
    means = [np.zeros_like(w) for w in weights]
    squares = [np.zeros_like(w) for w in weights]
    for step in range(1, STEPS + 1):
        for i, gradient in enumerate(_gradients(weights, features, wins)):
            means[i] = np.float32(0.9) * means[i] + np.float32(0.1) * gradient
            squares[i] = np.float32(0.999) * squares[i] + np.float32(0.001) * gradient**2
            unbiased = means[i] / np.float32(1 - 0.9**step)
            spread = np.sqrt(squares[i] / np.float32(1 - 0.999**step))
            weights[i] = weights[i] - np.float32(RATE) * unbiased / (spread + np.float32(1e-8))
