"""The four wordings of an item, worked by hand."""

from __future__ import annotations

import pytest

from ptp_core.data.items import Item
from ptp_core.data.prompts import prompt
from ptp_core.spec.finetune import PromptFormat

PASSAGE = Item(id="1", question="Which colour?", answers=["red"], context="It is red.")
CLOSED = Item(id="2", question="Which colour?", answers=["red"])
CHOICE = Item(id="3", question="Which colour?", answers=["red"], choices=["red", "blue"], answer_idx=0)


@pytest.mark.parametrize(
    ("item", "style", "text"),
    [
        (PASSAGE, "qa", "It is red.\nquestion : Which colour?\nanswer :"),
        (PASSAGE, "default", "### Input_1: It is red. ### Input_2: Which colour? ### Inference:"),
        (CLOSED, "default", "### Input_1: Which colour? ### Inference:"),
        (PASSAGE, "instruct", "Please read the passage and answer the question with words of the passage.\n"
                              "Passage: It is red.\nQuestion: Which colour?\nAnswer:"),
        (CLOSED, "instruct", "Please answer the question from what you know.\nQuestion: Which colour?\nAnswer:"),
        (CHOICE, "instruct", "Please give the answer that makes the most sense.\nQuestion: Which colour?\nAnswer:"),
        (PASSAGE, "input_output", "It is red. Which colour?"),
        (CLOSED, "input_output", "Which colour?"),
    ],
)  # fmt: skip
def test_an_item_is_worded_as_its_format_says(item: Item, style: PromptFormat, text: str) -> None:
    assert prompt(item, style) == text
