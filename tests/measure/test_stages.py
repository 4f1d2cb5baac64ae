"""The stages that measure: a value with its error, and every item beside it."""

from __future__ import annotations

import json
import math
import statistics
from pathlib import Path
from typing import Any

import pytest

from ptp_core.data import tokenizer as tokenizers
from ptp_core.data.items import load_items, prompt
from ptp_core.measure import stages
from ptp_core.measure.fewshot import split_off
from ptp_core.measure.scoring import score_items
from ptp_core.training.model import load_model
from ptp_core.work import Metrics
from tests import tiny as tiny_study
from tests.tiny import LENGTH, Tiny, write_lines


def kshot(tiny: Tiny, checkpoint: Path, folder: Path, family: str, shots: int) -> Metrics:
    parents = {"checkpoint": checkpoint, "task": tiny.task(family)}
    return tiny_study.make(stages.run_indicator, folder, {"kind": "kshot", "shots": shots}, parents)


def written(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "items.jsonl").read_text(encoding="utf-8").split("\n") if line]


@pytest.mark.parametrize(("family", "shots"), [("cms", 1), ("rag", 5), ("cbqa", 0), ("cbqa", 64)])
def test_a_few_shot_score_is_the_mean_of_its_items(
    tiny: Tiny, checkpoint: Path, tmp_path: Path, family: str, shots: int
) -> None:
    metrics = kshot(tiny, checkpoint, tmp_path, family, shots)
    lines = written(tmp_path)
    scored, shown = split_off(load_items(tiny.task(family), "train"), 256)
    assert [line["id"] for line in lines] == [item.id for item in scored]
    assert not {item.id for item in scored} & {item.id for item in shown}
    assert all(set(line) == {"id", "said", "score"} and line["score"] in (0.0, 1.0) for line in lines)
    scores = [line["score"] for line in lines]
    assert metrics["value"] == statistics.fmean(scores)
    assert metrics["stderr"] == pytest.approx(statistics.stdev(scores) / math.sqrt(len(scores)))
    assert metrics["n_items"] == len(scores)


def test_measuring_twice_gives_the_same_bytes(tiny: Tiny, checkpoint: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        kshot(tiny, checkpoint, tmp_path / name, "rag", 3)
    assert (tmp_path / "one" / "items.jsonl").read_bytes() == (tmp_path / "two" / "items.jsonl").read_bytes()


@pytest.mark.parametrize("objective", ["clm", "sc"])
def test_a_perplexity_comes_with_those_of_every_domain(
    tiny: Tiny, checkpoint: Path, tmp_path: Path, objective: str
) -> None:
    settings = {"kind": "ppl", "objective": objective, "tokens": 500, "length": LENGTH}
    metrics = tiny_study.make(stages.run_indicator, tmp_path, settings, {"checkpoint": checkpoint} | tiny.shards)
    domains = json.loads((tmp_path / "domains.json").read_text())
    assert {"ppl", *(f"ppl@{domain}" for domain in tiny_study.DOMAINS)} < set(domains)
    overall = domains["ppl"]
    assert (overall["value"], overall["stderr"], overall["n_items"]) == tuple(metrics.values())
    assert metrics["n_items"] == sum(domains[f"ppl@{domain}"]["n_items"] for domain in tiny_study.DOMAINS)
    assert 0 < metrics["stderr"] < metrics["value"]


@pytest.mark.parametrize("family", ["cms", "rag", "cbqa"])
def test_evaluation_scores_the_test_items_without_examples(
    tiny: Tiny, checkpoint: Path, tmp_path: Path, family: str
) -> None:
    parents = {"checkpoint": checkpoint, "task": tiny.task(family)}
    tiny_study.make(stages.run_evaluate, tmp_path / "evaluated", {}, parents)
    asked = [(prompt(item), item) for item in load_items(tiny.task(family), "test")]
    scored = score_items(load_model(checkpoint), tokenizers.load(checkpoint), asked, tokenizers.special(checkpoint))
    assert written(tmp_path / "evaluated") == [s._asdict() for s in scored]


def test_items_longer_than_the_context_are_scored(checkpoint: Path, tmp_path: Path) -> None:
    long = {"question": "word " * 300, "answers": ["red"]}
    choices = {"choices": ["red", "blue " * 100], "answer_idx": 0}
    write_lines(tmp_path / "test.jsonl", [long | {"id": "free"}, long | choices | {"id": "choice"}])
    parents = {"checkpoint": checkpoint, "task": tmp_path}
    assert tiny_study.make(stages.run_evaluate, tmp_path / "evaluated", {}, parents)["n_items"] == 2


def test_a_single_item_has_no_standard_error(checkpoint: Path, tmp_path: Path) -> None:
    write_lines(tmp_path / "test.jsonl", [{"id": "1", "question": "q", "answers": ["red"]}])
    metrics = tiny_study.make(stages.run_evaluate, tmp_path / "e", {}, {"checkpoint": checkpoint, "task": tmp_path})
    assert (metrics["stderr"], metrics["n_items"]) == (0.0, 1)
