"""The scores of items of our own: what can be asked for, and what a measurement gives."""

from __future__ import annotations

LENGTHS = ("", "_per_char", "_per_token")
"""Suffixes of probabilities whose logarithm is divided by the length of the answer."""
CHOICE_METRICS = ("acc", "acc_norm", "acc_per_token")
ANSWER_METRICS = ("exact_match", "f1", "rouge_l")
"""What a task of choices, and one of free answers, may be scored by."""
LIKELIHOODS = tuple(f"correct_prob{length}" for length in LENGTHS)
"""What the log-probability of a right answer gives where no other answer is asked about."""
CHOICE_QUANTITIES = (
    *(*CHOICE_METRICS, "norm_correct_prob"),
    *(f"{name}{length}" for name in ("correct_prob", "margin", "total_prob") for length in LENGTHS),
)
"""All that items with choices give."""
ANSWER_QUANTITIES = (*ANSWER_METRICS, *LIKELIHOODS)
"""All that items without choices give."""
