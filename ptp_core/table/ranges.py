"""Between which values a metric lies, as far as its name says so."""

from __future__ import annotations

SHARES = frozenset(("acc", "acc_norm", "exact_match", "f1", "rouge_l"))
"""Shares of 1 in the numbers that are made here; elsewhere some of them are written in percent."""

SLACK = 1e-6
"""A mean of shares may miss its bounds by rounding."""


def range_of(name: str) -> tuple[float, float] | None:
    """Lowest and highest value of the metric that ends ``name``, such as ``quiz.f1`` or ``kshot.margin@web``.

    Probabilities and accuracies lie in 0 … 1, margins between two of them in −1 … 1. None for all others: logarithms
    of probabilities, and totals over answers, which exceed 1 where one answer begins another.
    """
    metric = name.rsplit("@", 1)[0].rsplit(".", 1)[-1]
    words = set(metric.split("_"))
    if "log" in words or "total" in words:
        return None
    if metric in SHARES or "prob" in words:
        return 0.0, 1.0
    return (-1.0, 1.0) if "margin" in words else None


def is_outside(name: str, value: float) -> bool:
    """Whether ``value`` cannot be one of the metric that ends ``name``."""
    bounds = range_of(name)
    return bounds is not None and not bounds[0] - SLACK <= value <= bounds[1] + SLACK
