"""Measuring models made elsewhere: other architectures, no bos, one token for padding and end, a roomy embedding."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import GPT2Config, GPT2LMHeadModel, GPTNeoXConfig, GPTNeoXForCausalLM, PreTrainedTokenizerFast

from ptp_core.data import tokenizer as tokenizers
from ptp_core.data.items import Item
from ptp_core.measure.harness_items import measure_items
from ptp_core.measure.loaded import model_of
from ptp_core.measure.rows import LOGITS, ROWS, rows_at_once
from ptp_core.special import SpecialTokens
from ptp_core.training.answers import question_tokens
from tests import foreign

SPECIAL = SpecialTokens(pad=0, bos=None, eos=0)
TEXTS = ["short", "a question of several words ?", "which of the two is the longer one , this or that ?"]


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
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    make, tied = request.param
    torch.manual_seed(0)
    made = make(tied).eval()
    # Large random weights: such a model is swayed by all that it sees, padding too.
    for matrix in (p for p in made.parameters() if p.ndim == 2):
        torch.nn.init.normal_(matrix, std=0.3)
    folder = tmp_path_factory.mktemp("foreign")
    made.save_pretrained(folder)
    fast = foreign.tokenizer([Path(__file__).read_text()], vocabulary=300)
    names = {"bos_token": foreign.END, "eos_token": foreign.END, "unk_token": foreign.END}
    PreTrainedTokenizerFast(tokenizer_object=fast, **names).save_pretrained(folder)
    return folder


@torch.no_grad()
def slow_answer(folder: Path, question: list[int], new: int) -> str:
    said: list[int] = []
    while len(said) < new:
        token = int(model_of(folder)(input_ids=torch.tensor([question + said])).logits[0, -1].argmax())
        if token == SPECIAL.eos:
            break
        said.append(token)
    text: str = tokenizers.load(folder).decode(said, skip_special_tokens=True)
    return text


@torch.no_grad()
def slow_logprob(folder: Path, question: list[int], answer: list[int]) -> float:
    scores = model_of(folder)(input_ids=torch.tensor([question + answer])).logits[0].log_softmax(dim=1)
    return sum(float(scores[len(question) - 1 + k, token]) for k, token in enumerate(answer))


def test_choices_in_a_batch_are_weighed_as_one_at_a_time(model: Path, tmp_path: Path) -> None:
    choices = ["this", "that other one"]
    asked = [(text, Item(id=text, question="q", answers=["this"], choices=choices, answer_idx=0)) for text in TEXTS]
    found = measure_items(model, "items", asked, None, tmp_path)
    fast = tokenizers.load(model)
    right = [slow_logprob(model, fast.encode(text).ids, fast.encode(" this").ids) for text in TEXTS]
    assert [item.logprob for item in found.items] == pytest.approx(right, abs=1e-4)
    assert found.quantities["correct_prob"].value == pytest.approx(sum(map(math.exp, right)) / 3, rel=1e-4)


def test_answers_in_a_batch_are_those_of_one_question_at_a_time(model: Path, tmp_path: Path) -> None:
    fast = tokenizers.load(model)
    questions = [fast.encode(text).ids for text in TEXTS]
    assert len({len(question) for question in questions}) == 3
    said = [slow_answer(model, question, 6).split("\n")[0].strip() for question in questions]
    # Who is told the model's own words finds it right, unless they are no words at all.
    asked = [
        (text, Item(id=text, question="q", answers=[words or "-"])) for text, words in zip(TEXTS, said, strict=True)
    ]
    found = measure_items(model, "items", asked, None, tmp_path, new_tokens=6)
    assert [item.score for item in found.items] == [float(bool(words)) for words in said]


def test_no_bos_means_that_a_prompt_begins_with_its_text(model: Path) -> None:
    fast = tokenizers.load(model)
    assert question_tokens(fast, "this", SPECIAL) == fast.encode("this").ids
    assert question_tokens(fast, "this", SPECIAL._replace(bos=7)) == [7, *fast.encode("this").ids]


@pytest.mark.parametrize(("length", "vocabulary"), [(128, 512), (2048, 50_304), (100_000, 250_000)])
def test_the_logits_of_a_batch_fit(length: int, vocabulary: int) -> None:
    found = rows_at_once(length, vocabulary)
    assert found == 1 or found * length * vocabulary <= LOGITS
    assert 1 <= found <= ROWS
    assert found == ROWS or (found + 1) * length * vocabulary > LOGITS
