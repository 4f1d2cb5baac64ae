"""A ladder of four sizes with laws, and its checkpoints before and after fine-tuning, through the real Snakemake."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.preloading.preloaded import Preloaded
from tests.workflow.project import Project, new_project

pytestmark = pytest.mark.slow

STUDY = """\
study: tiny
seed: 1
data: {world: {people: 24, words: 20000, train_items: 32, test_items: 16}}
mixtures: {even: {facts: 1, reading: 1}}
pretrain:
  defaults: {tokens: 64k, sequence_length: 64, batch_tokens: 1024, lr: 3e-3, mixture: even, checkpoints: [16k, 32k]}
  include:
    - {name: s, model: nano-24}
    - {name: m, model: nano-32}
    - {name: l, model: nano-48}
    - {name: xl, model: nano}
finetune: {tasks: [cbqa], seeds: [0, 1], steps: 5, intermediate: {variants: [s, m], checkpoints: [16k]}}
indicators: {ppl_clm: {quantities: [bits_per_byte]}, kshot_cbqa: {}}
select: {bootstraps: 100, permutations: 100, splits: 2}
scaling:
  losses: [ppl_clm.bits_per_byte]
  bootstraps: 50
dynamics: {}
"""


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory, preloaded: Preloaded) -> Project:
    project = new_project(tmp_path_factory.mktemp("scaling"), STUDY, preloaded)
    done = project.snakemake()
    assert done.code == 0, done.output
    return project


def read(study: Project, name: str) -> Any:
    return json.loads((home(study) / name).read_text(encoding="utf-8"))


def home(study: Project) -> Path:
    return study.results / "tiny"


def test_the_largest_model_is_held_out_and_stands_beside_what_was_predicted(study: Project) -> None:
    found = read(study, "scaling.json")
    assert {run["run"]: run["role"] for run in found["runs"]} == {"s": "fit", "m": "fit", "l": "fit", "xl": "held_out"}
    forms = found["targets"]["xl"]["ppl_clm.bits_per_byte"]
    sound = [form for form in forms.values() if form["predicted"] is not None]
    assert sound
    for form in sound:
        assert form["relative_error"] == pytest.approx(abs(form["predicted"] / form["actual"] - 1), rel=1e-6)


def test_sizes_and_compute_are_those_of_the_models(study: Project) -> None:
    runs = {run["run"]: run for run in read(study, "scaling.json")["runs"]}
    assert runs["s"]["params"] < runs["m"]["params"] < runs["l"]["params"] < runs["xl"]["params"]
    assert all(run["tokens"] == 64_000 for run in runs.values())
    assert all(run["compute"] > 6 * run["params"] * run["tokens"] for run in runs.values())


def test_a_checkpoint_on_the_way_has_its_gain(study: Project) -> None:
    cells = read(study, "dynamics.json")["cells"]
    early = {cell["variant"] for cell in cells if cell["tokens"] < 20_000}
    assert early == {"s", "m"}


def test_every_page_leads_to_the_others(study: Project) -> None:
    pages = ("report.html", "scaling.html", "dynamics.html")
    for own in pages:
        text = (home(study) / own).read_text(encoding="utf-8")
        for other in pages:
            assert (f'href="./{other}"' in text) == (other != own)


def test_a_setting_of_the_laws_fits_them_anew_and_trains_nothing(study: Project) -> None:
    study.spec.write_text(STUDY.replace("bootstraps: 50", "bootstraps: 60"))
    assert study.stale() == ["from compute to loss to performance", "report"]
    study.spec.write_text(STUDY.replace("dynamics: {}", "dynamics: {seed: 1}"))
    assert study.stale() == ["before and after fine-tuning", "report"]
    study.spec.write_text(STUDY)
    assert study.stale() == []


def test_the_laws_answer_on_the_command_line(study: Project) -> None:
    said = study.ptp("scale", "tiny.yaml")
    assert said.code == 0, said.output
    assert "xl" in said.output
    loss = read(study, "scaling.json")["targets"]["xl"]["ppl_clm.bits_per_byte"]
    goal = max(form["predicted"] for form in loss.values() if form["predicted"]) * 1.001
    said = study.ptp("scale", "tiny.yaml", "--target", f"ppl_clm.bits_per_byte={goal}")
    assert said.code == 0, said.output
    assert "FLOPs" in said.output
    wrong = study.ptp("scale", "tiny.yaml", "--target", "ppl_clm.bits_per_bite=1")
    assert (wrong.code, "did you mean" in wrong.output, "Traceback" in wrong.output) == (2, True, False)
    assert study.ptp("scale", "tiny.yaml", "--target", "ppl_clm").code == 2
