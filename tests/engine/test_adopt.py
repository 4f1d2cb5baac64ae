"""Results are kept across a change of code that somebody declares harmless, and the lock says so."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from ptp_core.cli import main
from ptp_core.engine import adopt as adopting
from ptp_core.engine import adopted, code_manifests, runner, units
from ptp_core.engine.adopted import read_adopted
from ptp_core.engine.code_manifests import manifest_path
from ptp_core.engine.jobfiles import is_done, job_json
from ptp_core.engine.runner import run_job
from ptp_core.engine.stages import STAGES, Stage
from ptp_core.engine.workflow import Workflow, prepare
from ptp_core.errors import UserError
from ptp_core.files import pretty_json
from ptp_core.identity.canonical import digest
from ptp_core.identity.lockfile import lock_text, read_lock
from ptp_core.identity.store import entry

SPEC = """\
study: tiny
model: {width: 32, layers: 1, heads: 2, ffn_width: 64, context: 64}
data: {world: {people: 24, words: 20000, train_items: 32, test_items: 16}}
mixtures: {even: {facts: 1, reading: 1, stories: 1, code: 1}}
pretrain:
  defaults: {tokens: 32k, sequence_length: 64, batch_tokens: 1024, mixture: even}
  grid: {lr: [1e-3, 2e-3, 3e-3, 4e-3]}
