"""A study that measures all that can be measured, through the real Snakemake."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from tests.preloading.preloaded import Preloaded
from tests.tiny import write_lines
from tests.workflow.project import TINY, Project, new_project

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("measuring study")]

SPEC = TINY.replace(
    "finetune: {tasks: [cbqa], seeds: [0, 1], steps: 5}\nindicators: [ppl_clm, kshot_cbqa]\n",
    """\
tasks:
  colours: {family: cms, yaml: colours.yaml}
  quiz: {family: cbqa, train: quiz.jsonl, test: quiz.test.jsonl, metrics: [f1, rouge_l]}
finetune: {tasks: [cbqa, quiz], seeds: [0, 1], steps: 5, test_on: all, test_formats: [qa, instruct]}
indicators:
  ppl_clm: {quantities: [bits_per_byte], domains: true}
  ppl_sc(0.5,4): {}
  kshot_cbqa: {quantities: [correct_prob, f1]}
  kshot_colours: {shots: 1, quantities: [margin]}
  tuned_cbqa: {examples: 8, quantities: [loss_drop]}
  length: {}
  broken: {}
plugins: [mine.py]
""",
).replace("tokens: 32k,", "tokens: 32k, checkpoints: [28k, 30k],")

COLOURS = """\
task: colours
dataset_path: json
dataset_kwargs: {data_files: {test: colours.jsonl}}
test_split: test
output_type: multiple_choice
doc_to_text: "question : {{question}}\\nanswer :"
doc_to_choice: "{{choices}}"
doc_to_target: gold
metric_list: [{metric: acc, aggregation: mean, higher_is_better: true}]
"""
PLUGIN = '''\
from ptp_core.indicators import Probe, indicator


@indicator(higher_is_better=True)
def length(probe: Probe) -> list[float]:
    """Length of each embedding."""
    return probe.model.get_input_embeddings().weight.norm(dim=1).tolist()


@indicator(higher_is_better=True)
def broken(probe: Probe) -> float:
    """Breaks on every checkpoint."""
    return 1 / 0
'''


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory, preloaded: Preloaded) -> Project:
    project = new_project(tmp_path_factory.mktemp("measuring"), SPEC, preloaded)
    (project.folder / "colours.yaml").write_text(COLOURS)
    (project.folder / "mine.py").write_text(PLUGIN)
    colours = [{"question": f"what is {i} ?", "choices": ["red", "blue", "green"], "gold": i % 3} for i in range(24)]
    write_lines(project.folder / "colours.jsonl", colours)
    for name, first in (("quiz", 0), ("quiz.test", 10)):
        items = [{"id": f"{i}", "question": f"what is {i} ?", "answers": ["red"]} for i in range(first, first + 10)]
        write_lines(project.folder / f"{name}.jsonl", items)
    done = project.snakemake()
    assert done.code == 0, done.output
    return project


def table(project: Project) -> pd.DataFrame:
    return pd.read_parquet(project.results / "tiny" / "measurements.parquet")


def test_every_indicator_is_in_the_table_at_every_checkpoint(measured: Project) -> None:
    rows = table(measured)
    found = rows[(rows.kind == "indicator") & (rows.variant == "clm-even")]
    domains = [
        f"{name}@{d}" for name in ("ppl_clm", "ppl_clm.bits_per_byte") for d in ("facts", "reading", "stories", "code")
    ]
    assert set(found.name) == {
        "ppl_clm", "ppl_clm.bits_per_byte", *domains, "ppl_sc(0.5,4)", "kshot_cbqa", "kshot_cbqa.correct_prob",
        "kshot_cbqa.f1", "kshot_colours", "kshot_colours.margin", "tuned_cbqa",
        "tuned_cbqa.loss_drop", "length",
    }  # fmt: skip
    assert set(found.checkpoint_tokens) == {28_000, 30_000, 32_000}
    assert found.groupby("name").checkpoint_tokens.count().eq(3).all()
    assert not found[found.name == "ppl_clm"].higher_is_better.any()


def test_outcomes_are_scored_on_every_test_set_in_every_format(measured: Project) -> None:
    rows = table(measured)
    found = rows[(rows.kind == "outcome") & (rows.variant == "clm-even") & (rows.seed == 0)]
    keys = {
        (row.train_task if isinstance(row.train_task, str) else "", row.name, row.prompt_format)
        for row in found.itertuples()
    }
    assert {key for key in keys if key[1] == "cbqa"} == {
        ("", "cbqa", "qa"),
        ("", "cbqa", "instruct"),
        ("quiz", "cbqa", "qa"),
        ("quiz", "cbqa", "instruct"),
    }
    assert {key[1] for key in keys} >= {"cbqa", "quiz", "quiz.f1", "quiz.rouge_l", "colours", "mean_cbqa", "cms", "rag"}


def test_items_stand_behind_the_numbers(measured: Project) -> None:
    items = pd.read_parquet(measured.results / "tiny" / "items.parquet")
    rows = table(measured)
    for name, kind in (("kshot_cbqa", "indicator"), ("quiz", "outcome")):
        scores = items[(items.name == name) & (items.variant == "sc-most") & (items.checkpoint_tokens == 32_000)]
        own = rows[
            (rows.name == name) & (rows.variant == "sc-most") & (rows.checkpoint_tokens == 32_000) & (rows.kind == kind)
        ]
        assert scores.score.mean() == pytest.approx(own.value.mean())


def test_what_the_harness_wrote_is_kept(measured: Project) -> None:
    rows = table(measured)
    source = rows[rows.name == "kshot_colours"].source.iloc[0]
    folder = measured.results / "store" / source / "lm_eval"
    assert json.loads((folder / "results.json").read_text())["results"]
    assert list(folder.glob("samples_*.jsonl"))


def test_an_indicator_that_breaks_fails_alone_and_is_said_in_one_line(measured: Project) -> None:
    assert "broken" not in set(table(measured).name)
    report = (measured.results / "tiny" / "report.html").read_text()
    sentence = "Indicator broken failed on 15 checkpoints (mine.py:13 ZeroDivisionError: division by zero)"
    assert report.count(sentence) == 1
    logs = [path.read_text() for path in (measured.results / "tiny" / "logs" / "indicators").glob("*.log")]
    assert all("Traceback" in log and "return 1 / 0" in log for log in logs)
    assert sentence in measured.ptp("status", "tiny.yaml").output


def test_the_next_run_tries_only_the_broken_one_again(measured: Project, tmp_path: Path) -> None:
    again = measured.copied(tmp_path / "copy")
    assert {line.split(" of ")[0] for line in again.stale()} == {
        "indicators",
        "table",
        "compare the variants",
        "report",
    }


def test_a_mended_indicator_trains_nothing(measured: Project, tmp_path: Path) -> None:
    mended = measured.copied(tmp_path / "copy")
    (mended.folder / "mine.py").write_text(PLUGIN.replace("1 / 0", "1 / 2"))
    assert not any(line.startswith(("pre-train", "fine-tune", "evaluate")) for line in mended.stale())
    done = mended.snakemake()
    assert done.code == 0, done.output
    rows = table(mended)
    assert set(rows[rows.name == "broken"].value) == {0.5}
    assert mended.stale() == []
