"""Results of lm-evaluation-harness become a table with every number's source, or are refused in one line."""

from __future__ import annotations

import copy
import csv
import gzip
import hashlib
import json
import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from ptp_core.cli import main
from ptp_core.table.columns import ITEM_COLUMNS
from ptp_core.table.schema import read_table
from tests.imported_runs import STEPS, run_harness, write_old, write_run

DATA = Path(os.environ.get("PTP_DATA_ROOT", "/nowhere"))
needs_data = pytest.mark.skipif(not (DATA / "lm_eval_json").is_dir(), reason="PTP_DATA_ROOT has no lm_eval_json/")
TOKENS_PER_STEP = 2_097_152
"""Pythia's batch: 1024 sequences of 2048 tokens."""

Import = Callable[..., pd.DataFrame]
Refused = Callable[..., str]


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out" / "table.parquet"


@pytest.fixture
def imported(out: Path) -> Import:
    """Import paths with options, and read the table."""

    def run(*arguments: str | Path) -> pd.DataFrame:
        assert main(["import", "lm-eval", *map(str, arguments), "--out", str(out)]) == 0
        return read_table(out)

    return run


@pytest.fixture
def refused(out: Path, capsys: pytest.CaptureFixture[str]) -> Refused:
    """The one line that an import ends with, exit code 2 and nothing written."""

    def run(*arguments: str | Path) -> str:
        assert main(["import", "lm-eval", *map(str, arguments), "--out", str(out)]) == 2
        assert not out.parent.exists()
        (line,) = [line for line in capsys.readouterr().err.splitlines() if not line.startswith("import:")]
        return line

    return run


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the harness itself writes for five steps of a tiny model."""
    return run_harness(tmp_path_factory.mktemp("harness"))


def numbers(table: pd.DataFrame, name: str) -> dict[str, float]:
    rows = table[table["name"] == name]
    return dict(zip(rows["variant"], rows["value"], strict=True))


@pytest.mark.data
@needs_data
def test_the_files_of_pythia_410m_hold_the_numbers_of_the_published_table(imported: Import) -> None:
    table = imported(DATA / "lm_eval_json", "--tokens-per-step", str(TOKENS_PER_STEP), "--prefer", "acc_norm")
    headlines = {"lambada_openai": "acc", "winogrande": "acc", "wsc": "acc"}
    compared = 0
    with gzip.open(DATA / "tables" / "pythia_v1_core_wide.csv.gz", "rt", newline="") as stream:
        published = [r for r in csv.DictReader(stream) if r["model"] == "pythia-410m" and r["shots"] == "0"]
    assert len(published) == 27
    for row in published:
        mine = table[table["variant"] == f"pythia-v1.1-410m-step{row['step']}"]
        assert set(mine["checkpoint_tokens"]) == {int(row["tokens"])}
        mine = mine.set_index("name")
        for column in (c for c in row if "__" in c):
            task, metric = column.split("__")
            name = task if headlines.get(task, "acc_norm") == metric else f"{task}.{metric}"
            assert mine.loc[name, "value"] == float(row[column])
            compared += 1
    assert compared == 27 * 14


@pytest.mark.data
@needs_data
def test_steps_may_be_points_of_one_variant(imported: Import) -> None:
    table = imported(DATA / "lm_eval_json", "--checkpoints", "points", "--tokens-per-step", "2097152")
    assert set(table["variant"]) == {"pythia-v1.1-410m"}
    assert table["checkpoint_tokens"].nunique() == 27


@pytest.mark.slow
def test_what_the_harness_wrote_is_taken_over_digit_for_digit(runs: Path, imported: Import) -> None:
    table = imported(runs)
    assert set(table["variant"]) == {f"tiny-step{step}" for step in STEPS}
    names = {"colours", "colour_a", "colour_a.acc", "answer", "answer.exact_match.word", "text"}
    assert names <= set(table["name"])
    for path in runs.glob("*/results_*.json"):
        content = json.loads(path.read_text())
        mine = table[table["digest"] == hashlib.sha256(path.read_bytes()).hexdigest()].set_index("name")
        colour, text = content["results"]["colour_a"], content["results"]["text"]
        assert mine.loc["colour_a", "value"] == colour["acc_norm,none"]
        assert mine.loc["colour_a", "stderr"] == colour["acc_norm_stderr,none"]
        assert mine.loc["colour_a", "n_items"] == 40
        assert mine.loc["colours", "n_items"] == 80
        assert mine.loc["colour_a", "source"] == f"{path}:results.colour_a.acc_norm,none"
        assert mine.loc["text.word_perplexity", "value"] == text["word_perplexity,none"]
        assert not mine.loc["text", "higher_is_better"]


@pytest.mark.slow
def test_the_scores_of_items_are_beside_the_table_and_average_to_its_numbers(
    runs: Path, imported: Import, out: Path
) -> None:
    table = imported(runs)
    items = pd.read_parquet(out.with_name("table.items.parquet"))
    assert list(items.columns) == [column.name for column in ITEM_COLUMNS]
    means = items.groupby(["variant", "name"])["score"].mean()
    assert {name for _, name in means.index} == {
        "colour_a", "colour_a.acc", "colour_b", "colour_b.acc", "answer", "answer.exact_match.word",
    }  # fmt: skip
    stated = table.set_index(["variant", "name"])["value"]
    assert all(mean == pytest.approx(stated[key], abs=1e-12) for key, mean in means.items())
    choices = items[items["name"] == "colour_a"]
    assert (choices["logprob"] < 0).all()
    assert set(choices["item"]) == {f"q{i}" for i in range(40)}


SPEC = """\
study: imported
measurements:
  - path: table.parquet
    tidy: {indicators: [text, text.*, answer*], outcomes: [colour_a.acc, colours]}
