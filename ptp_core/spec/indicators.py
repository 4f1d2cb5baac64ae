"""Section ``indicators``: what is measured on a pre-trained checkpoint before any fine-tuning."""

from __future__ import annotations

from typing import Literal

from ptp_core.spec.fields import Section, identity
from ptp_core.spec.finetune import PromptFormat
from ptp_core.spec.objective import Objective
from ptp_core.spec.quantities import Count


class IndicatorOptions(Section):
    """Options of one indicator; which of them apply depends on its kind."""

    tokens: Count = identity(
        "held-out tokens of each domain that a perplexity reads at most", unit="tokens", default=16_384
    )
    length: Count | None = identity(
        "length of a held-out window of a perplexity; default: the context of `model`, or 512 without one",
        unit="tokens",
        default=None,
        ge=8,
    )
    shots: int | None = identity(
        "examples before a k-shot question; default 1 for cms, else 5 (Zeng et al. 2025)",
        unit="examples",
        default=None,
        ge=0,
        le=64,
    )

    items: Count = identity("training items that a k-shot score is taken over at most", unit="items", default=256)


KINDS = ("ppl_clm", "ppl_sc", "kshot_<task>")
"""Names understood: perplexities by objective, and few-shot scores by task."""


class IndicatorSettings(Section):
    """All that decides one indicator of one checkpoint, beside the checkpoint and the data."""

    kind: Literal["ppl", "kshot"] = identity("a perplexity on held-out text, or a few-shot score on a task")
    objective: Objective | None = identity("under which objective the perplexity is taken", default=None)
    tokens: int = identity("held-out tokens of each domain at most (perplexity)", unit="tokens", default=16_384)
    length: int = identity("length of a held-out window (perplexity)", unit="tokens", default=128)
    shots: int = identity("examples before the question (few-shot)", unit="examples", default=0)
    items: int = identity("training items that are scored at most (few-shot)", unit="items", default=256)


class EvaluateSettings(Section):
    """How a fine-tuned model is scored on its task's test items."""

    prompt_format: PromptFormat = identity("how an item is put to the model", default="qa")
