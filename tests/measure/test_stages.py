"""The stages that measure: quantities with their errors, and every item beside them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from ptp_core.data.items import load_items
from ptp_core.measure import stages
from ptp_core.measure.fewshot import split_off
from ptp_core.stats.clusters import mean_error
from ptp_core.work import Failed, Metrics
from tests import tiny as tiny_study
from tests.tiny import LENGTH, Tiny, write_lines


def kshot(tiny: Tiny, checkpoint: Path, folder: Path, family: str, **settings: Any) -> Metrics:
    parents = {"checkpoint": checkpoint, "task": tiny.task(family)}
    return tiny_study.make(stages.run_indicator, folder, {"kshot": settings}, parents)


def headline(metrics: Metrics) -> dict[str, Any]:
    found: dict[str, Any] = metrics["quantities"][metrics["headline"]]
    return found


@pytest.mark.parametrize(("family", "shots"), [("cms", 1), ("rag", 5), ("cbqa", 0), ("cbqa", 64)])
def test_a_few_shot_score_is_the_mean_of_its_items(
    tiny: Tiny, checkpoint: Path, tmp_path: Path, family: str, shots: int
) -> None:
    found = headline(kshot(tiny, checkpoint, tmp_path, family, shots=shots))
    items = pd.read_parquet(tmp_path / "items.parquet")
    scored, shown = split_off(load_items(tiny.task(family), "train"), 256)
    assert list(items.id) == [item.id for item in scored]
    assert not set(items.id) & {item.id for item in shown}
    assert set(items.score) <= {0.0, 1.0}
    assert found["value"] == pytest.approx(items.score.mean())
    assert found["stderr"] == pytest.approx(mean_error(items.score.tolist()))
    assert found["n_items"] == len(items)


def test_items_may_be_shared_with_the_outcomes(tiny: Tiny, checkpoint: Path, tmp_path: Path) -> None:
    kshot(tiny, checkpoint, tmp_path, "rag", shots=2, items="shared", max_items=5)
    scored = set(pd.read_parquet(tmp_path / "items.parquet").id)
    assert len(scored) == 5
    assert scored <= {item.id for item in load_items(tiny.task("rag"), "test")}


def test_measuring_twice_gives_the_same_items(tiny: Tiny, checkpoint: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        kshot(tiny, checkpoint, tmp_path / name, "rag", shots=3)
    assert (tmp_path / "one" / "items.parquet").read_bytes() == (tmp_path / "two" / "items.parquet").read_bytes()


@pytest.mark.parametrize("objective", ["clm", "sc", "sc(0.5,4)"])
def test_a_perplexity_comes_with_those_of_every_domain(
    tiny: Tiny, checkpoint: Path, tmp_path: Path, objective: str
) -> None:
    settings = {"perplexity": {"objective": objective, "tokens": 500, "length": LENGTH}}
    metrics = tiny_study.make(stages.run_indicator, tmp_path, settings, {"checkpoint": checkpoint} | tiny.shards)
    found, overall = metrics["quantities"], headline(metrics)
    names = {"ppl", "bits_per_byte", *(("word_ppl",) if objective == "clm" else ())}
    assert set(found) == names | {f"{name}@{domain}" for name in names for domain in tiny_study.DOMAINS}
    assert overall["n_items"] == sum(found[f"ppl@{domain}"]["n_items"] for domain in tiny_study.DOMAINS)
    assert 0 < overall["stderr"] < overall["value"]
    assert overall["higher_is_better"] is False


@pytest.mark.parametrize("family", ["cms", "rag", "cbqa"])
def test_evaluation_scores_the_test_items_without_examples(
    tiny: Tiny, checkpoint: Path, tmp_path: Path, family: str
) -> None:
    parents = {"checkpoint": checkpoint, "task": tiny.task(family)}
    tiny_study.make(stages.run_evaluate, tmp_path, {}, parents)
    assert list(pd.read_parquet(tmp_path / "items.parquet").id) == [
        item.id for item in load_items(tiny.task(family), "test")
    ]
    prompts = pd.read_json(tmp_path / "docs.jsonl", lines=True).prompt
    assert prompts.str.count("question :").eq(1).all()


def test_items_longer_than_the_context_are_scored(checkpoint: Path, tmp_path: Path) -> None:
    for name, extra in (("free", {}), ("choice", {"choices": ["red", "blue " * 100], "answer_idx": 0})):
        folder = tmp_path / name
        folder.mkdir()
        write_lines(folder / "test.jsonl", [{"id": "1", "question": "word " * 300, "answers": ["red"]} | extra])
        metrics = tiny_study.make(stages.run_evaluate, folder / "e", {}, {"checkpoint": checkpoint, "task": folder})
        assert (headline(metrics)["stderr"], headline(metrics)["n_items"]) == (0.0, 1)


def test_the_loss_after_a_tiny_fine_tuning_leaves_the_checkpoint_alone(
    tiny: Tiny, checkpoint: Path, tmp_path: Path
) -> None:
    parents = {"checkpoint": checkpoint, "task": tiny.task("rag")}
    before = (checkpoint / "model.safetensors").read_bytes()
    settings = {"tuned": {"tuning": {"lr": 1e-2}, "examples": 8}}
    metrics = tiny_study.make(stages.run_indicator, tmp_path, settings, parents)
    assert metrics["headline"] == "loss"
    assert metrics["quantities"]["loss"]["value"] < metrics["quantities"]["loss_before"]["value"]
    assert (checkpoint / "model.safetensors").read_bytes() == before


PLUGIN = '''\
from ptp_core.indicators import Probe, indicator


@indicator(higher_is_better=False)
def tokens(probe: Probe) -> dict[str, float]:
    """Held-out tokens, and items of a task."""
    return {"held_out": float(sum(map(len, probe.held_out.values()))), "items": float(len(probe.items("rag")))}


@indicator(higher_is_better=False)
def broken(probe: Probe) -> float:
    """Breaks."""
    return {}["nothing"]
'''


def plugin(tiny: Tiny, checkpoint: Path, folder: Path, name: str) -> Metrics:
    (folder / "mine.py").write_text(PLUGIN)
    parents = {"checkpoint": checkpoint, "task/rag": tiny.task("rag")} | tiny.shards
    inputs = {"plugin": (folder / "mine.py",)}
    return tiny_study.make(stages.run_indicator, folder / "made", {"plugin": {"name": name}}, parents, inputs)


def test_a_plug_in_sees_the_data_of_its_study(tiny: Tiny, checkpoint: Path, tmp_path: Path) -> None:
    metrics = plugin(tiny, checkpoint, tmp_path, "tokens")
    assert metrics["headline"] == "held_out"
    assert metrics["quantities"]["items"]["value"] == len(load_items(tiny.task("rag"), "train"))


def test_a_plug_in_that_breaks_has_failed(
    tiny: Tiny, checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(Failed, match=r"^mine.py:13 KeyError: 'nothing'$"):
        plugin(tiny, checkpoint, tmp_path, "broken")
    # Said before it runs: one that ends the process says nothing afterwards.
    assert capsys.readouterr().out.startswith("running broken of mine.py\nTraceback ")
