"""The wordings in which an item is put to a model: four formats that say the same things."""

from __future__ import annotations

from ptp_core.data import items
from ptp_core.data.items import Item
from ptp_core.spec.finetune import PromptFormat

_REQUESTS = {
    "cms": "Please give the answer that makes the most sense.",
    "rag": "Please read the passage and answer the question with words of the passage.",
    "cbqa": "Please answer the question from what you know.",
}


def prompt(item: Item, style: PromptFormat = "qa") -> str:
    """What the model reads before the answer; a space and the answer follow.

    ``default``, ``instruct`` and ``input_output`` are the formats of Sun & Dredze 2024 (arXiv 2408.06663). Choices are
    listed in none, so that formats differ in their wording and in nothing else.
    """
    inputs = [text for text in (item.context, item.question) if text]
    if style == "default":
        numbered = [f"### Input_{i}: {text}" for i, text in enumerate(inputs, 1)]
        return " ".join([*numbered, "### Inference:"])
    if style == "instruct":
        passage = [f"Passage: {item.context}"] if item.context else []
        return "\n".join([_REQUESTS[_family(item)], *passage, f"Question: {item.question}", "Answer:"])
    if style == "input_output":
        return " ".join(inputs)
    return items.prompt(item)


def _family(item: Item) -> str:
    return "cms" if item.choices else "rag" if item.context else "cbqa"
