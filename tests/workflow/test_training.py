"""A study in which a variant diverges and another one keeps checkpoints on the way: a result like any other."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest

from tests.preloading.preloaded import Preloaded
from tests.workflow.project import TINY, Project, new_project

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("diverging study")]

SPEC = TINY.replace(
    "    - {name: hot, objective: clm, mixture: even, lr: 5e-3}\n",
    "    - {name: wild, objective: clm, mixture: even, lr: 9, clip: 1e9, patience: 3}\n"
    "    - {name: long, objective: plm, mixture: even, checkpoints: [10k, 20k], anneal: true}\n",
)


@dataclass(frozen=True)
class Told(Project):
    """A project after a run, and what Snakemake said."""

    said: str = ""


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory, preloaded: Preloaded) -> Told:
    project = new_project(tmp_path_factory.mktemp("diverging"), SPEC, preloaded)
    done = project.snakemake()
    assert done.code == 0, done.output
    return Told(project.folder, preloaded, done.output)


def receipts(study: Project, stage: str) -> dict[str, dict[str, object]]:
    """Label → the first unit of a job's receipt."""
    files = (study.results / "tiny" / "receipts" / stage).glob("*.json")
    found = [json.loads(path.read_text()) for path in files]
    return {receipt["label"]: receipt["units"][0] for receipt in found}


def entry(study: Project, unit: dict[str, object]) -> dict[str, object]:
    content: dict[str, object] = json.loads((study.results / "store" / str(unit["store"]) / "receipt.json").read_text())
    return content


def table(study: Told) -> pd.DataFrame:
    return pd.read_parquet(study.results / "tiny" / "measurements.parquet")


def test_a_variant_that_diverges_does_not_stop_the_study(study: Told) -> None:
    trained = receipts(study, "pretrain")
    assert {label: unit["status"] for label, unit in trained.items()} == {
        "clm-even": "ok", "clm-most": "ok", "sc-even": "ok", "sc-most": "ok", "wild": "diverged", "long": "ok",
    }  # fmt: skip
    assert str(entry(study, trained["wild"])["reason"]).startswith("loss ")


def test_what_would_have_come_of_it_is_skipped_with_a_reason(study: Told) -> None:
    for stage in ("indicators", "finetune", "evaluate"):
        unit = receipts(study, stage)["wild"]
        assert unit["status"] == "skipped"
        assert str(entry(study, unit)["reason"]).startswith("its pretrain has diverged: loss ")
        assert unit["artifacts"] == {}


def test_the_terminal_says_so_at_the_end_and_when_asked(study: Told) -> None:
    for said in (study.said, study.ptp("status", "tiny.yaml").output, study.ptp("summary", "tiny.yaml").output):
        assert "pretrain of wild has diverged (loss " in said


def test_it_is_in_the_report_and_not_in_the_table(study: Told) -> None:
    assert set(table(study)["variant"]) == {"clm-even", "clm-most", "sc-even", "sc-most", "long"}
    page = (study.results / "tiny" / "report.html").read_text()
    assert "pretrain of wild has diverged (loss " in page


def test_nothing_is_left_to_do(study: Told) -> None:
    assert study.stale() == []


def test_branches_from_checkpoints_on_the_way_are_measured(study: Told) -> None:
    assert set(receipts(study, "anneal")) == {"long at 10k tokens", "long at 20k tokens"}
    rows = table(study)
    rows = rows[(rows["variant"] == "long") & (rows["name"] == "ppl_clm")]
    assert sorted(rows["checkpoint_tokens"]) == [10_000, 20_000, 32_000]
    assert rows["value"].nunique() == 3
    run = Path(str(receipts(study, "pretrain")["long"]["store"]))
    folder = study.results / "store" / run / "checkpoints" / "10000"
    assert {path.name for path in folder.iterdir()} >= {"model.safetensors", "moments.safetensors", "tokenizer.json"}
