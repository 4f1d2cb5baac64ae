"""Question and answer in one row: the loss is on the answer, and the answer is never what is cut."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ptp_core.data import tokenizer as tokenizers
from ptp_core.data.items import Item
from ptp_core.objectives.batch import IGNORE
from ptp_core.special import SpecialTokens
from ptp_core.training.answers import answer_tokens, pad_pairs, pairs, question_tokens
from tests.tiny import Tiny

BOS, EOS, PAD = tokenizers.BOS_ID, tokenizers.EOS_ID, tokenizers.PAD_ID
__ = IGNORE
SPECIAL = SpecialTokens(PAD, BOS, EOS)

tokens = st.integers(10, 99)
rows = st.lists(
    st.tuples(st.lists(tokens, min_size=1, max_size=30), st.lists(tokens, min_size=1, max_size=20)), min_size=1
)


@pytest.fixture(scope="module")
def fast(tiny: Tiny) -> Any:
    return tokenizers.load(tiny.tokenizer)


def test_two_rows_worked_by_hand() -> None:
    batch = pad_pairs([([BOS, 10, 11], [20, EOS]), ([BOS, 10], [21, 22, 23, EOS])], context=16, pad=PAD)
    assert batch.inputs.tolist() == [[BOS, 10, 11, 20, EOS], [BOS, 10, 21, 22, 23]]
    assert batch.targets.tolist() == [[__, __, 20, EOS, __], [__, 21, 22, 23, EOS]]
    assert batch.prefix.tolist() == [0, 0]


@given(rows, st.integers(2, 40))
def test_rows_fit_and_ask_for_the_answer_and_nothing_else(
    chosen: list[tuple[list[int], list[int]]], context: int
) -> None:
    batch = pad_pairs(chosen, context, PAD)
    assert batch.inputs.shape[1] <= context
    for (question, answer), inputs, targets in zip(chosen, batch.inputs, batch.targets, strict=True):
        asked = np.flatnonzero(targets != IGNORE)
        assert targets[asked].tolist() == answer[:context]
        before = inputs[: asked[0] + 1].tolist()
        assert before == question[-len(before) :]
        assert len(before) == min(len(question), max(context + 1 - len(answer), 1))
        assert inputs[asked[0] + 1 : asked[-1] + 1].tolist() == answer[:context][:-1]


def test_a_question_is_cut_from_its_beginning_by_no_more_than_needed() -> None:
    batch = pad_pairs([(list(range(10, 20)), [20, 21, EOS])], context=8, pad=PAD)
    assert batch.inputs.tolist() == [[14, 15, 16, 17, 18, 19, 20, 21]]


def test_items_become_a_prompt_after_bos_and_an_answer_before_eos(fast: Any) -> None:
    item = Item(id="1", question="Which?", answers=["red"])
    ((question, answer),) = pairs(fast, [item], SPECIAL)
    assert question == question_tokens(fast, "question : Which?\nanswer :", SPECIAL)
    assert answer == answer_tokens(fast, " red", SPECIAL)
    assert (question[0], answer[-1]) == (BOS, EOS)
    assert fast.decode(question[1:] + answer[:-1]) == "question : Which?\nanswer : red"


def test_prompt_and_answer_apart_are_the_tokens_of_both_together(fast: Any) -> None:
    item = Item(id="1", question="What colour is the cat?", answers=["green"], context="The cat is green.")
    ((question, answer),) = pairs(fast, [item], SPECIAL)
    text = "The cat is green.\nquestion : What colour is the cat?\nanswer : green"
    together = fast.encode(text, add_special_tokens=False).ids
    assert question[1:] + answer[:-1] == together
