"""Every mistake a user can make ends in one clear message and exit code 2, before anything is written."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.engine.good_study import STUDY, edit, in_its_place_a_folder, listing, put, remove

REPOSITORY = Path(__file__).parents[2]


class Finished(NamedTuple):
    code: int
    output: str
    error: str


def run(folder: Path, *command: str) -> Finished:
    environment = {name: value for name, value in os.environ.items() if name != "NOT_SET"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=60)
    return Finished(done.returncode, done.stdout, done.stderr)


def ptp(folder: Path, *arguments: str) -> Finished:
    return run(folder, sys.executable, "-m", "ptp_core", *arguments)


def snakemake(folder: Path, *arguments: str) -> Finished:
    command = [str(Path(sys.executable).parent / "snakemake"), "-s", str(REPOSITORY / "Snakefile")]
    profile = ["--profile", str(REPOSITORY / "profiles" / "default"), "--directory", str(folder)]
    return run(folder, *command, *profile, "--config", f"study={folder / 'study.yaml'}", *arguments)


def test_the_good_studies_are_accepted_and_a_check_writes_nothing(folder: Path) -> None:
    before = listing(folder)
    done = [ptp(folder, "check", name) for name in ("study.yaml", "table.yaml")]
    assert [(d.code, d.error) for d in done] == [(0, ""), (0, "")]
    assert "4 variants" in done[0].output
    assert listing(folder) == before


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (edit("study.yaml", "finetune:", "fintune:"),
         'study.yaml:17 fintune: unknown key; did you mean "finetune"?'),
        (edit("study.yaml", "tokens: 1M", "tokens: plenty"),
         "study.yaml:13 pretrain.defaults.tokens: write a whole number such as 1200000, 1_200_000, 1.2M or 1.2e6; "
         "got 'plenty'"),
        (edit("study.yaml", "[clm, sc]", "[]"),
         "study.yaml:15 pretrain.grid.objective: the list is empty, so the grid has no variants; list values or "
         "remove the key"),
        (edit("study.yaml", "finetune:", "  include: [{name: CLM-even, mixture: even, lr: 1}]\nfinetune:"),
         'study.yaml:17 pretrain.include[0]: two variants are called "CLM-even"; give one of them a `name`'),
        (edit("study.yaml", "{news: 4", "{nws: 4"),
         'study.yaml:11 mixtures.most.nws: unknown domain "nws"; did you mean "news"?'),
        (edit("study.yaml", "study: files", "study: ../files"),
         "study.yaml:1 study: expected a name of at most 80 letters, digits and _ . + -, a letter or digit first, "
         "got '../files'"),
        (edit("study.yaml", "study: files", "study: $(rm -rf x)"),
         "study.yaml:1 study: expected a name of at most 80 letters, digits and _ . + -, a letter or digit first, "
         "got '$(rm -rf x)'"),
        (edit("study.yaml", "[clm, sc]", "[clm]"),
         "study.yaml:12 pretrain: too few variants to compare; expected at least 4, got 2"),
        (edit("study.yaml", "path: news.jsonl", 'path: "${NOT_SET}/news.jsonl"'),
         "study.yaml:5 data.sources[0].path: the environment variable NOT_SET is not set; got "
         "'${NOT_SET}/news.jsonl'; export NOT_SET=…"),
        (edit("study.yaml", "path: news.jsonl", "path: nws.jsonl"),
         "study.yaml:5 data.sources[0].path: no such file; got 'nws.jsonl'; check the path or the glob"),
        (put("news.jsonl", '{"text": "one"}\nplain text\n'),
         "news.jsonl:2: not JSON lines; expected one JSON object a line, got 'plain text"),
        (edit("study.yaml", "path: news.jsonl", "path: news.jsonl, hub: a/b, revision: v1"),
         "study.yaml:5 data.sources[0]: give exactly one of `path` and `hub`"),
        (edit("study.yaml", "path: news.jsonl", "hub: a/b, revision: main"),
         'study.yaml:5 data.sources[0]: revision "main" moves, so that the same spec would mean other content '
         "tomorrow; give a commit (40 hexadecimal digits), a tag or the branch of one step"),
        (edit("study.yaml", "path: news.jsonl", "path: news.jsonl, length_quantile: [75, 25]"),
         "study.yaml:5 data.sources[0].length_quantile: write [low, high] in percent with 0 ≤ low < high ≤ 100"),
        (edit("study.yaml", "path: news.jsonl", "path: news.jsonl, text_field: meta.body"),
         'news.jsonl:1: no text under "meta.body"; set text_field; this record has: text'),
        (put("test.jsonl", '{"id": "1", "question": "one?", "answers": ["1"]}\n{"id": "2", "question": "two?", '
             '"answers": []}\n'),
         "test.jsonl:2: the item has no answer; keys: id, question, answers, "),
        (remove("study.yaml"), "study.yaml: no such file; give the path of a study's YAML file"),
        (in_its_place_a_folder("study.yaml"), "study.yaml: cannot be read; got 'Is a directory'"),
        (put("study.yaml", b"\x7fELF\x02\x01\xff\xfe"), "study.yaml:1: cannot be read as UTF-8 text; got 'byte 0xff'"),
        (put("study.yaml", "[" * 100_000), "study.yaml:1: nested more than 50 levels deep"),
    ],
)  # fmt: skip
def test_a_bad_study_is_refused_by_check(folder: Path, change: Callable[[Path], object], message: str) -> None:
    change(folder)
    before = listing(folder)
    done = ptp(folder, "check", "study.yaml")
    assert (done.code, done.output) == (2, "")
    assert done.error.startswith(message)
    assert done.error.count("\n") == 1
    assert listing(folder) == before


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (edit("table.csv", "2.5", "low"), "table.csv:3 ppl: not a number; got 'low'; column ppl is mapped as"),
        (edit("table.csv", "0.4", "NaN"), "table.csv:3 sft: not a finite number; got 'NaN'; column sft is mapped as"),
        (edit("table.csv", "0.4", ""), "table.csv:3 sft: cell is empty; column sft is mapped as outcome"),
        (edit("table.csv", "d,4.5,0.3\n", ""),
         "table.csv: too few variants to compare; expected at least 4 variants, got 3"),
        (edit("table.csv", "d,4.5", "a,4.5"), "table.csv:5 name: variant is named twice; got 'a'; first on line 2"),
        (edit("table.yaml", "[ppl]", "[pppl]"),
         "table.csv:1: no such indicator column; got 'pppl'; did you mean \"ppl\"?"),
        (edit("table.yaml", "outcomes: [sft]}", "outcomes: [sft]}\nselect: {primary: {outcome: stf}}"),
         "table.yaml:4 select.primary.outcome: unknown outcome 'stf'; did you mean \"sft\"?"),
        (put("table.csv", b"PAR1\0\0"), "table.csv:1: not a table; expected text in UTF-8, got 'a binary file'"),
        (remove("table.csv"), "table.yaml:3 measurements.path: table not found; got 'table.csv'; check the path"),
        (put("table.yaml", STUDY), "table.yaml:12: this study trains models; snakemake --config study=table.yaml"),
    ],
)  # fmt: skip
def test_a_bad_table_is_refused_by_analyze(folder: Path, change: Callable[[Path], object], message: str) -> None:
    change(folder)
    before = listing(folder)
    done = ptp(folder, "analyze", "table.yaml")
    assert (done.code, done.output) == (2, "")
    assert done.error.startswith(message)
    assert done.error.count("\n") == 1
    assert listing(folder) == before


def test_results_that_cannot_be_a_folder_are_refused(folder: Path) -> None:
    done = ptp(folder, "analyze", "table.yaml", "--results", "table.csv")
    assert (done.code, done.error.splitlines()[-1]) == (2, "table.csv/published: Not a directory")
    assert "Traceback" not in done.error


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (edit("study.yaml", "finetune:", "fintune:"), 'study.yaml:17 fintune: unknown key; did you mean "finetune"?'),
        (put("test.jsonl", '{"id": "1", "question": "one?", "answers": []}\n'), "test.jsonl:1: the item has no answer"),
        (put("news.jsonl", "plain text\n"), "news.jsonl:1: not JSON lines"),
    ],
    ids=["spec", "task", "text"],
)
def test_snakemake_refuses_it_too(folder: Path, change: Callable[[Path], object], message: str) -> None:
    change(folder)
    before = listing(folder)
    done = snakemake(folder)
    said = (done.output + done.error).replace(f"{folder}/", "").splitlines()
    assert done.code == 2
    assert said[0].startswith("Using profile")
    assert said[1].startswith(message)
    assert len(said) == 2
    assert listing(folder) == before


@pytest.mark.slow
def test_snakemake_accepts_the_good_study(folder: Path) -> None:
    done = snakemake(folder, "--dry-run")
    assert done.code == 0, done.error
    assert "pretrain" in done.output + done.error
