"""Loss after a tiny fine-tuning: of the model that a fine-tuning gives, on items that it was not shown."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ptp_core.data import tokenizer as tokenizers
from ptp_core.data.items import Item, asked, load_items
from ptp_core.errors import UserError
from ptp_core.measure.measured import Measured
from ptp_core.measure.tiny_finetune import split_items, tuned_loss
from ptp_core.spec.finetune import Tuning
from ptp_core.spec.tiny_finetune import TinyFinetuneSettings
from ptp_core.training import finetune
from ptp_core.training.answers import pairs
from ptp_core.training.model import load_model
from tests import tiny as tiny_study
from tests.tiny import Tiny, write_lines

TUNING = {"steps": 500, "batch_items": 4, "lr": 5e-3}


def settings(**changes: Any) -> TinyFinetuneSettings:
    return TinyFinetuneSettings.model_validate({"tuning": TUNING, "examples": 8} | changes)


@pytest.fixture(scope="module")
def items(tiny: Tiny) -> list[Item]:
    return load_items(tiny.task("rag"), "train")


@pytest.fixture(scope="module")
def found(checkpoint: Path, items: list[Item]) -> Measured:
    return tuned_loss(checkpoint, items, settings())


@torch.no_grad()
def slow_loss(folder: Path, items: list[Item]) -> tuple[list[float], list[int]]:
    """(nats, tokens) of each answer, one at a time."""
    model, nats, counts = load_model(folder), [], []
    for question, answer in pairs(tokenizers.load(folder), items, tokenizers.special(folder)):
        scores = model(input_ids=torch.tensor([question + answer])).logits[0].log_softmax(dim=1)
        nats.append(-math.fsum(float(scores[len(question) - 1 + k, token]) for k, token in enumerate(answer)))
        counts.append(len(answer))
    return nats, counts


def test_it_is_the_loss_of_the_model_that_the_stage_finetune_makes(
    found: Measured, checkpoint: Path, items: list[Item], tmp_path: Path
) -> None:
    examples, scored = split_items(items, 8, 256)
    write_lines(tmp_path / "train.jsonl", [item.model_dump() for item in examples])
    tuning = TUNING | {"steps": 3 * 8 // 4}
    parents = {"checkpoint": checkpoint, "task": tmp_path}
    tiny_study.make(finetune.run, tmp_path / "tuned", {"tuning": tuning, "seed": 0}, parents)
    for name, folder in (("loss_before", checkpoint), ("loss", tmp_path / "tuned")):
        nats, counts = slow_loss(folder, scored)
        assert found.quantities[name].value == pytest.approx(sum(nats) / sum(counts), rel=1e-5)
    assert [item.logprob for item in found.items] == pytest.approx([-value for value in nats], rel=1e-5)
    assert [item.score for item in found.items] == pytest.approx([n / c for n, c in zip(nats, counts, strict=True)])
    assert [item.id for item in found.items] == [item.id for item in scored]


def test_what_is_learned_is_the_drop(found: Measured) -> None:
    before, after, drop = (found.quantities[name] for name in ("loss_before", "loss", "loss_drop"))
    assert found.headline == "loss"
    assert drop.value == pytest.approx(before.value - after.value)
    assert drop.value > 0.5
    assert drop.higher_is_better
    assert not after.higher_is_better
    assert not before.higher_is_better
    assert {quantity.n_items for quantity in found.quantities.values()} == {len(found.items)} == {8}
    assert all(quantity.stderr and quantity.stderr > 0 for quantity in found.quantities.values())


def test_it_is_the_same_every_time_and_leaves_the_checkpoint_alone(
    found: Measured, checkpoint: Path, items: list[Item]
) -> None:
    before = {path: path.read_bytes() for path in checkpoint.iterdir() if path.is_file()}
    again = tuned_loss(checkpoint, items, settings())
    assert (again.quantities, again.items) == (found.quantities, found.items)
    assert {path: path.read_bytes() for path in checkpoint.iterdir() if path.is_file()} == before
    assert tuned_loss(checkpoint, items, settings(seed=1)).quantities["loss"] != found.quantities["loss"]


def test_adapters_are_tuned_where_the_study_tunes_adapters(checkpoint: Path, items: list[Item]) -> None:
    changed = TUNING | {"method": "lora", "lr": 5e-2}
    quantities = tuned_loss(checkpoint, items, settings(tuning=changed)).quantities
    assert quantities["loss_drop"].value > 0


def test_items_about_one_document_are_one_observation(checkpoint: Path, items: list[Item]) -> None:
    apart = tuned_loss(checkpoint, items, settings(steps=1)).quantities["loss"]
    paired = [item.model_copy(update={"document": (item.context or "").split()[2]}) for item in items]
    together = tuned_loss(checkpoint, paired, settings(steps=1)).quantities["loss"]
    assert together.value == apart.value
    assert together.stderr != apart.stderr
    alone = [item.model_copy(update={"document": "one"}) for item in items]
    assert tuned_loss(checkpoint, alone, settings(steps=1)).quantities["loss"].stderr == 0


@given(st.lists(st.integers(0, 20), min_size=1, max_size=60), st.integers(1, 40), st.integers(1, 40))
def test_nothing_that_was_taught_is_asked(questions: list[int], examples: int, most: int) -> None:
    items = [Item(id=str(i), question=f"Q {text}", answers=["a"]) for i, text in enumerate(questions)]
    if len(set(questions)) == 1:
        with pytest.raises(UserError, match="too few training items to tune on some"):
            split_items(items, examples, most)
        return
    split = split_items(items, examples, most)
    assert not {asked(item) for item in split.examples} & {asked(item) for item in split.scored}
    assert 1 <= len(split.examples) <= examples
    assert len({asked(item) for item in split.examples}) <= len(set(questions)) / 2
    assert 1 <= len(split.scored) <= most
    # Whatever order the file has them in.
    assert split_items(items[::-1], examples, most) == split


def test_the_studys_tuning_is_shortened_and_nothing_else() -> None:
    study = Tuning(epochs=9, items=100, validation_share=0.1, validate_every=3, lr=1e-4, batch_items=7)
    tiny = TinyFinetuneSettings(tuning=study).tiny
    assert tiny == Tuning(epochs=3, lr=1e-4, batch_items=7)
    assert TinyFinetuneSettings(tuning=study, steps=5).tiny == Tuning(steps=5, lr=1e-4, batch_items=7)
    assert finetune.total_steps(tiny, 64) == -(-3 * 64 // 7)
