"""Fine-tuning: every item once a pass, the answers learned, and the same model from the same seed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ptp_core.data import tokenizer as tokenizers
from ptp_core.data.items import load_items
from ptp_core.training import finetune
from ptp_core.training.answers import pad_pairs, pairs
from ptp_core.training.loss import mean_loss, to_tensors
from ptp_core.training.model import load_model
from ptp_core.work import Metrics
from tests import tiny as tiny_study
from tests.tiny import Tiny


def tune(tiny: Tiny, checkpoint: Path, folder: Path, family: str = "rag", seed: int = 0, **tuning: Any) -> Metrics:
    settings = {"tuning": {"steps": 15, "batch_items": 8, "lr": 5e-3} | tuning, "seed": seed}
    return tiny_study.make(finetune.run, folder, settings, {"checkpoint": checkpoint, "task": tiny.task(family)})


def weights(folder: Path) -> bytes:
    return (folder / "model.safetensors").read_bytes()


def answer_loss(folder: Path, task: Path) -> float:
    special = tokenizers.special(folder)
    rows = pairs(tokenizers.load(folder), load_items(task, "train"), special)
    return float(mean_loss(load_model(folder), to_tensors(pad_pairs(rows, 64, special.pad))))


@pytest.mark.parametrize("family", ["cms", "rag", "cbqa"])
def test_answers_are_learned(tiny: Tiny, checkpoint: Path, tmp_path: Path, family: str) -> None:
    metrics = tune(tiny, checkpoint, tmp_path / "tuned", family)
    before, after = (answer_loss(folder, tiny.task(family)) for folder in (checkpoint, tmp_path / "tuned"))
    assert after < before - 1
    assert metrics["loss"] < before
    assert metrics["items"] == len(load_items(tiny.task(family), "train"))
    assert metrics["epochs"] == 15 * 8 / metrics["items"]


def test_the_same_seed_gives_the_same_bytes_and_another_one_does_not(
    tiny: Tiny, checkpoint: Path, tmp_path: Path
) -> None:
    for name, seed in (("one", 0), ("two", 0), ("other", 1)):
        tune(tiny, checkpoint, tmp_path / name, seed=seed)
    assert weights(tmp_path / "one") == weights(tmp_path / "two")
    assert weights(tmp_path / "one") != weights(tmp_path / "other")


def test_the_checkpoint_stays_as_it_was(tiny: Tiny, checkpoint: Path, tmp_path: Path) -> None:
    before = weights(checkpoint)
    tune(tiny, checkpoint, tmp_path / "tuned")
    assert weights(checkpoint) == before != weights(tmp_path / "tuned")


def test_a_tuned_model_has_its_tokenizer_beside_it(tiny: Tiny, checkpoint: Path, tmp_path: Path) -> None:
    tune(tiny, checkpoint, tmp_path / "tuned", steps=1)
    assert {path.name for path in (tmp_path / "tuned").iterdir()} == {
        "model.safetensors", "config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json",
    }  # fmt: skip


@given(st.integers(1, 40), st.integers(1, 50), st.integers(0, 2**32 - 1))
def test_every_item_comes_once_a_pass(items: int, batch: int, seed: int) -> None:
    steps = -(-3 * items // batch)
    seen = [i for step in range(steps) for i in finetune._items_of_step(items, batch, seed, step)]
    for begin in range(0, 3 * items, items):
        assert sorted(seen[begin : begin + items]) == list(range(items))


def test_passes_and_seeds_differ_in_their_order() -> None:
    first, second, other = (finetune._items_of_step(30, 30, *pair) for pair in ((0, 0), (0, 1), (1, 0)))
    assert len({tuple(first), tuple(second), tuple(other)}) == 3


def test_items_longer_than_the_context_are_learned_from_their_ends(
    tiny: Tiny, checkpoint: Path, tmp_path: Path
) -> None:
    long = [{"id": str(i), "question": f"{i} word " * 100, "answers": ["red"]} for i in range(4)]
    lines = tiny_study.write_lines(tmp_path / "train.jsonl", [*long])
    assert lines.exists()
    settings = {"tuning": {"steps": 4, "batch_items": 4, "lr": 5e-3}, "seed": 0}
    metrics = tiny_study.make(finetune.run, tmp_path / "tuned", settings, {"checkpoint": checkpoint, "task": tmp_path})
    assert metrics["items"] == 4