finetune: {tasks: [cbqa], seeds: [0], steps: 5}
indicators: [ppl_clm]
"""
A, B, C = (digest(text) for text in "abc")
Adopt = Callable[..., int]


@pytest.fixture
def stages(monkeypatch: pytest.MonkeyPatch) -> dict[str, Stage]:
    """The stages, which a test may give other code."""
    changed = dict(STAGES)
    for module in (adopting, adopted, code_manifests, runner, units):
        monkeypatch.setattr(module, "STAGES", changed)
    monkeypatch.setattr(adopted, "INSTALLED", changed)
    monkeypatch.setattr(units, "INSTALLED", changed)
    return changed


@pytest.fixture
def study(tmp_path: Path, stages: dict[str, Stage]) -> Path:
    """A study all of whose results are there, made by code A of pre-training."""
    spec = tmp_path / "tiny.yaml"
    spec.write_text(SPEC)
    edit(stages, "pretrain", A)
    finish(plan(spec))
    return spec


def edit(stages: dict[str, Stage], name: str, code: str, **versions: str) -> None:
    """Give a stage other code, or other versions, as an edit and a new process would."""
    stages[name] = dataclasses.replace(stages[name])
    stages[name].__dict__["code"] = code
    stages[name].__dict__["versions"] = STAGES[name].versions | versions


def plan(spec: Path) -> Workflow:
    # From the graph alone, as the Snakefile does it; the checks of the spec are not the point here.
    return prepare(spec, spec.parent / "results")


def finish(workflow: Workflow) -> None:
    """Put a receipt of every result into the store."""
    for unit in (unit for job in workflow.graph.jobs for unit in job.units):
        receipt = {"fingerprint": unit.fingerprint, "stage": unit.stage, "status": "ok", "metrics": {}}
        folder = entry(workflow.folders.store, unit.stage, unit.fingerprint)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "receipt.json").write_text(pretty_json(receipt | {"artifacts": {}, "wall_seconds": 1.0}))


def stale(spec: Path) -> list[str]:
    workflow = plan(spec)
    found = (unit for job in workflow.graph.jobs for unit in job.units)
    return sorted({unit.stage for unit in found if not is_done(unit, workflow.folders.store)})


def adopt(spec: Path, *options: str, reason: str = "only a message changed") -> int:
    return main(["adopt", str(spec), "--results", str(spec.parent / "results"), "--reason", reason, *options])


AFTER_PRETRAIN = ["evaluate", "finetune", "indicators", "pretrain"]


def test_all_fingerprints_stay_what_they_were(
    study: Path, stages: dict[str, Stage], capsys: pytest.CaptureFixture[str]
) -> None:
    before = [job.id for job in plan(study).graph.jobs]
    store = study.parent / "results" / "store"
    manifest_path(store, "pretrain", A).write_text(json.dumps({"ptp_core.gone:x": "1"}))
    edit(stages, "pretrain", B)
    assert stale(study) == AFTER_PRETRAIN
    assert adopt(study) == 0
    assert f"pretrain: {B[:24]} counts as {A[:24]}: 16 results kept" in (said := capsys.readouterr().out)
    assert "  - ptp_core.gone:x" in said
    assert "  + ptp_core.training.pretrain:run" in said or "more" in said
    assert read_lock(study.with_suffix(".lock"))[f"adopted/code/pretrain/{B}"] == {
        "as": A, "reason": "only a message changed",
    }  # fmt: skip
    assert stale(study) == []
    assert [job.id for job in plan(study).graph.jobs] == before


def test_a_chain_of_changes_leads_to_the_code_that_made_the_results(study: Path, stages: dict[str, Stage]) -> None:
    for code in (B, C):
        edit(stages, "pretrain", code)
        assert stale(study) == AFTER_PRETRAIN
        assert adopt(study) == 0
        assert stale(study) == []
    lock = study.with_suffix(".lock")
    lock.write_text(
        lock_text(
            {
                f"adopted/code/pretrain/{C}": {"as": B, "reason": "x"},
                f"adopted/code/pretrain/{B}": {"as": A, "reason": "y"},
            }
        )
    )
    assert stale(study) == []
    edit(stages, "pretrain", B)
    assert stale(study) == []


def test_the_line_removed_takes_it_back(study: Path, stages: dict[str, Stage]) -> None:
    edit(stages, "pretrain", B)
    adopt(study)
    lock = study.with_suffix(".lock")
    lock.write_text(re.sub("(?m)^adopted/.*\n", "", lock.read_text()))
    assert stale(study) == AFTER_PRETRAIN


def test_changes_of_two_stages_in_a_row_are_both_found(
    study: Path, stages: dict[str, Stage], capsys: pytest.CaptureFixture[str]
) -> None:
    edit(stages, "tokenizer", B)
    edit(stages, "finetune", C)
    assert adopt(study, "--stage", "tokenizer") == 0
    assert stale(study) == ["evaluate", "finetune"]
    assert adopt(study) == 0
    assert "finetune" in capsys.readouterr().out
    assert stale(study) == []


def test_nothing_to_keep_is_said_and_not_written(
    study: Path, stages: dict[str, Stage], capsys: pytest.CaptureFixture[str]
) -> None:
    assert adopt(study) == 0
    assert "nothing is stale for its code alone" in capsys.readouterr().out
    study.write_text(SPEC.replace("tokens: 32k", "tokens: 64k"))
    edit(stages, "pretrain", B)
    assert adopt(study) == 0
    assert not study.with_suffix(".lock").exists()


def test_of_several_older_codes_one_has_to_be_named(
    study: Path, stages: dict[str, Stage], capsys: pytest.CaptureFixture[str]
) -> None:
    edit(stages, "pretrain", B)
    finish(plan(study))
    edit(stages, "pretrain", C)
    assert adopt(study) == 2
    assert f"--stage pretrain={A[:24]} (16 results kept)" in capsys.readouterr().err
    assert not study.with_suffix(".lock").exists()
    assert adopt(study, "--stage", f"pretrain={B[:24]}") == 0
    assert read_adopted(study.with_suffix(".lock")).code == {("pretrain", C): B}


def test_results_made_since_then_are_told_to_count_no_longer(
    study: Path, stages: dict[str, Stage], capsys: pytest.CaptureFixture[str]
) -> None:
    edit(stages, "evaluate", B)
    study.write_text(SPEC.replace("4e-3", "5e-3"))
    workflow = plan(study)
    fifth = [job for job in workflow.graph.jobs if "5e-3" in job.label or "0.005" in job.label]
    finish(dataclasses.replace(workflow, graph=dataclasses.replace(workflow.graph, jobs=tuple(fifth))))
    assert adopt(study) == 0
    assert "3 results kept, 1 made since then no longer count" in capsys.readouterr().out


def test_a_package_is_adopted_by_name_only(
    study: Path, stages: dict[str, Stage], capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("tokenizer", "shards", "pretrain", "finetune", "indicators", "evaluate"):
        edit(stages, name, stages[name].code, tokenizers="99.1")
    assert adopt(study) == 0
    assert "nothing is stale" in capsys.readouterr().out
    assert adopt(study, "--package", "tokenizers", reason="a release of wheels only") == 0
    assert stale(study) == []


@pytest.mark.parametrize("reason", ["", "  ", "one\ntwo"])
def test_a_reason_is_one_line(study: Path, reason: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert adopt(study, reason=reason) == 2
    assert "--reason: a reason is one line" in capsys.readouterr().err


def test_unknown_names_are_told(study: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert adopt(study, "--stage", "pretrian") == 2
    assert 'did you mean "pretrain"?' in capsys.readouterr().err


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ({f"adopted/code/pretrain/{A}": "x"}, ":3: this adopts nothing"),
        ({f"adopted/code/pretrain/{A}": {"as": "12", "reason": "x"}}, ":3: this adopts nothing"),
        ({f"adopted/code/pretrain/{A}": {"as": B, "reason": " "}}, ":3: this adopts nothing"),
        ({"adopted/code/pretrain": {"as": B, "reason": "x"}}, ":3: this adopts nothing"),
        ({"adopted/nothing/numpy/1.0": {"as": "1.1", "reason": "x"}}, ":3: this adopts nothing"),
        ({f"adopted/code/pretrain/{A}": {"as": A, "reason": "x"}}, ":3 .*stands for itself"),
        (
            {f"adopted/code/task/{B}": {"as": C, "reason": "x"}, f"adopted/code/task/{C}": {"as": B, "reason": "x"}},
            ":4 .*stands for itself",
        ),
    ],
)
def test_a_line_that_adopts_nothing_is_a_mistake_with_its_place(
    tmp_path: Path, lines: dict[str, object], message: str
) -> None:
    lock = tmp_path / "tiny.lock"
    lock.write_text(lock_text(lines))
    with pytest.raises(UserError, match=message):
        read_adopted(lock)


def test_a_line_of_code_that_nobody_has_any_more_does_no_harm(study: Path) -> None:
    study.with_suffix(".lock").write_text(lock_text({f"adopted/code/gone/{B}": {"as": C, "reason": "x"}}))
    assert stale(study) == []


def test_a_job_planned_with_adopted_code_runs_with_that_code_and_no_other(
    study: Path, stages: dict[str, Stage], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    older = stages["task"].code
    edit(stages, "task", B)
    study.with_suffix(".lock").write_text(lock_text({f"adopted/code/task/{B}": {"as": older, "reason": "x"}}))
    study.write_text(SPEC.replace("[cbqa]", "[cms]"))
    workflow = plan(study)
    job = next(job for job in workflow.graph.jobs if job.stage == "task")
    planned = job_json(job, workflow.study.spec.execution)
    edit(stages, "task", C)
    with pytest.raises(UserError, match="have changed since the study was planned"):
        run_job(planned, workflow.folders)
    edit(stages, "task", B)
    run_job(planned, workflow.folders)
    receipt = json.loads((entry(workflow.folders.store, "task", job.units[0].fingerprint) / "receipt.json").read_text())
    assert (receipt["identity"]["code"], receipt["made_with"]["code"]) == (older, B)


def test_what_the_code_consisted_of_is_written_down_once(study: Path, stages: dict[str, Stage]) -> None:
    path = manifest_path(study.parent / "results" / "store", "task", stages["task"].code)
    assert "ptp_core.data.build_items:run" in json.loads(path.read_text())
    path.write_text("{}")
    plan(study)
    assert path.read_text() == "{}"
