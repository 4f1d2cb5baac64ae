"""The study over real text and real tasks: it runs through, its models learn, and its report can be read."""

from __future__ import annotations

import csv
import os
import subprocess
from pathlib import Path

import pandas as pd
import pytest

from tests.preloading.preloaded import Preloaded
from tests.workflow.project import REPOSITORY

SPEC = REPOSITORY / "tests" / "studies" / "real_text.yaml"

pytestmark = [
    pytest.mark.xdist_group("real text"),
    pytest.mark.slow,
    pytest.mark.data,
    pytest.mark.skipif(
        not Path(os.environ.get("PTP_DATA_ROOT", "/nowhere")).is_dir(),
        reason="PTP_DATA_ROOT does not name a folder with text/ and tasks/",
    ),
]


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory, preloaded: Preloaded) -> Path:
    folder = tmp_path_factory.mktemp("real-text")
    command = [preloaded.command("snakemake"), "--snakefile", str(REPOSITORY / "Snakefile"), "--directory", str(folder)]
    command += ["--profile", str(REPOSITORY / "profiles" / "default"), "--config", f"study={SPEC}"]
    environment = os.environ | preloaded.environment
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=1200, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "results"


def test_every_variant_has_every_indicator_and_outcome(results: Path) -> None:
    table = pd.read_csv(results / "real-text" / "measurements.csv")
    counts = table.groupby(["kind", "name"])["variant"].nunique()
    for name in ("ppl_clm", "ppl_sc", "kshot_openbookqa", "kshot_nq_open"):
        assert counts["indicator", name] == 4
    for name in ("openbookqa", "nq_open"):
        assert counts["outcome", name] == 4


def test_held_out_loss_falls_as_training_goes_on(results: Path) -> None:
    curves = list(results.glob("store/pretrain/*/held_out.csv"))
    assert len(curves) == 4
    for path in curves:
        losses = [float(row["loss"]) for row in csv.DictReader(path.open())]
        assert losses[-1] < losses[0] - 1.0, f"{path}: less than a nat was learned"
        assert losses[-1] < min(losses[: len(losses) // 2])


def test_perplexity_is_far_below_that_of_guessing(results: Path) -> None:
    table = pd.read_csv(results / "real-text" / "measurements.csv")
    perplexities = table.query("name == 'ppl_clm'")["value"]
    vocabulary = 1024
    assert (perplexities < vocabulary / 3).all()


def test_the_report_names_every_variant_and_task(results: Path) -> None:
    page = (results / "real-text" / "report.html").read_text()
    for name in ("clm-even", "clm-prose", "sc+clm-even", "sc+clm-prose", "openbookqa", "nq_open"):
        assert name in page
