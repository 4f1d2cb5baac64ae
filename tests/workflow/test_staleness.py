"""What plain Snakemake gets wrong about what to run again, and what this project runs instead: one row a mistake.

The study reads files. Its data jobs are run for real; of the models, which would take minutes, only the receipts are
there, written by the project's own planning. What would run is what the real Snakemake says it would.
"""

from __future__ import annotations

import json
import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from ptp_core.engine.stages import OUTPUTS
from ptp_core.engine.workflow import Workflow, prepare
from tests.preloading.preloaded import Preloaded
from tests.workflow.project import Project, new_project

pytestmark = pytest.mark.slow

SPEC = """\
study: rows
seed: 1
model: {width: 32, layers: 1, heads: 2, ffn_width: 64, context: 64}
data:
  sources:
    - {name: news, path: news.jsonl}
    - {name: books, path: books.jsonl}
  tokenizer: {vocabulary: 300, sample_characters: 20k}
tasks:
  quiz: {family: cbqa, train: train.jsonl, test: test.jsonl}
mixtures:
  even: {news: 1, books: 1}
  most: {news: 4, books: 2}
pretrain:
  defaults: {tokens: 32k, sequence_length: 64, batch_tokens: 1024, beta1: 0.8, beta2: 0.9}
  grid: {objective: [clm, sc], mixture: [even, most]}
finetune: {tasks: [quiz], seeds: [0, 1], steps: 5}
indicators: [ppl_clm]
"""
NAMES = ("clm-even", "clm-most", "sc-even", "sc-most")
SUMMARIES = ["compare the variants", "report", "table of all measurements"]
TOKENIZED = ["tokenizer", "token shards of books", "token shards of news"]


def of(stages: tuple[str, ...], names: tuple[str, ...] = NAMES) -> list[str]:
    return [f"{stage} {name}" for name in names for stage in stages]


MEASURED = ("indicators of", "evaluate")
TUNED = ("fine-tune", "evaluate")
CHAIN = ("pre-train", "indicators of", *TUNED)
MODELS = [*of(CHAIN), *SUMMARIES]
EVERYTHING = [*TOKENIZED, *MODELS]
NOTHING: list[str] = []

Change = Callable[[Project], object]


def edit(name: str, old: str, new: str) -> Change:
    def change(project: Project) -> None:
        path = project.folder / name
        text = path.read_text()
        assert text.count(old) == 1
        path.write_text(text.replace(old, new))

    return change


def spec(old: str, new: str) -> Change:
    return edit("tiny.yaml", old, new)


def touch(*patterns: str) -> Change:
    """Files look younger than everything that was made of them."""

    def change(project: Project) -> None:
        paths = [path for pattern in patterns for path in project.folder.glob(pattern)]
        assert paths
        for path in paths:
            os.utime(path, (2e9, 2e9))

    return change


def restore(name: str, old: str, new: str) -> Change:
    """Other content of the same length, with the time of a file from long before the run."""

    def change(project: Project) -> None:
        assert len(old) == len(new)
        edit(name, old, new)(project)
        os.utime(project.folder / name, (1e9, 1e9))

    return change


def elsewhere(project: Project) -> None:
    """The same text in a file of another name."""
    (project.folder / "news.jsonl").rename(project.folder / "papers.jsonl")
    spec("path: news.jsonl", "path: papers.jsonl")(project)


