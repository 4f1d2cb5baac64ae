"""Scoring: what a model chooses and says does not depend on what else is asked at the same time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ptp_core.data import tokenizer as tokenizers
from ptp_core.data.items import Item, load_items, prompt
from ptp_core.data.tokenizer import BOS_ID, EOS_ID, PAD_ID
from ptp_core.measure import rows, scoring
from ptp_core.measure.scoring import choice_losses, first_line, normalise, score_items
from ptp_core.spec.model import Model
from ptp_core.special import SpecialTokens
from ptp_core.training import finetune
from ptp_core.training.model import load_model, new_model
from tests import tiny as tiny_study
from tests.tiny import CONTEXT, Tiny

SPECIAL = SpecialTokens(PAD_ID, BOS_ID, EOS_ID)
FILLER = "The owl lives in the barn. "
Asked = list[tuple[str, Item]]


@pytest.fixture(scope="module")
def model(tiny: Tiny, checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A model that has learned to answer, with an end."""
    folder = tmp_path_factory.mktemp("tuned")
    settings = {"tuning": {"steps": 20, "batch_items": 8, "lr": 5e-3}, "seed": 0}
    tiny_study.make(finetune.run, folder, settings, {"checkpoint": checkpoint, "task": tiny.task("rag")})
    return load_model(folder)


@pytest.fixture(scope="module")
def fast(tiny: Tiny) -> Any:
    return tokenizers.load(tiny.tokenizer)


def asked(tiny: Tiny, family: str) -> Asked:
    """Prompts of very different lengths, some of them longer than the context."""
    items = load_items(tiny.task(family), "test")
    return [(FILLER * (2 * i) + prompt(item), item) for i, item in enumerate(items)]


def tokens(fast: Any, text: str) -> list[int]:
    return list(fast.encode(text, add_special_tokens=False).ids)


@torch.no_grad()
def slow_choice_loss(model: Any, fast: Any, text: str, choice: str) -> float:
    question, answer = [BOS_ID, *tokens(fast, text)], tokens(fast, " " + choice)
    row = [*question, *answer][-(CONTEXT + 1) :]
    scores = model(input_ids=torch.tensor([row[:-1]])).logits[0].log_softmax(dim=1)
    first = len(row) - len(answer)
    return -float(np.mean([float(scores[first - 1 + k, token]) for k, token in enumerate(answer)]))


@torch.no_grad()
def slow_answer(model: Any, fast: Any, text: str, new: int) -> list[int]:
    row = [BOS_ID, *tokens(fast, text)][-(CONTEXT - new) :]
    said: list[int] = []
    while len(said) < new:
        token = int(model(input_ids=torch.tensor([row + said])).logits[0, -1].argmax())
        if token == EOS_ID:
            break
        said.append(token)
    return said


