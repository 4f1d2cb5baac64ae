"""A whole study through Snakemake: what it leaves behind, and what it runs again after each kind of change."""

from __future__ import annotations

import json
import os
import shutil
import time
from pathlib import Path

import pandas as pd
import pytest

from tests.workflow.project import TINY, Project

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("tiny study")]

SUMMARIES = ["compare the variants", "report", "table of all measurements"]


def chain(*names: str) -> list[str]:
    """All that a variant takes, for each variant named."""
    return [f"{stage} {name}" for name in names for stage in ("pre-train", "indicators of", "fine-tune", "evaluate")]


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


class TestAFinishedStudy:
    def test_has_a_number_for_every_variant_indicator_outcome_and_seed(self, finished: Project) -> None:
        table = pd.read_parquet(finished.results / "tiny" / "measurements.parquet")
        counts = table.groupby("kind")["name"].count()
        assert counts["indicator"] == 5 * 2
        assert counts["outcome"] == 5 * 2
        assert set(table.query("kind == 'config'")["name"]) == {"objective", "mixture", "lr"}

    def test_has_a_selection_that_names_every_variant(self, finished: Project) -> None:
        selection = json.loads((finished.results / "tiny" / "selection.json").read_text())
        ranked = [row["variant"] for row in selection["outcomes"]["cbqa"]["ranking"]]
        assert sorted(ranked) == sorted(["clm-even", "clm-most", "sc-even", "sc-most", "hot"])

    def test_has_a_report_and_a_log_for_every_job(self, finished: Project) -> None:
        home = finished.results / "tiny"
        assert "<html" in (home / "report.html").read_text()
        jobs = {path.relative_to(home / "jobs").with_suffix("") for path in (home / "jobs").rglob("*.json")}
        logs = {path.relative_to(home / "logs").with_suffix("") for path in (home / "logs").rglob("*.log")}
        assert jobs == logs

    def test_has_its_page_in_snakemakes_own_report(self, finished: Project) -> None:
        done = finished.snakemake("--report", "snakemake.html")
        assert done.code == 0, done.output
        text = (finished.folder / "snakemake.html").read_text()
        assert "which variant to fine-tune" in text
        assert "what the audit of the measurements found" in text  # the caption
        assert "tiny/receipts/report/" in text

    def test_keeps_a_receipt_that_matches_its_artifacts(self, finished: Project) -> None:
        store = finished.results / "store"
        checkpoint = next((store / "pretrain").iterdir())
        receipt = json.loads((checkpoint / "receipt.json").read_text())
        files = {p.name for p in checkpoint.iterdir()} - {"receipt.json"}
        assert set(receipt["artifacts"]) == files
        assert not list(store.glob("*/*.partial"))


class TestAPathWithSpaces:
    def test_is_quoted_wherever_it_goes(self, project: Project) -> None:
        shutil.rmtree(project.results)
        done = project.snakemake("results=my results $HOME", "--until", "task")
        assert done.code == 0, done.output
        assert list((project.folder / "my results $HOME" / "store" / "task").iterdir())
        assert not (project.folder / "my").exists()


class TestTheCommands:
    def test_status_says_that_all_is_done(self, finished: Project) -> None:
        done = finished.ptp("status", "tiny.yaml")
        assert done.code == 0
        assert "pretrain    5     5" in done.output

    def test_summary_gives_the_verdict_the_spread_and_the_time(self, finished: Project) -> None:
        done = finished.ptp("summary", "tiny.yaml")
        assert done.code == 0
        assert "On cbqa" in done.output
        assert "sd between variants" in done.output
        assert "in training steps" in done.output

    def test_summary_before_the_run_says_how_to_get_one(self, project: Project) -> None:
        edit(project.spec, "study: tiny", "study: new")
        done = project.ptp("summary", "tiny.yaml")
        assert (done.code, done.output.count("\n")) == (2, 1)
        assert "snakemake --config study=tiny.yaml" in done.output

    @pytest.mark.parametrize(
        ("file", "old"), [("receipts/pretrain/*.json", "peak_memory_mb"), ("selection.json", "sd")]
    )
    def test_summary_of_what_was_edited_by_hand_is_a_line(self, project: Project, file: str, old: str) -> None:
        edit(next((project.results / "tiny").glob(file)), f'{old}"', 'edited"')
        done = project.ptp("summary", "tiny.yaml")
        assert (done.code, "edited by hand" in done.output, "Traceback" in done.output) == (2, True, False), done.output


class TestNothingIsRunAgain:
    def test_when_nothing_changed(self, project: Project) -> None:
        done = project.snakemake()
        assert "Nothing to be done" in done.output

    @pytest.mark.parametrize(
        ("old", "new"),
        [
            ("seed: 1\n", "seed: 1 # a comment\n"),
            ("lr: 3e-3}", "lr: 0.003}"),
            ("tokens: 32k", "tokens: 32_000"),
            ("finetune: {tasks: [cbqa], seeds: [0, 1], steps: 5}", "finetune: {tasks: [cbqa], steps: 5}"),
            ("{facts: 4, reading: 2, stories: 1, code: 1}", "{facts: 8, reading: 4, stories: 2, code: 2}"),
        ],
        ids=["a comment", "another spelling", "a suffix", "a default left out", "weights times two"],
    )
    def test_when_the_spec_says_the_same_in_other_words(self, project: Project, old: str, new: str) -> None:
        edit(project.spec, old, new)
        trained = [label for label in project.stale() if label not in SUMMARIES]
        assert trained == []

    def test_when_an_execution_setting_changed(self, project: Project) -> None:
        project.spec.write_text(TINY + "execution: {save_seconds: 3}\n")
        assert [label for label in project.stale() if label not in SUMMARIES] == []

    def test_when_every_file_was_touched(self, project: Project) -> None:
        later = time.time() + 100
        for path in project.folder.rglob("*"):
            if path.is_file() and ".snakemake" not in path.parts:
                os.utime(path, (later, later))
        assert project.stale() == []

    def test_when_snakemakes_own_records_are_lost(self, project: Project) -> None:
        (project.folder / ".snakemake").rename(project.folder / "elsewhere")
        assert project.stale() == []

    def test_when_a_comment_or_docstring_or_code_that_nobody_reaches_changed(self, project: Project) -> None:
        module = project.folder / "ptp_core" / "training" / "pretrain.py"
        edit(module, '"""Stage ``pretrain``', '"""The stage ``pretrain``')
        module.write_text(module.read_text() + "\n# a thought\n\n\nNOBODY_ASKS = 1\n")
        assert project.stale() == []