select: {primary: {outcome: colours, indicator: text}, bootstraps: 100, permutations: 200, splits: 3}
"""


@pytest.mark.slow
def test_a_table_and_its_mapping_are_all_that_the_analysis_needs(
    runs: Path, imported: Import, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    imported(runs)
    home = out.parent
    out.with_name("table.items.parquet").unlink()
    (home / "study.yaml").write_text(SPEC)
    assert main(["check", str(home / "study.yaml")]) == 0
    assert main(["analyze", str(home / "study.yaml"), "--results", str(home / "results")]) == 0
    written = read_table(home / "results" / "imported" / "measurements.parquet")
    assert set(written["kind"]) == {"config", "indicator", "outcome"}
    assert written["digest"].notna().all()
    assert all(str(runs) in source for source in written["source"])
    assert "tiny-step1000" in (home / "results" / "imported" / "report.html").read_text(encoding="utf-8")
    (home / "study.yaml").write_text(SPEC.replace("outcome: colours", "outcome: colour"))
    assert main(["analyze", str(home / "study.yaml"), "--results", str(home / "more")]) == 2
    assert "select.primary.outcome: unknown outcome 'colour'; did you mean" in capsys.readouterr().err
    assert not (home / "more").exists()


@pytest.mark.slow
def test_a_long_table_and_its_mapping_are_enough_as_well(tmp_path: Path) -> None:
    cells = [f"v{i},{tuned},quiz,{score}" for i in range(5) for tuned, score in (("none", i / 8), ("quiz", i / 5))]
    (tmp_path / "long.csv").write_text("\n".join(["model,tuned,task,score", *cells]) + "\n")
    mapping = "variant: model, name: [tuned, task], value: score, indicators: {tuned: none}, outcomes: others"
    (tmp_path / "study.yaml").write_text(
        f"study: long\nmeasurements:\n  - path: long.csv\n    long: {{{mapping}}}\n"
        "select: {primary: {outcome: quiz.quiz, indicator: none.quiz}, bootstraps: 100, permutations: 200, splits: 3}\n"
    )
    assert main(["analyze", str(tmp_path / "study.yaml"), "--results", str(tmp_path / "results")]) == 0
    selection = json.loads((tmp_path / "results" / "long" / "selection.json").read_text(encoding="utf-8"))
    assert list(selection["outcomes"]) == ["quiz.quiz"]
    assert (tmp_path / "results" / "long" / "report.html").is_file()


def test_a_primary_claim_is_looked_for_in_the_table_before_anything_is_written(
    tmp_path: Path, imported: Import, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    imported(write_old(tmp_path / "a.json", ppl=9.0), "--kind", "outcome")
    spec = out.with_name("study.yaml")
    spec.write_text("study: s\nmeasurements: [{path: table.parquet, tidy: {}}]\nselect: {primary: {outcome: quizz}}\n")
    assert main(["check", str(spec)]) == 2
    expected = f"{spec}:3 select.primary.outcome: unknown outcome; got 'quizz'; did you mean \"quiz\"?"
    assert capsys.readouterr().err.strip().endswith(expected)
    imported(tmp_path / "a.json", "--force")
    assert main(["check", str(spec)]) == 2
    assert "no table has an outcome; say under `outcomes` which names are" in capsys.readouterr().err


def test_indicators_and_outcomes_of_the_same_variants_may_come_from_two_imports(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for step in range(4):
        write_run(tmp_path / "base" / str(step), step)
        write_run(tmp_path / "tuned" / str(step), step)
    for folder, kind in (("base", "indicator"), ("tuned", "outcome")):
        arguments = [str(tmp_path / folder), "--kind", kind, "--out", str(tmp_path / f"{folder}.csv")]
        assert main(["import", "lm-eval", *arguments]) == 0
    spec = tmp_path / "study.yaml"
    spec.write_text("study: s\nmeasurements: [{path: base.csv, tidy: {}}, {path: tuned.csv, tidy: {}}]\n")
    assert main(["check", str(spec)]) == 0
    spec.write_text(spec.read_text().replace("base.csv, tidy: {}", "base.csv, tidy: {outcomes: [quiz]}"))
    assert main(["check", str(spec)]) == 2
    assert "expected one row per kind, name, variant" in capsys.readouterr().err


def test_three_variants_are_too_few_and_nothing_is_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for step in range(3):
        write_run(tmp_path / "runs" / str(step), step)
    assert (
        main(["import", "lm-eval", str(tmp_path / "runs"), "--kind", "outcome", "--out", str(tmp_path / "t.csv")]) == 0
    )
    (tmp_path / "study.yaml").write_text("study: s\nmeasurements: [{path: t.csv, tidy: {}}]\n")
    assert main(["analyze", str(tmp_path / "study.yaml"), "--results", str(tmp_path / "results")]) == 2
    assert "quiz: too few variants have this outcome; expected at least 4, got 3" in capsys.readouterr().err
    assert not (tmp_path / "results" / "s").exists()


def test_a_short_command_is_enough(tmp_path: Path, imported: Import) -> None:
    for step in (1, 2):
        write_run(tmp_path / "runs" / str(step), step)
    assert numbers(imported(tmp_path / "runs"), "quiz") == {"small-step1": 0.75, "small-step2": 0.75}


def test_a_pattern_over_paths_names_variants_steps_and_seeds(tmp_path: Path, imported: Import) -> None:
    for variant, seed in (("clm", 0), ("clm", 1), ("sc", 0)):
        write_run(tmp_path / f"{variant}-ft{seed}", seed)
    pattern = r"/(?P<variant>\w+)-ft(?P<seed>\d+)/"
    table = imported(tmp_path / "*-ft*", "--variant", pattern, "--kind", "outcome", "--checkpoints", "points",
                     "--tokens-per-step", "1k")  # fmt: skip
    assert list(zip(table["variant"], table["seed"], strict=True)) == [("clm", 0), ("clm", 1), ("sc", 0)]
    assert set(table["kind"]) == {"outcome"}


def test_directions_come_from_the_file_the_user_or_the_name(tmp_path: Path, imported: Import) -> None:
    path = write_old(tmp_path / "old.json", ppl=30.0, oddity=3.0)
    table = imported(path, "--lower", "oddity").set_index("name")
    directions = table["higher_is_better"].dropna().to_dict()
    assert directions == {"quiz": True, "quiz.ppl": False, "quiz.oddity": False}


def test_a_score_in_percent_is_taken_if_that_is_said(tmp_path: Path, imported: Import) -> None:
    path = write_old(tmp_path / "old.json", acc=25.0, acc_stderr=1.0)
    assert numbers(imported(path, "--percent", "acc"), "quiz") == {"small-step1": 25.0}


def test_the_same_number_may_be_read_twice(tmp_path: Path, imported: Import) -> None:
    for name in ("a.json", "b.json"):
        write_old(tmp_path / name)
    table = imported(tmp_path)
    assert list(table[table["name"] == "quiz"]["source"]) == [f"{tmp_path / 'a.json'}:results.quiz.acc"]


def test_other_json_in_a_folder_is_left_out_and_said(
    tmp_path: Path, imported: Import, capsys: pytest.CaptureFixture[str]
) -> None:
    write_old(tmp_path / "runs" / "a.json")
    (tmp_path / "runs" / "tokenizer.json").write_text("{}")
    imported(tmp_path / "runs")
    assert "JSON files that hold no results and were left out: 1" in capsys.readouterr().out


def test_an_import_replaces_a_table_only_when_told_and_then_wholly(
    tmp_path: Path, imported: Import, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = write_run(tmp_path / "runs")
    imported(run)
    before = out.read_bytes()
    assert main(["import", "lm-eval", str(run), "--out", str(out)]) == 2
    assert "this file is there already; say --force to replace it" in capsys.readouterr().err
    assert out.read_bytes() == before
    imported(run, "--force", "--no-items")
    assert [path.name for path in out.parent.iterdir()] == ["table.parquet"]


STRANGE = (None, True, -1, 3.5, 10**30, float("nan"), "x", "", "../x", "\0", [], [1], {}, {"a": None})


def places(value: Any) -> list[tuple[Any, Any]]:
    """All (container, key) inside a JSON value."""
    keys = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else []
    return [place for key in keys for place in ((value, key), *places(value[key]))]


@pytest.mark.parametrize("seed", range(60))
def test_a_file_with_strange_parts_is_read_or_refused_and_never_half_of_it(
    tmp_path: Path, out: Path, seed: int
) -> None:
    rng = random.Random(seed)
    run = write_run(tmp_path / "runs")
    path = run if seed % 2 else run.with_name("samples_quiz_T1.jsonl")
    lines = [json.loads(line) for line in ([path.read_text()] if seed % 2 else path.read_text().splitlines())]
    for _ in range(rng.randint(1, 3)):
        container, key = rng.choice(places(lines))
        container[key] = copy.deepcopy(rng.choice(STRANGE))
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    code = main(["import", "lm-eval", str(tmp_path / "runs"), "--out", str(out)])
    assert (code, out.exists()) in ((0, True), (2, False))


class TestRefused:
    def test_a_file_cut_in_the_middle(self, tmp_path: Path, refused: Refused) -> None:
        path = write_run(tmp_path / "runs")
        path.write_text(path.read_text()[:150])
        line = len(path.read_text().splitlines())
        assert f"{path}:{line}: the file ends in the middle; got" in refused(tmp_path / "runs")

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("", "1: the file is empty"),
            ("a,b\n1,2\n", "1: not a result file; got 'Expecting value in column 1'"),
            ('{"results":\n {"quiz" 1}}', "2: damaged JSON; got \"Expecting ':' delimiter in column 10\""),
            ("[1]", " not a result file; expected the keys results and config, as lm-evaluation-harness writes them"),
        ],
    )
    def test_files_that_hold_no_results(self, tmp_path: Path, refused: Refused, text: str, said: str) -> None:
        (tmp_path / "a.json").write_text(text)
        assert f"a.json:{said}" in refused(tmp_path / "a.json")

    def test_a_file_of_another_kind(self, tmp_path: Path, refused: Refused) -> None:
        (tmp_path / "config.json").write_text('{"hidden_size": 16}')
        said = refused(tmp_path / "config.json")
        assert "config.json: not a result file; expected the keys results and config" in said
        assert "no result files here; got '1 other JSON files'" in refused(tmp_path)

    def test_two_files_that_disagree(self, tmp_path: Path, refused: Refused) -> None:
        first, second = write_old(tmp_path / "a.json"), write_old(tmp_path / "b.json", acc=0.5)
        said = refused(tmp_path)
        assert f"{second}:results.quiz.acc: two files disagree on quiz acc of small-step1" in said
        assert f"expected 0.25, as {first}:results.quiz.acc says, got 0.5" in said

    def test_two_models_under_one_name(self, tmp_path: Path, refused: Refused) -> None:
        first, second = write_old(tmp_path / "a.json"), write_old(tmp_path / "b.json")
        second.write_text(second.read_text().replace("org/small", "other/small"))
        assert f'{second}: two models would be called "small"; expected org/small, as in {first}' in refused(tmp_path)

    @pytest.mark.parametrize("value", [1.7, -0.1])
    def test_a_score_out_of_range(self, tmp_path: Path, refused: Refused, value: float) -> None:
        path = write_old(tmp_path / "a.json", acc=value)
        wanted = f"{path}:results.quiz.acc: outside the metric's range; expected 0 to 1, got {value}"
        assert refused(path) == f"{wanted}; if it is in percent, say --percent acc"

    def test_a_score_above_a_hundred_percent(self, tmp_path: Path, refused: Refused) -> None:
        assert "expected 0 to 100, got 101" in refused(write_old(tmp_path / "a.json", acc=101), "--percent", "acc")

    def test_what_is_no_number(self, tmp_path: Path, refused: Refused) -> None:
        path = write_old(tmp_path / "a.json", acc=float("nan"))
        assert f"{path}:results.quiz.acc: not a finite number; got 'nan'" in refused(path)
        path = write_old(tmp_path / "a.json", acc="high")
        assert f"{path}:results.quiz.acc: not a number; got 'high'" in refused(path)

    def test_a_metric_of_unknown_direction(self, tmp_path: Path, refused: Refused) -> None:
        path = write_old(tmp_path / "a.json", oddity=3.0)
        assert 'whether a higher "oddity" is better is written nowhere; say --higher oddity' in refused(path)

    def test_a_metric_that_no_file_has(self, tmp_path: Path, refused: Refused) -> None:
        path = write_old(tmp_path / "a.json")
        assert "--metric: no file has this metric; got 'acx'; did you mean \"acc\"?" in refused(path, "--metric", "acx")

    def test_paths_that_are_not_there(self, tmp_path: Path, refused: Refused) -> None:
        assert "no such file or folder; check the path or the glob" in refused(tmp_path / "*.json")
        assert "no result files here" in refused(tmp_path)

    @pytest.mark.skipif(os.geteuid() == 0, reason="nothing is unreadable for root")
    def test_paths_that_may_not_be_read(self, tmp_path: Path, refused: Refused) -> None:
        path = write_old(tmp_path / "runs" / "a.json")
        path.chmod(0)
        assert f"{path}: cannot be read; got 'Permission denied'" in refused(path)
        path.parent.chmod(0)
        assert "cannot be read; got 'Permission denied'" in refused(tmp_path)
        path.parent.chmod(0o700)

    def test_a_path_that_cannot_be_read_even_by_root(self, tmp_path: Path, refused: Refused) -> None:
        (tmp_path / "loop.json").symlink_to("loop.json")
        assert f"{tmp_path / 'loop.json'}: cannot be read; got 'Too many levels of symbolic links'" in refused(tmp_path)

    def test_samples_of_another_run(self, tmp_path: Path, refused: Refused) -> None:
        run = write_run(tmp_path / "runs" / "1", 1)
        other = write_run(tmp_path / "runs" / "2", 2)
        samples = run.with_name("samples_quiz_T1.jsonl")
        samples.write_bytes(other.with_name("samples_quiz_T1.jsonl").read_bytes())
        assert f"{samples}: samples of another run; expected samples with the hash" in refused(run)

    def test_samples_whose_result_file_is_gone(self, tmp_path: Path, refused: Refused) -> None:
        run = write_run(tmp_path / "runs")
        (tmp_path / "runs" / "samples_quiz_T2.jsonl").write_text("{}\n")
        assert "samples_quiz_T2.jsonl: samples of another run; expected a result file of the same time" in refused(run)

    def test_samples_that_do_not_give_the_stated_number(self, tmp_path: Path, refused: Refused) -> None:
        run = write_run(tmp_path / "runs", **{"acc,none": 0.5})
        assert "expected a mean acc of 0.5, as results.quiz.acc,none says, got 0.75" in refused(run)

    def test_too_few_samples(self, tmp_path: Path, refused: Refused) -> None:
        run = write_run(tmp_path / "runs")
        content = json.loads(run.read_text())
        content["n-samples"]["quiz"]["effective"] = 5
        run.write_text(json.dumps(content))
        assert "samples of another run; expected 5 samples, as results.quiz.acc,none says, got 4" in refused(run)

    def test_samples_cut_in_the_middle(self, tmp_path: Path, refused: Refused) -> None:
        run = write_run(tmp_path / "runs")
        samples = run.with_name("samples_quiz_T1.jsonl")
        samples.write_text(samples.read_text()[:-20])
        assert f"{samples}:4: damaged or cut off; expected a sample as JSON" in refused(run)

    @pytest.mark.parametrize(
        ("option", "said"),
        [
            (("--variant", "("), "--variant: not a regular expression; got '('"),
            (("--variant", "step"), "--variant: the pattern names the wrong groups; expected at least one of"),
            (("--variant", "(?P<step>x+)"), "a.json: --variant matches neither path nor model"),
            (("--variant", "(?P<tokens>[a-z]+).json"), "a.json: tokens found by --variant; got 'a'"),
            (("--tokens-per-step", "1.5"), "--tokens-per-step: that is not a whole number"),
            (("--checkpoints", "points"), "a.json: the tokens of a step are not known; got 'step 1'"),
            (("--higher", "acc", "--lower", "acc"), "both --higher and --lower name this metric; got 'acc'"),
        ],
    )
    def test_options_that_make_no_sense(
        self, tmp_path: Path, refused: Refused, option: tuple[str, ...], said: str
    ) -> None:
        assert said in refused(write_old(tmp_path / "a.json"), *option)

    def test_a_folder_that_is_a_file(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        path = write_old(tmp_path / "a.json")
        for out in (path / "t.csv", path / "more" / "t.csv"):
            assert main(["import", "lm-eval", str(path), "--out", str(out)]) == 2
            assert f"{path} --out: this is a file, not a folder" in capsys.readouterr().err

    def test_a_table_of_unknown_format(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        path = write_old(tmp_path / "a.json")
        assert main(["import", "lm-eval", str(path), "--out", str(tmp_path / "t.xlsx")]) == 2
        assert "--out: the table is written as .parquet or .csv" in capsys.readouterr().err


def test_what_is_no_number_is_no_matter_where_another_metric_is_asked_for(tmp_path: Path, imported: Import) -> None:
    path = write_old(tmp_path / "old.json", words="x", nothing=None)
    assert numbers(imported(path, "--metric", "acc"), "quiz") == {"small-step1": 0.25}


def test_a_named_variant_is_not_split_by_the_step_of_its_fine_tuning(tmp_path: Path, imported: Import) -> None:
    path = write_old(tmp_path / "clm-sft1" / "r.json", step=500)
    assert set(imported(path, "--variant", r"(?P<variant>[^/]+)-sft(?P<seed>\d+)/")["variant"]) == {"clm"}


def test_a_revision_may_say_its_tokens_after_the_step(tmp_path: Path, imported: Import) -> None:
    path = write_old(tmp_path / "r.json", step="1000-tokens4B")
    table = imported(path, "--checkpoints", "points", "--tokens-per-step", "4194304")
    assert table[["variant", "checkpoint_tokens"]].iloc[0].tolist() == ["small", 4_194_304_000]


@pytest.mark.parametrize("option", ["--metric", "--prefer", "--higher", "--lower", "--percent"])
def test_a_misspelt_metric_is_refused(tmp_path: Path, option: str, capsys: pytest.CaptureFixture[str]) -> None:
    path = write_old(tmp_path / "old.json")
    assert main(["import", "lm-eval", str(path), option, "accc", "--out", str(tmp_path / "t.csv")]) == 2
    assert f"{option}: no file has this metric; got 'accc'; did you mean \"acc\"?" in capsys.readouterr().err
    assert not (tmp_path / "t.csv").exists()


def test_an_empty_path_is_not_the_folder_we_are_in(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["import", "lm-eval", "", "--out", str(tmp_path / "t.csv")]) == 2
    assert "no such file or folder" in capsys.readouterr().err