class TestChoosing:
    def test_is_that_of_one_row_at_a_time(self, model: Any, fast: Any, tiny: Tiny) -> None:
        pairs = asked(tiny, "cms")
        losses = choice_losses(model, fast, pairs, SPECIAL)
        for (text, item), found in zip(pairs, losses, strict=True):
            expected = [slow_choice_loss(model, fast, text, choice) for choice in item.choices or []]
            assert found == pytest.approx(expected, abs=1e-5)

    def test_does_not_depend_on_what_else_is_asked(
        self, model: Any, fast: Any, tiny: Tiny, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        pairs = asked(tiny, "cms")
        together = choice_losses(model, fast, pairs, SPECIAL)
        monkeypatch.setattr(rows, "ROWS", 3)
        assert np.allclose(choice_losses(model, fast, pairs, SPECIAL), together, atol=1e-5)
        assert np.allclose(choice_losses(model, fast, pairs[::-1], SPECIAL)[::-1], together, atol=1e-5)

    def test_weighs_a_long_choice_by_its_tokens(self, model: Any, fast: Any) -> None:
        item = Item(id="1", question="q", answers=["red"], choices=["red", "red red red red"], answer_idx=0)
        losses = choice_losses(model, fast, [(prompt(item), item)], SPECIAL)[0]
        assert losses[1] < 4 * losses[0] + 20
        assert losses[1] == pytest.approx(slow_choice_loss(model, fast, prompt(item), "red red red red"), abs=1e-5)

    def test_says_the_likeliest_choice_and_whether_it_is_right(self, model: Any, fast: Any, tiny: Tiny) -> None:
        pairs = asked(tiny, "cms")
        losses = choice_losses(model, fast, pairs, SPECIAL)
        for scored, (_, item), values in zip(score_items(model, fast, pairs, SPECIAL), pairs, losses, strict=True):
            best = int(np.argmin(values))
            assert item.choices is not None
            assert (scored.id, scored.said, scored.score) == (item.id, item.choices[best], best == item.answer_idx)

    def test_keeps_a_choice_that_is_longer_than_the_context(self, model: Any, fast: Any) -> None:
        item = Item(id="1", question="q", answers=["x"], choices=[FILLER * 30, "red"], answer_idx=0)
        losses = choice_losses(model, fast, [(prompt(item), item)], SPECIAL)[0]
        assert np.isfinite(losses).all()


class TestAnswering:
    def test_is_that_of_an_unbatched_greedy_loop(self, model: Any, fast: Any, tiny: Tiny) -> None:
        pairs = asked(tiny, "rag")
        longest = max(len(tokens(fast, " " + answer)) for _, item in pairs for answer in item.answers)
        found = score_items(model, fast, pairs, SPECIAL)
        for scored, (text, item) in zip(found, pairs, strict=True):
            said = slow_answer(model, fast, text, longest + scoring.SPARE_TOKENS)
            assert scored.said == first_line(fast.decode(said, skip_special_tokens=False))
            assert scored.score == (normalise(scored.said) in {normalise(answer) for answer in item.answers})
        assert {scored.said for scored in found} & set(tiny_study.COLOURS), "it has learned to name a colour"

    def test_does_not_depend_on_the_padding(self, fast: Any, tiny: Tiny) -> None:
        # Large random weights: such a model is swayed by all that it sees, padding too.
        model = new_model(Model(**tiny_study.MODEL, tied_embeddings=False), 512, seed=0).eval()
        for matrix in (p for p in model.parameters() if p.ndim == 2):
            torch.nn.init.normal_(matrix, std=0.3)
        pairs = asked(tiny, "cbqa")
        questions = [[BOS_ID, *tokens(fast, text)][-(CONTEXT - 8) :] for text, _ in pairs]
        together = scoring._greedy(model, questions, 8, SPECIAL)
        assert together == [slow_answer(model, fast, text, 8) for text, _ in pairs]
        assert together == [scoring._greedy(model, [question], 8, SPECIAL)[0] for question in questions]
        assert len({len(question) for question in questions}) > 2

    def test_ends_before_eos(self, model: Any, fast: Any, tiny: Tiny) -> None:
        found = scoring._greedy(
            model, [[BOS_ID, *tokens(fast, text)][-56:] for text, _ in asked(tiny, "rag")], 8, SPECIAL
        )
        assert not any(EOS_ID in said for said in found)
        assert any(len(said) < 8 for said in found)


def test_items_of_both_kinds_come_back_in_their_order(model: Any, fast: Any, tiny: Tiny) -> None:
    mixed = [pair for both in zip(asked(tiny, "cms"), asked(tiny, "rag"), strict=True) for pair in both]
    assert [scored.id for scored in score_items(model, fast, mixed, SPECIAL)] == [item.id for _, item in mixed]


@pytest.mark.parametrize(
    ("said", "plain"),
    [
        ("The Red  Fox.", "red fox"),
        ("an apple, a day", "apple day"),
        ("U.S.A.", "usa"),
        ("theatre", "theatre"),
        ("  1,000 ", "1000"),
        ("ÉTÉ", "été"),
        ("", ""),
        ("The The", "the the"),
        ("?!", "?!"),
    ],
)
def test_answers_are_compared_without_case_punctuation_and_articles(said: str, plain: str) -> None:
    assert normalise(said) == plain


def test_saying_nothing_is_never_right(model: Any, fast: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scoring, "_greedy", lambda *_: [[]])
    item = Item(id="1", question="Who sang Gloria?", answers=["Them", "The A"])
    assert score_items(model, fast, [(prompt(item), item)], SPECIAL)[0].score == 0.0


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (" red\nquestion : next", "red"),
        ("red question : next ?", "red"),
        ("\n red \n", "red"),
        ("red<extra_id_0> blue", "red"),
        ("<pad>", ""),
        ("", ""),
    ],
)
def test_an_answer_ends_with_its_line_or_where_markup_begins(text: str, line: str) -> None:
    assert first_line(text) == line
