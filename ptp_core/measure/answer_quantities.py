"""What log-probabilities of answers say beyond right or wrong: quantities that resolve finer than accuracy.

Definitions of Magnusson et al. 2025 (DataDecide, arXiv 2504.11393, section 3.3). With l_c the log-probability of
choice c and n_c its length: p_c = exp(l_c), or exp(l_c / n_c) for the variants per character and per token.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ptp_core.spec.scores import CHOICE_METRICS, LENGTHS

ACCURACY = dict(zip(LENGTHS, CHOICE_METRICS, strict=True))
"""What choosing by each kind of probability is scored as."""


class Answers(NamedTuple):
    """The answers to one question that a model was asked about."""

    logprobs: Sequence[float]
    """Of each answer given the prompt, in nats."""
    characters: Sequence[int]
    """Of each answer, without the space in front of it."""
    tokens: Sequence[int]
    right: Sequence[int]
    """Which of the answers are right; where there are several, the likeliest of them counts."""


def choice_quantities(answers: Answers) -> dict[str, float]:
    """acc, acc_norm, acc_per_token, norm_correct_prob, and correct_prob, margin, total_prob in all three variants.

    ``margin`` is correct_prob minus the largest probability of a wrong choice, from −1 to 1. ``total_prob`` is the sum
    over all choices, which per character or token may exceed 1. The others lie between 0 and 1.
    """
    right = np.zeros(len(answers.logprobs), dtype=bool)
    right[list(answers.right)] = True
    found: dict[str, float] = {}
    for suffix, logprobs in _variants(answers):
        probs = np.exp(logprobs)
        correct = float(probs[right].max())
        found[ACCURACY[suffix]] = float(right[int(np.argmax(logprobs))])
        found[f"correct_prob{suffix}"] = correct
        found[f"margin{suffix}"] = correct - float(probs[~right].max(initial=0.0))
        found[f"total_prob{suffix}"] = float(probs.sum())
    found["norm_correct_prob"] = _share(np.asarray(answers.logprobs, dtype=np.float64), right)
    return found


def answer_quantities(logprob: float, characters: int, tokens: int) -> dict[str, float]:
    """correct_prob and its variants of a right answer that has no rivals."""
    alone = Answers([logprob], [characters], [tokens], [0])
    return {f"correct_prob{suffix}": float(np.exp(logprobs)[0]) for suffix, logprobs in _variants(alone)}


def _variants(answers: Answers) -> Iterator[tuple[str, NDArray[np.float64]]]:
    logprobs = np.asarray(answers.logprobs, dtype=np.float64)
    lengths: tuple[Any, ...] = (1, np.maximum(answers.characters, 1), np.maximum(answers.tokens, 1))
    return ((suffix, logprobs / length) for suffix, length in zip(LENGTHS, lengths, strict=True))


def _share(logprobs: NDArray[np.float64], right: NDArray[np.bool_]) -> float:
    """The right choice's share of the total; also where every single probability underflows."""
    relative = np.exp(logprobs - logprobs.max())
    return float(relative[right].max() / relative.sum())
