"""Whoever loads a finished checkpoint with Hugging Face's tools, the harness included, shows it the tokens it knows."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer, processors

from ptp_core.data import build_tokenizer, import_tokenizer
from ptp_core.data import tokenizer as tokenizers
from ptp_core.data.items import Item, load_items, prompt
from ptp_core.data.tokenizer import CONFIG, FILE
from ptp_core.measure.harness_items import measure_items
from ptp_core.measure.harness_model import harness_model
from ptp_core.training.answers import question_tokens
from tests import foreign
from tests import tiny as tiny_study
from tests.measure import harness_tasks
from tests.tiny import Tiny

PAIRS = (
    ("question : who is it ?\nanswer :", " Ada"),
    ("The text says <eos> here.\nquestion : What does <|endoftext|> do?\nanswer :", " it ends <eos> a text"),
    ("### Input_1: two  spaces ### Inference:", " yes"),
)


def world(folder: Path) -> Path:
    settings = {"world": {"people": 12}, "tokenizer": {"vocabulary": 512, "sentinels": 4}}
    tiny_study.make(build_tokenizer.run, folder, settings)
    return folder


def theirs(folder: Path, template: str | None, ends: bool = False) -> Path:
    """A tokenizer of others, taken over, that puts bos around a text or does not."""
    files = foreign.files(foreign.save(folder / "theirs", tiny_study.documents("animals", 50)))["tokenizer"]
    if template:
        fast = Tokenizer.from_file(str(files[0]))
        around = [template, "$A", *([template] if ends else [])]
        fast.post_processor = processors.TemplateProcessing(single=around, special_tokens=[(template, 0)])
        fast.save(str(files[0]))
    tiny_study.make(import_tokenizer.run, folder / "taken", {}, inputs={"tokenizer": files})
    return folder / "taken"


KINDS: dict[str, Callable[[Path, Tiny], Path]] = {
    "word-level, of the world": lambda folder, tiny: world(folder / "world"),
    "byte-level, of sources": lambda folder, tiny: tiny.tokenizer,
    "imported, without bos": lambda folder, tiny: theirs(folder, None),
    "imported, with bos": lambda folder, tiny: theirs(folder, foreign.END),
    "imported, with an end that it adds as well": lambda folder, tiny: theirs(folder, foreign.END, ends=True),
    "imported, one of ours": lambda folder, tiny: imported_again(folder, tiny.tokenizer),
}


def imported_again(folder: Path, tokenizer: Path) -> Path:
    """As of a checkpoint saved before bos was put there by the tokenizer itself."""
    old = folder / "old"
    shutil.copytree(tokenizer, old)
    fast = Tokenizer.from_file(str(old / FILE))
    fast.post_processor = None
    fast.save(str(old / FILE))
    tiny_study.make(import_tokenizer.run, folder / "taken", {}, inputs={"tokenizer": (old / FILE, old / CONFIG)})
    return folder / "taken"


@pytest.mark.parametrize("kind", KINDS)
def test_the_harness_reads_questions_and_answers_as_we_train_on_them(kind: str, tiny: Tiny, tmp_path: Path) -> None:
    tokenizer = KINDS[kind](tmp_path, tiny)
    lm = harness_model(harness_tasks.random_model(tmp_path / "model", tokenizer))
    fast, special = tokenizers.load(tokenizer), tokenizers.special(tokenizer)
    for question, answer in PAIRS:
        expected = fast.encode(answer, add_special_tokens=False).ids
        assert lm._encode_pair(question, answer) == (question_tokens(fast, question, special), expected)
        generated = lm.tok_batch_encode([question])[0].tolist()[0]
        assert generated == question_tokens(fast, question, special)


@pytest.mark.parametrize("imported", [False, True])
def test_log_probabilities_are_those_of_our_own_slow_path(imported: bool, tiny: Tiny, tmp_path: Path) -> None:
    if imported:
        model = harness_tasks.imported_model(tmp_path, tiny)
    else:
        model = harness_tasks.random_model(tmp_path / "model", tiny.tokenizer)
    asked = [(prompt(item), item) for item in load_items(tiny.task("cms"), "test")]
    found = measure_items(model, "quiz", asked, None, tmp_path)
    for score, (text, item) in zip(found.items, asked, strict=True):
        assert score.logprob == pytest.approx(slow_logprob(model, text, f" {completion_of(item)}"), abs=1e-5)


def completion_of(item: Item) -> str:
    assert item.choices is not None
    assert item.answer_idx is not None
    return item.choices[item.answer_idx]


@torch.no_grad()
def slow_logprob(folder: Path, prompt: str, answer: str) -> float:
    """Log-probability of an answer after a prompt, one item and one token at a time."""
    fast, special = tokenizers.load(folder), tokenizers.special(folder)
    read = question_tokens(fast, prompt, special)
    total = 0.0
    for token in fast.encode(answer, add_special_tokens=False).ids:
        logits = harness_model(folder).model(torch.tensor([read])).logits[0, -1]
        total += float(logits.log_softmax(-1)[token])
        read = [*read, token]
    return total