class TestExactlyTheStaleJobsAreRunAgain:
    def test_a_renamed_variant_is_not_trained_again(self, project: Project) -> None:
        edit(project.spec, "name: hot", "name: warm")
        assert project.stale() == SUMMARIES

    def test_an_added_variant_runs_its_jobs_and_the_summaries(self, project: Project) -> None:
        edit(project.spec, "lr: 5e-3}\n", "lr: 5e-3}\n    - {name: hotter, objective: clm, mixture: even, lr: 6e-3}\n")
        assert project.stale() == sorted(chain("hotter") + SUMMARIES)

    def test_a_removed_variant_runs_the_summaries_only(self, project: Project) -> None:
        edit(project.spec, "    - {name: hot, objective: clm, mixture: even, lr: 5e-3}\n", "")
        edit(project.spec, "  include:\n", "")
        assert project.stale() == SUMMARIES

    def test_a_learning_rate_changed_runs_that_variants_chain(self, project: Project) -> None:
        edit(project.spec, "lr: 5e-3", "lr: 7e-3")
        assert project.stale() == sorted(chain("hot") + SUMMARIES)

    def test_an_added_indicator_trains_nothing(self, project: Project) -> None:
        edit(project.spec, "indicators: [ppl_clm, kshot_cbqa]", "indicators: [ppl_clm, ppl_sc, kshot_cbqa]")
        names = ["clm-even", "clm-most", "sc-even", "sc-most", "hot"]
        assert project.stale() == sorted([f"indicators of {name}" for name in names] + SUMMARIES)

    def test_other_fine_tuning_keeps_the_checkpoints(self, project: Project) -> None:
        edit(project.spec, "steps: 5", "steps: 6")
        names = ["clm-even", "clm-most", "sc-even", "sc-most", "hot"]
        expected = [f"{stage} {name}" for stage in ("fine-tune", "evaluate") for name in names]
        assert project.stale() == sorted(expected + SUMMARIES)

    def test_a_changed_line_of_analysis_code_compares_again(self, project: Project) -> None:
        module = project.folder / "ptp_core" / "stats" / "multiplicity.py"
        edit(module, "maximum.accumulate(steps)", "maximum.accumulate(1.0 * steps)")
        assert "compare the variants" in project.stale()
        assert [label for label in project.stale() if label not in SUMMARIES] == []

    def test_training_code_whose_change_is_declared_harmless_trains_nothing(self, project: Project) -> None:
        edit(project.folder / "ptp_core" / "training" / "run.py", "HELD_OUT_POINTS = 8", "HELD_OUT_POINTS = 4")
        said = project.ptp("adopt", "tiny.yaml", "--reason", "only how often the curve is drawn")
        assert (said.code, "~ ptp_core.training.run:HELD_OUT_POINTS" in said.output) == (0, True), said.output
        assert project.stale() == []
        edit(project.folder / "tiny.lock", '"reason"', '"because"')
        said = project.ptp("status", "tiny.yaml")
        assert (said.code, "tiny.lock:" in said.output, "Traceback" in said.output) == (2, True, False)

    def test_an_edit_stays_stale_whatever_is_touched_after_it(self, project: Project) -> None:
        edit(project.spec, "splits: 2", "splits: 3")
        assert project.stale() == ["compare the variants", "report"]
        for path in project.folder.rglob("*"):
            if path.is_file() and ".snakemake" not in path.parts:
                os.utime(path, (time.time() + 100, time.time() + 100))
        assert project.stale() == ["compare the variants", "report"]

    def test_a_removed_report_is_written_again(self, project: Project) -> None:
        (project.results / "tiny" / "report.html").unlink()
        assert project.stale() == ["report"]

    def test_an_emptied_store_is_filled_again_when_something_needs_it(self, project: Project) -> None:
        shutil.rmtree(project.results / "store")
        assert project.stale() == []
        assert project.ptp("summary", "tiny.yaml").code == 0
        edit(project.spec, "indicators: [ppl_clm, kshot_cbqa]", "indicators: [ppl_clm]")
        assert set(chain("clm-even", "clm-most", "sc-even", "sc-most", "hot")) <= set(project.stale())

    def test_an_undone_edit_costs_nothing(self, project: Project) -> None:
        edit(project.spec, "lr: 5e-3", "lr: 7e-3")
        project.stale()
        edit(project.spec, "lr: 7e-3", "lr: 5e-3")
        assert project.stale() == []

    def test_a_lost_receipt_is_written_again_without_training(self, project: Project) -> None:
        for receipt in (project.results / "tiny" / "receipts" / "pretrain").iterdir():
            receipt.unlink()
        assert project.stale() == []

    def test_a_second_study_shares_the_first_ones_checkpoints(self, project: Project) -> None:
        edit(project.spec, "study: tiny", "study: other")
        assert project.stale() == SUMMARIES
