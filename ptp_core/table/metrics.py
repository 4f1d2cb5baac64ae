"""What is known of a metric by its name alone: which direction is better, and between which numbers it lies."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ptp_core.errors import UserError, Where

SHARES = frozenset(
    "acc acc_norm acc_bytes acc_all acc_mutual_info accuracy exact_match em f1 precision recall rouge1 rouge2 rougeL "
    "rougeLsum mc1 mc2 pct_stereotype".split()
)
"""Shares and probabilities: 0 … 1. Only whole names count: rouge1_diff may be negative."""

_HIGHER = SHARES - {"pct_stereotype"} | {"mcc", "bleu", "chrf", "chrf++", "rouge1_max", "rouge2_max", "rougeL_max"}
_LOWER = frozenset(
    "ppl perplexity word_perplexity byte_perplexity token_perplexity bits_per_byte loss brier brier_score ter wer "
    "likelihood_difference likelihood_diff pct_stereotype ece".split()
)
_RANGES = (
    dict.fromkeys(SHARES, (0.0, 1.0))
    | dict.fromkeys(("bleu", "chrf", "chrf++"), (0.0, 100.0))
    | dict.fromkeys(("ppl", "perplexity", "word_perplexity", "byte_perplexity", "token_perplexity"), (1.0, math.inf))
    | dict.fromkeys(("bits_per_byte", "ter", "wer"), (0.0, math.inf))
    | {"mcc": (-1.0, 1.0), "brier": (0.0, 2.0), "brier_score": (0.0, 2.0), "ece": (0.0, 1.0)}
)

HEADLINES = (
    *("acc_norm", "acc", "exact_match", "em", "f1", "rougeL", "rouge_l", "mcc"),
    *("bits_per_byte", "word_perplexity", "perplexity", "ppl"),
)
"""Which metric goes by a task's own name, in this order of preference, measured here or imported."""

ROUNDING = 1e-9
"""A mean of ones may come out a last digit above 1."""


def direction_of(metric: str) -> bool | None:
    """Whether a higher value is the better one, as far as the metric's name tells."""
    return metric in _HIGHER if metric in _HIGHER or metric in _LOWER else None


def suggests_lower(name: str) -> bool:
    """Whether a part of a column's name is a metric that is better when lower: of ``ppl_clm`` or ``val_loss``."""
    return any(direction_of(part) is False for part in (name, *re.split(r"[._@-]", name.lower())))


@dataclass(frozen=True)
class MetricRules:
    """What the user adds to it."""

    higher: frozenset[str] = frozenset()
    lower: frozenset[str] = frozenset()
    percent: frozenset[str] = frozenset()
    """Shares that are written as 0 … 100."""
    prefer: Sequence[str] = field(default=())
    """Headline metrics before those of ``HEADLINES``."""

    def higher_is_better(self, metric: str, stated: object, where: Where) -> bool:
        """The direction: the user's word, else the file's, else what the name says.

        Raises UserError when none of them tells.
        """
        if metric in self.higher or metric in self.lower:
            return metric in self.higher
        if isinstance(stated, bool):
            return stated
        known = direction_of(metric)
        if known is not None:
            return known
        raise UserError(
            f'whether a higher "{metric}" is better is written nowhere', where=where,
            fix=f"say --higher {metric} or --lower {metric}, or leave it out with --metric",
        )  # fmt: skip

    def check(self, metric: str, value: float, where: Where) -> None:
        """Raises UserError for a value that is not finite or outside what the metric can be."""
        if not math.isfinite(value):
            fix = "evaluate it again, or choose other metrics with --metric"
            raise UserError("not a finite number", where=where, got=str(value), fix=fix)
        low, high = _RANGES.get(metric, (-math.inf, math.inf))
        in_percent = metric in self.percent
        high = 100.0 if in_percent else high
        if not low - ROUNDING <= value <= high * (1 + ROUNDING):
            percent = f"if it is in percent, say --percent {metric}" if metric in SHARES and not in_percent else None
            expected = f"{low:g} to {high:g}" if math.isfinite(high) else f"at least {low:g}"
            raise UserError("outside the metric's range", where=where, expected=expected, got=value, fix=percent)

    def headlines(self, metrics: Mapping[str, Sequence[str]]) -> dict[str, str]:
        """Task → the metric that goes by the task's own name, given the metrics that any file has of it."""
        order = (*self.prefer, *HEADLINES)
        found = {}
        for task, names in metrics.items():
            # A metric under a filter of its answers reads metric.filter.
            ranked = [name for wanted in order for name in names if wanted in (name, name.split(".", 1)[0])]
            found[task] = (ranked or list(names))[0]
        return found