def install(package: str, version: str) -> Change:
    """Another version of a package, as far as Python's own records tell, before the one that is installed."""

    def change(project: Project) -> None:
        records = project.folder / f"{package}-{version}.dist-info"
        records.mkdir()
        (records / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: {version}\n")

    return change


def lose_records(project: Project) -> None:
    shutil.rmtree(project.folder / ".snakemake")


class Row(NamedTuple):
    """A change, what it makes stale, and what plain Snakemake 9.27 makes of it."""

    change: Change
    stale: list[str]
    plain: str


ROWS = {
    "swapped values": Row(
        spec("beta1: 0.8, beta2: 0.9", "beta1: 0.9, beta2: 0.8"), MODELS, "runs nothing: it compares sorted values"
    ),
    "swapped values of one mixture": Row(
        spec("{news: 4, books: 2}", "{news: 2, books: 4}"),
        [*of(CHAIN, ("clm-most", "sc-most")), *SUMMARIES],
        "runs nothing",
    ),
    "a Path field": Row(spec("path: news.jsonl", "path: other.jsonl"), EVERYTHING, "runs nothing: a Path is left out"),
    "a Path field with the same text behind it": Row(elsewhere, ["report"], "runs nothing"),
    "a dataclass field": Row(spec("ffn_width: 64", "ffn_width: 96"), MODELS, "runs nothing: a dataclass is left out"),
    "an added parameter with an existing value": Row(
        spec("beta2: 0.9}", "beta2: 0.9, decay_share: 0.8}"), MODELS, "runs nothing: it compares a set of values"
    ),
    "key order": Row(
        spec("{width: 32, layers: 1, heads: 2, ffn", "{heads: 2, layers: 1, width: 32, ffn"), NOTHING, "runs again"
    ),
    "shell spacing": Row(edit("rules/common.smk", "ptp job {{input", "ptp  job {{input"), NOTHING, "runs again"),
    "an edited imported module": Row(
        edit("ptp_core/training/run.py", "HELD_OUT_POINTS = 8", "HELD_OUT_POINTS = 4"), MODELS, "runs nothing"
    ),
    "a touched script": Row(touch("Snakefile", "rules/*", "ptp_core/**/*.py"), NOTHING, "runs again"),
    "a touched small input": Row(touch("train.jsonl", "news.jsonl", "tiny.yaml"), NOTHING, "runs nothing: it compares"),
    "a touched input of 2 MB": Row(touch("books.jsonl"), NOTHING, "runs again: above 1 MB the time decides"),
    "a task with other content and an old mtime": Row(
        restore("train.jsonl", "sum of 3", "sum of 4"),
        ["items of task quiz", *of(TUNED), *SUMMARIES],
        "runs nothing: the file is older",
    ),
    "2 MB with other content and an old mtime": Row(
        restore("books.jsonl", '"text": "first ', '"text": "other '), EVERYTHING, "runs nothing: the file is older"
    ),
    "another version of a package": Row(
        install("rouge_score", "99.0"), [*of(MEASURED), *SUMMARIES], "runs nothing: it does not know"
    ),
    "a comment in the environment's file": Row(
        edit("envs/ptp.yaml", "dependencies:", "# a comment\ndependencies:"), NOTHING, "runs everything, with conda"
    ),
    "lost .snakemake": Row(lose_records, NOTHING, "knows of no change of values or code any more"),
}


@pytest.fixture(scope="module")
def finished_study(tmp_path_factory: pytest.TempPathFactory, preloaded: Preloaded) -> Project:
    """The study after its data jobs were run, and with a receipt for everything else."""
    project = new_project(tmp_path_factory.mktemp("rows"), SPEC, preloaded)
    write_inputs(project.folder)
    done = project.snakemake("--until", "shards", "task")
    assert done.code == 0, done.output
    pretend_the_rest(project)
    return project


def write_inputs(folder: Path) -> None:
    rng = random.Random(0)
    words = [f"{rng.choice('bdfgkl')}{rng.choice('aeiou')}{rng.choice('mnprst')}" for _ in range(500)]
    texts = [" ".join(rng.choices(words, k=100)) for _ in range(40)]
    (folder / "news.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    (folder / "other.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in texts[1:]))
    books = "".join(json.dumps({"text": ("first " if i == 0 else "") + texts[i % 40]}) + "\n" for i in range(5200))
    (folder / "books.jsonl").write_text(books)
    assert len(books) > 2_000_000
    items = [{"id": str(i), "question": f"the sum of {i} and 1?", "answers": [str(i + 1)]} for i in range(8)]
    for name, chosen in (("train", items[:4]), ("test", items[4:])):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(item) + "\n" for item in chosen))


def pretend_the_rest(project: Project) -> None:
    """Receipts of what was not run, where planning and rules look for them."""
    planned = prepare(project.spec, project.results)
    nothing = {"status": "ok", "metrics": {}, "artifacts": {}, "wall_seconds": 0.0}
    for unit in (unit for job in planned.graph.jobs for unit in job.units):
        receipt = planned.folders.store / unit.place / "receipt.json"
        if not receipt.exists():
            receipt.parent.mkdir(parents=True)
            receipt.write_text(json.dumps(nothing | {"fingerprint": unit.fingerprint, "stage": unit.stage}))
    for stage in planned.summaries:
        pretend_summary(planned, stage)
    prepare(project.spec, project.results)


def pretend_summary(planned: Workflow, stage: str) -> None:
    pages = tuple(planned.pages.values())
    receipt = Path(planned.summary_receipts(stage)[0])
    own = [receipt, *(receipt.with_suffix(f".{page}") for page in pages if stage == "report")]
    for path in [*own, *(planned.folders.home / name for name in OUTPUTS.get(stage, pages))]:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("{}")


@pytest.fixture
def study(finished_study: Project, tmp_path: Path) -> Project:
    return finished_study.copied(tmp_path / "project")


def test_the_finished_study_has_nothing_left_to_do(finished_study: Project) -> None:
    assert finished_study.stale() == NOTHING


@pytest.mark.parametrize("name", ROWS)
def test_a_change_runs_again_exactly_what_it_concerns(study: Project, name: str) -> None:
    ROWS[name].change(study)
    assert study.stale() == sorted(ROWS[name].stale)
