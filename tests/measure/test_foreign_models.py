"""Scoring of models made elsewhere: other architectures, no bos, one token for padding and end, a roomy embedding."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import GPT2Config, GPT2LMHeadModel, GPTNeoXConfig, GPTNeoXForCausalLM

from ptp_core.data.items import Item
from ptp_core.measure import scoring
from ptp_core.measure.rows import LOGITS, ROWS, rows_at_once
from ptp_core.measure.scoring import choice_losses, score_items
from ptp_core.special import SpecialTokens
from ptp_core.training.answers import answer_tokens, question_tokens
from tests import foreign

SPECIAL = SpecialTokens(pad=0, bos=None, eos=0)
TEXTS = ["short", "a question of several words ?", "which of the two is the longer one , this or that ?"]


@pytest.fixture(scope="module")
def fast() -> Any:
    return foreign.tokenizer([Path(__file__).read_text()], vocabulary=300)


def gpt_neox(tied: bool) -> Any:
    # Rotary positions.
    return GPTNeoXForCausalLM(GPTNeoXConfig(
        vocab_size=340, hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64,
        max_position_embeddings=128, tie_word_embeddings=tied, bos_token_id=0, eos_token_id=0,
    ))  # fmt: skip


def gpt2(tied: bool) -> Any:
    # Learned absolute positions, and a context that the configuration calls n_positions.
    return GPT2LMHeadModel(GPT2Config(
        vocab_size=340, n_embd=32, n_layer=2, n_head=2, n_positions=128, tie_word_embeddings=tied, bos_token_id=0,
        eos_token_id=0,
    ))  # fmt: skip


@pytest.fixture(scope="module", params=[(gpt_neox, False), (gpt_neox, True), (gpt2, False), (gpt2, True)])
def model(request: pytest.FixtureRequest) -> Any:
    make, tied = request.param
    torch.manual_seed(0)
    made = make(tied).eval()
    # Large random weights: such a model is swayed by all that it sees, padding too.
    for matrix in (p for p in made.parameters() if p.ndim == 2):
        torch.nn.init.normal_(matrix, std=0.3)
    return made


@torch.no_grad()
def slow_answer(model: Any, question: list[int], new: int) -> list[int]:
    said: list[int] = []
    while len(said) < new:
        token = int(model(input_ids=torch.tensor([question + said])).logits[0, -1].argmax())
        if token == SPECIAL.eos:
            break
        said.append(token)
    return said


def test_answers_in_a_batch_are_those_of_one_question_at_a_time(model: Any, fast: Any) -> None:
    questions = [question_tokens(fast, text, SPECIAL) for text in TEXTS]
    assert len({len(question) for question in questions}) == 3
    assert scoring._greedy(model, questions, 6, SPECIAL) == [slow_answer(model, question, 6) for question in questions]


def test_choices_in_a_batch_are_weighed_as_one_at_a_time(model: Any, fast: Any) -> None:
    item = Item(id="1", question="q", answers=["this"], choices=["this", "that other one"], answer_idx=0)
    losses = choice_losses(model, fast, [(text, item) for text in TEXTS], SPECIAL)
    for text, found in zip(TEXTS, losses, strict=True):
        for choice, loss in zip(item.choices or [], found, strict=True):
            question, answer = question_tokens(fast, text, SPECIAL), answer_tokens(fast, f" {choice}", SPECIAL)[:-1]
            with torch.no_grad():
                scores = model(input_ids=torch.tensor([question + answer])).logits[0].log_softmax(dim=1)
            slow = [-float(scores[len(question) - 1 + k, token]) for k, token in enumerate(answer)]
            assert loss == pytest.approx(sum(slow) / len(slow), abs=1e-4)


def test_a_token_that_the_tokenizer_does_not_know_says_nothing(
    model: Any, fast: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scoring, "_greedy", lambda *_: [[339]])
    item = Item(id="1", question="q", answers=["this"])
    assert score_items(model, fast, [("q", item)], SPECIAL)[0].said == ""


def test_no_bos_means_that_a_prompt_begins_with_its_text(fast: Any) -> None:
    assert question_tokens(fast, "this", SPECIAL) == fast.encode("this").ids
    assert question_tokens(fast, "this", SPECIAL._replace(bos=7)) == [7, *fast.encode("this").ids]


@pytest.mark.parametrize(("length", "vocabulary"), [(128, 512), (2048, 50_304), (100_000, 250_000)])
def test_the_logits_of_a_batch_fit(length: int, vocabulary: int) -> None:
    found = rows_at_once(length, vocabulary)
    assert found == 1 or found * length * vocabulary <= LOGITS
    assert 1 <= found <= ROWS
    assert found == ROWS or (found + 1) * length * vocabulary > LOGITS
