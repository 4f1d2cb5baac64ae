"""Section ``indicators``: what is measured on a pre-trained checkpoint before any fine-tuning."""

from __future__ import annotations

from typing import Literal

from ptp_core.spec.fields import Name, Section, identity
from ptp_core.spec.finetune import PromptFormat
from ptp_core.spec.harness import HarnessSettings, Overlap
from ptp_core.spec.objective import Objective
from ptp_core.spec.plugins import BUILT_IN, PluginSettings
from ptp_core.spec.quantities import Count
from ptp_core.spec.scores import ANSWER_QUANTITIES, CHOICE_QUANTITIES
from ptp_core.spec.tiny_finetune import TinyFinetuneSettings

Kind = Literal["ppl", "kshot", "tuned", "plugin"]


def kind_of(indicator: str) -> Kind:
    """The kind of an indicator, by its name: perplexities by objective, few-shot scores and losses by task."""
    return next((kind for kind in BUILT_IN if indicator.startswith(f"{kind}_")), "plugin")


def subject_of(indicator: str) -> str:
    """What follows the kind in an indicator's name: an objective or a task; the whole name of a plug-in."""
    return indicator if kind_of(indicator) == "plugin" else indicator.split("_", 1)[1]


class IndicatorOptions(Section):
    """Options of one indicator; which of them apply depends on its kind."""

    quantities: tuple[str, ...] = identity(
        "further numbers of the same measurement, as <indicator>.<quantity>: bits_per_byte, correct_prob, margin, …",
        default=(),
    )
    domains: bool = identity("a perplexity of every domain as well, as <indicator>@<domain>", default=False)
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
        "examples before a k-shot question; default 1 for cms, else 5 (Zeng et al. 2025); those of the task's own YAML",
        unit="examples",
        default=None,
        ge=0,
        le=64,
    )
    prompt_format: PromptFormat = identity("how a k-shot question is put to the model", default="qa")
    max_items: Count | None = identity(
        "items that a score or loss is taken over at most; default 256, or all of a task of the harness",
        unit="items",
        default=None,
    )
    examples: Count = identity("items of a tiny fine-tune", unit="items", default=64)
    tasks: tuple[Name, ...] = identity("tasks whose training items a plug-in reads", default=())


OPTIONS_OF: dict[Kind, frozenset[str]] = {
    "ppl": frozenset({"domains", "tokens", "length"}),
    "kshot": frozenset({"shots", "prompt_format", "max_items"}),
    "tuned": frozenset({"examples", "max_items"}),
    "plugin": frozenset({"tasks"}),
}
"""The options, beside ``quantities``, that each kind has."""

QUANTITIES_OF: dict[Kind, tuple[str, ...]] = {
    "ppl": ("ppl", "bits_per_byte", "word_ppl"),
    "kshot": tuple(dict.fromkeys(CHOICE_QUANTITIES + ANSWER_QUANTITIES)),
    "tuned": ("loss", "loss_before", "loss_drop"),
    "plugin": (),
}
"""What can be asked for under ``quantities``; a plug-in and a task of the harness have names of their own."""


class PerplexitySettings(Section):
    """All that decides a perplexity of a checkpoint, beside the checkpoint and the text."""

    objective: Objective = identity("under which objective it is taken")
    tokens: int = identity("held-out tokens of each domain at most", unit="tokens", default=16_384)
    length: int = identity("length of a held-out window", unit="tokens", default=128)


class KshotSettings(Section):
    """All that decides a few-shot score on items, beside the checkpoint and the task."""

    shots: int = identity("examples before the question", unit="examples", default=0)
    prompt_format: PromptFormat = identity("how an item is put to the model", default="qa")
    max_items: int = identity("items that are scored at most", unit="items", default=256)
    items: Overlap = identity(
        "disjoint: training items are scored; shared: test items, as outcomes are", default="disjoint"
    )
    metric: str | None = identity("the score that goes by the indicator's name", default=None)
    new_tokens: int | None = identity("longest answer that is listened to", unit="tokens", default=None)


class IndicatorSettings(Section):
    """All that decides one indicator of one checkpoint: exactly one of these is given."""

    perplexity: PerplexitySettings | None = identity("a perplexity on held-out text", default=None)
    kshot: KshotSettings | None = identity("a few-shot score on a task", default=None)
    harness: HarnessSettings | None = identity("a score on a task of lm-evaluation-harness", default=None)
    tuned: TinyFinetuneSettings | None = identity("the loss after a tiny fine-tune", default=None)
    plugin: PluginSettings | None = identity("a function of the user's own", default=None)


class EvaluateSettings(Section):
    """How a fine-tuned model is scored on a task's test items."""

    prompt_format: PromptFormat = identity("how an item is put to the model", default="qa")
    metric: str | None = identity("the score that goes by the outcome's name", default=None)
    new_tokens: int | None = identity("longest answer that is listened to", unit="tokens", default=None)
    harness: HarnessSettings | None = identity("a task of lm-evaluation-harness instead of items", default=None)
