"""Why results would be made again: each kind of change is named once, with old and new value and its line."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from ptp_core.engine import stages
from ptp_core.engine.staleness.causes import Cause, shown, value_of
from ptp_core.engine.staleness.contexts import contexts
from ptp_core.engine.staleness.planned import Planned, planned
from ptp_core.engine.staleness.stale import GONE, Staleness
from ptp_core.engine.staleness.work_of import WorkOf
from ptp_core.engine.units import Unit
from ptp_core.engine.workflow import plan
from ptp_core.identity.lockfile import lock_path, lock_text
from ptp_core.spec.load import load_study
from tests.engine.made import make_all, plan_jobs, put, units_of
from tests.workflow.project import TINY

EVERY = {"pretrain": 5, "indicators": 5, "finetune": 5, "evaluate": 5}
ONE = dict.fromkeys(EVERY, 1)


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("done")
    (folder / "tiny.yaml").write_text(TINY)
    make_all(folder / "tiny.yaml", folder / "results")
    return folder


@pytest.fixture
def study(done: Path, tmp_path: Path) -> Path:
    """The spec of a study whose results are all there, to change."""
    shutil.copytree(done, tmp_path / "study", copy_function=shutil.copy2)
    return tmp_path / "study" / "tiny.yaml"


def edit(spec: Path, *edits: tuple[str, str]) -> None:
    text = spec.read_text()
    for old, new in edits:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    spec.write_text(text)


def staleness(spec: Path) -> Staleness:
    return Staleness(plan(spec, spec.parent / "results"))


def now(spec: Path) -> Planned:
    return planned(staleness(spec), 0.4, 1e12)


def line_of(spec: Path, text: str) -> int:
    return next(i for i, line in enumerate(spec.read_text().splitlines(), 1) if text in line)


def test_nothing_is_stale_when_everything_is_there(study: Path) -> None:
    found = now(study)
    assert found.nothing
    assert (found.jobs, found.of, found.groups, found.summaries) == (0, 26, (), {})


@pytest.mark.parametrize(
    ("edits", "cause", "line", "jobs"),
    [
        ([("lr: 5e-3", "lr: 6e-3")], "lr: 0.005 → 0.006", "name: hot", ONE),
        ([("lr: 3e-3", "lr: 2e-3")], "lr: 0.003 (default) → 0.002", "defaults:", dict.fromkeys(EVERY, 4)),
        ([(", lr: 5e-3}", ", lr: 5e-3, clip: 0.5}")], "clip: 1 (default) → 0.5", "name: hot", ONE),
        ([("tokens: 32k", "tokens: 64k")], "tokens: 32,000 → 64,000", "defaults:", EVERY),
        ([("batch_tokens: 1024, ", "")], "batch_tokens: 1,024 → 2,048 (default) (no line says it any more)",
         "defaults:", EVERY),
        ([("seed: 1\n", "seed: 2\n")], "seed: 1 → 2", "seed:", EVERY),
        ([("width: 32", "width: 16")], "model.width: 32 → 16", "model:", EVERY),
        ([("words: 20000", "words: 30000")], "data.world.words: 20,000 → 30,000", "data:", {"shards": 4} | EVERY),
        ([("{facts: 4", "{facts: 5")],
         "mixtures.most: code 0.125, facts 0.5, reading 0.25, stories 0.125 → "
         "code 0.1111, facts 0.5556, reading 0.2222, stories 0.1111", "most: {", dict.fromkeys(EVERY, 2)),
        ([("mixture: even, lr", "mixture: most, lr")], "mixture: even → most", "name: hot", ONE),
        ([("[clm, sc]", "[clm, plm]")], "objective: sc → plm", "grid:", dict.fromkeys(EVERY, 2)),
        ([("steps: 5", "steps: 6")], "finetune.steps: 5 → 6", "finetune:", {"finetune": 5, "evaluate": 5}),
        ([("steps: 5", "steps: 5, lr: 1e-4")], "finetune.lr: 0.001 (default) → 0.0001", "finetune:",
         {"finetune": 5, "evaluate": 5}),
        ([("[ppl_clm, kshot_cbqa]", "{ppl_clm: {tokens: 99}, kshot_cbqa: {}}")],
         "indicators.ppl_clm.tokens: 16,384 (default) → 99", "indicators:", {"indicators": 5}),
        ([("[ppl_clm, kshot_cbqa]", "[ppl_clm, kshot_cbqa, ppl_sc]")], "indicator ppl_sc, not made yet", "indicators:",
         {"indicators": 5}),
        ([("seeds: [0, 1]", "seeds: [0, 1, 2]")], "fine-tuning with seed 2, not made yet", "finetune:",
         {"finetune": 5, "evaluate": 5}),
        ([("    - {name: hot,", "    - {name: new, mixture: even, clip: 0.5}\n    - {name: hot,")],
         "variants not made yet",
         "pretrain:", ONE),
        ([("name: hot", "name: hotter"), ("lr: 5e-3", "lr: 6e-3")],
         "lr: 0.005 → 0.006", "name: hotter", ONE),
    ],
)  # fmt: skip
def test_a_change_of_the_spec_is_one_cause_with_its_line_and_all_jobs_below_it(
    study: Path, edits: list[tuple[str, str]], cause: str, line: str, jobs: dict[str, int]
) -> None:
    edit(study, *edits)
    (group,) = now(study).groups
    assert str(group.cause) == cause
    assert group.cause.where is not None
    assert (group.cause.where.file, group.cause.where.line) == (study, line_of(study, line))
    assert dict(group.by_stage) == jobs
    assert group.alone == group.amount


def test_values_of_a_list_have_lines_of_their_own(study: Path) -> None:
    edit(study, ("[clm, sc]", "[clm,\n      plm]"))
    (group,) = now(study).groups
    assert group.cause.where is not None
    assert group.cause.where.line == line_of(study, "plm]")


def test_two_changes_are_two_causes_and_what_both_make_stale_counts_under_each(study: Path) -> None:
    edit(study, ("lr: 5e-3", "lr: 6e-3"), ("steps: 5", "steps: 6"))
    found = now(study)
    by_name = {group.cause.what: group for group in found.groups}
    assert {name: len(group.jobs) for name, group in by_name.items()} == {"lr": 4, "finetune.steps": 10}
    assert found.jobs == 12
    # pretrain and indicators of one variant; the others' fine-tuning.
    assert (by_name["lr"].alone.units, by_name["finetune.steps"].alone.units) == (3, 16)


def test_undoing_a_change_makes_nothing_stale(study: Path) -> None:
    edit(study, ("lr: 5e-3", "lr: 6e-3"))
    plan_jobs(study, study.parent / "results")
    assert not now(study).nothing
    edit(study, ("lr: 6e-3", "lr: 5e-3"))
    assert now(study).nothing


def test_what_was_planned_and_never_made_is_no_past(study: Path) -> None:
    edit(study, ("lr: 5e-3", "lr: 6e-3"))
    plan_jobs(study, study.parent / "results")
    edit(study, ("lr: 6e-3", "lr: 7e-3"))
    assert [str(group.cause) for group in now(study).groups] == ["lr: 0.005 → 0.007"]


def test_the_last_finished_run_is_the_past_even_if_another_was_planned_later(study: Path) -> None:
    results = study.parent / "results"
    edit(study, ("lr: 5e-3", "lr: 6e-3"))
    make_all(study, results)
    edit(study, ("lr: 6e-3", "lr: 5e-3"))
    make_all(study, results)
    edit(study, ("lr: 5e-3", "lr: 7e-3"))
    assert [str(group.cause) for group in now(study).groups] == ["lr: 0.005 → 0.007"]


def test_a_result_that_was_removed_is_gone_and_needs_no_other_cause(study: Path) -> None:
    unit = next(unit for unit in units_of(staleness(study).workflow) if unit.stage == "pretrain")
    shutil.rmtree(study.parent / "results" / "store" / unit.place)
    (group,) = now(study).groups
    assert (group.cause, group.jobs) == (GONE, (("pretrain", unit.label),))


def test_an_indicator_that_failed_says_why(study: Path) -> None:
    found = staleness(study).workflow
    job = next(job for job in found.graph.jobs if job.stage == "indicators")
    unit = next(unit for unit in job.units if unit.label.endswith("kshot_cbqa"))
    shutil.rmtree(found.folders.store / unit.place)
    failed = {"status": "failed", "indicator": "kshot_cbqa", "reason": "it broke"}
    found.folders.receipt(job.stage, job.id).write_text(json.dumps({"id": job.id, "units": [failed]}))
    (group,) = now(study).groups
    assert str(group.cause) == "kshot_cbqa failed and is tried again (it broke)"


def test_a_new_study_has_one_cause(tmp_path: Path) -> None:
    (tmp_path / "tiny.yaml").write_text(TINY)
    found = now(tmp_path / "tiny.yaml")
    assert [str(group.cause) for group in found.groups] == ["nothing of this study has been made yet"]
    assert found.jobs == found.of == 26


def test_a_run_that_was_stopped_names_what_is_left(tmp_path: Path) -> None:
    (tmp_path / "tiny.yaml").write_text(TINY)
    make_all(tmp_path / "tiny.yaml", tmp_path / "results", wanted=lambda unit: not unit.label.startswith("hot"))
    (group,) = now(tmp_path / "tiny.yaml").groups
    assert str(group.cause) == "variants not made yet"
    assert dict(group.by_stage) == ONE


def test_a_partial_result_is_said_to_be_begun(tmp_path: Path) -> None:
    (tmp_path / "tiny.yaml").write_text(TINY)
    planned_study = make_all(
        tmp_path / "tiny.yaml", tmp_path / "results", wanted=lambda unit: not unit.label.startswith("hot")
    )
    unit = next(unit for unit in units_of(planned_study) if unit.label == "hot")
    (tmp_path / "results" / "store" / f"{unit.place}.partial").mkdir()
    assert now(tmp_path / "tiny.yaml").begun == 1


def a_stage(monkeypatch: pytest.MonkeyPatch, name: str, **changes: object) -> None:
    for key, value in changes.items():
        monkeypatch.setitem(stages.STAGES[name].__dict__, key, value)


class TestCode:
    def manifests(self, spec: Path, stage: str) -> None:
        folder = spec.parent / "results" / "store" / ".code"
        folder.mkdir()
        old = stages.STAGES[stage].code
        (folder / f"{stage}-{old[:24]}.json").write_text(json.dumps({"a:f": "1", "a:g": "2"}))
        (folder / f"{stage}-{'f' * 24}.json").write_text(json.dumps({"a:f": "1", "a:g": "3"}))

    def test_names_the_functions_that_differ(self, study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.manifests(study, "finetune")
        a_stage(monkeypatch, "finetune", code="f" * 64)
        (group,) = now(study).groups
        assert str(group.cause) == "code (changed: a:g)"
        assert dict(group.by_stage) == {"finetune": 5, "evaluate": 5}

    def test_without_manifests_names_the_stage(self, study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("ptp_core.engine.staleness.differences.closure", lambda entry: {})
        a_stage(monkeypatch, "finetune", code="f" * 64)
        assert [str(group.cause) for group in now(study).groups] == ["code of stage finetune"]


def test_a_package_is_one_cause_for_all_stages(study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for stage in ("pretrain", "finetune"):
        a_stage(monkeypatch, stage, versions=stages.STAGES[stage].versions | {"torch": "9.9.9"})
    (group,) = now(study).groups
    assert str(group.cause) == f"torch: {stages.STAGES['evaluate'].versions['torch']} → 9.9.9"
    assert dict(group.by_stage) == EVERY


def test_a_changed_input_file_is_named_with_the_line_that_names_it(folder: Path) -> None:
    spec = folder / "study.yaml"
    make_all(spec, folder / "results")
    (folder / "code.jsonl").write_text('{"text": "y = 2"}\n')
    (group,) = [group for group in now(spec).groups if group.cause.where]
    assert str(group.cause) == "files of code (content changed: code.jsonl)"
    assert group.cause.where is not None
    assert group.cause.where.line == line_of(spec, "path: code.jsonl")
    # The tokenizer is trained on it, so everything is.
    assert group.by_stage["tokenizer"] == 1
    assert group.by_stage["pretrain"] == 4


class TestTheLock:
    def lock(self, spec: Path, change: Callable[[Unit], str]) -> None:
        found = plan(spec, spec.parent / "results")
        units = {f"unit/{u.stage}/{u.label}": change(u) for u in units_of(found)}
        lock_path(spec).write_text(lock_text(units | {"format": 1, "study": "tiny"}))

    def test_tells_that_a_result_differs_where_nothing_else_is_left(self, tmp_path: Path) -> None:
        spec = tmp_path / "tiny.yaml"
        spec.write_text(TINY)
        self.lock(spec, lambda unit: "0" * 64 if unit.label == "hot" else unit.fingerprint)
        make_all(spec, tmp_path / "results", wanted=lambda unit: unit.label != "hot")
        (group,) = now(spec).groups
        assert str(group.cause).startswith("differs from the lock: pretrain hot: 000000000000 → ")


class TestSummaries:
    def test_a_setting_of_the_selection_has_its_line(self, study: Path) -> None:
        edit(study, ("bootstraps: 100", "bootstraps: 200"))
        found = now(study)
        assert (found.jobs, list(found.summaries)) == (0, ["select", "report"])
        (cause,) = found.summaries["select"]
        assert str(cause) == "select.bootstraps: 100 → 200"
        assert cause.where is not None
        assert cause.where.line == line_of(study, "select:")

    def test_follow_stale_results(self, study: Path) -> None:
        edit(study, ("lr: 5e-3", "lr: 6e-3"))
        assert list(now(study).summaries) == ["table", "select", "report"]

    def test_a_file_that_was_removed_is_made_again(self, study: Path) -> None:
        (study.parent / "results" / "tiny" / "selection.json").unlink()
        found = now(study).summaries
        assert [str(cause) for cause in found["select"]] == ["selection.json is gone"]
        assert list(found) == ["select", "report"]

    def test_new_names_are_said_to_be_new(self, study: Path) -> None:
        edit(study, ("name: hot", "name: hotter"))
        found = now(study)
        assert found.jobs == 0
        assert [cause.kind for cause in found.summaries["table"]] == ["summary"]


class TestThePrice:
    def test_rests_on_earlier_receipts_of_the_stage(self, study: Path) -> None:
        edit(study, ("tokens: 32k", "tokens: 64k"))
        found = now(study)
        flops = WorkOf(staleness(study).workflow.study)
        unit = next(unit for unit in units_of(staleness(study).workflow) if unit.stage == "pretrain")
        context = contexts(staleness(study).workflow.graph)[unit.fingerprint]
        assert found.rates["pretrain"].receipts == 5
        # Receipts without metrics tell seconds a result, not seconds a FLOP.
        assert found.amount.unit == "core-hours"
        assert found.amount.core_hours == pytest.approx((5 * 360 + 10 * 72 + 20 * 1) / 3600, rel=0.05)
        assert flops.flops(unit, context) == pytest.approx(2 * 4.47e9, rel=0.05)

    def test_twice_the_tokens_take_twice_the_time(self, study: Path) -> None:
        found = staleness(study).workflow
        for unit in units_of(found):
            if unit.stage == "pretrain":
                work = {"tokens": 31_744, "parameters": 19_360, "layout": {"processes": 2}}
                put(found, unit, metrics=work, host={"name": "here", "device": "NVIDIA H200", "threads": 4})
        edit(study, ("tokens: 32k", "tokens: 64k"))
        rates = now(study).rates
        assert (rates["pretrain"].device, rates["finetune"].device) == ("GPU", "core")
        changed = now(study).amount
        assert changed.unit == "device-hours"
        assert changed.gpu_hours == pytest.approx(5 * 2 * 0.1 * 2, rel=0.02)

    def test_without_receipts_takes_the_share_of_the_peak(self, tmp_path: Path) -> None:
        (tmp_path / "tiny.yaml").write_text(TINY + "execution: {accelerator: gpu}\n")
        found = now(tmp_path / "tiny.yaml")
        assert (found.amount.unit, found.rates) == ("GPU-hours", {})
        assert found.amount.gpu_hours == pytest.approx(found.amount.flops / (0.4 * 1e12) / 3600)
        assert found.amount.untimed == 6  # tokenizer, shards and task
        assert "pretrain" in found.assumed

    def test_without_receipts_a_study_on_cpus_takes_the_rate_of_a_core(self, tmp_path: Path) -> None:
        (tmp_path / "tiny.yaml").write_text(TINY)
        found = now(tmp_path / "tiny.yaml")
        assert (found.amount.unit, found.on_cpus, found.unpriced) == ("core-hours", True, 0)
        assert found.amount.core_hours == pytest.approx(found.amount.flops / 4e10 / 3600)

    def test_of_all_units_adds_up_to_that_of_the_whole_study(self, tmp_path: Path) -> None:
        from ptp_core.engine.price import price

        (tmp_path / "tiny.yaml").write_text(
            TINY.replace("lr: 3e-3}", "lr: 3e-3, checkpoints: [8k, 16k], anneal: true}").replace(
                "kshot", "ppl_sc, kshot"
            )
        )
        found = now(tmp_path / "tiny.yaml")
        whole = price(plan(tmp_path / "tiny.yaml", tmp_path / "results").study, 0.4, 1e12)
        assert found.amount.flops == pytest.approx(whole.flops + whole.tuning.flops + whole.measuring.flops)
        models = sum(v.checkpoint_bytes + v.tuned_bytes for v in whole.variants)
        assert found.amount.bytes == pytest.approx(models)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "none"), (True, "true"), (16384, "16,384"), (0.001, "0.001"), (1e-5, "1e-05"),
        (0.123456789, "0.123456789"),
        ("cosine", "cosine"), ([1, 2], "[1, 2]"), ({"a": 1 / 3}, "a 0.3333"), ({}, "nothing"),
    ],
)  # fmt: skip
def test_values_are_shown_as_people_write_them(value: object, text: str) -> None:
    assert shown(value) == text


def test_a_cause_says_what_was_and_what_is() -> None:
    assert str(Cause("setting", "lr", value_of(0.1), value_of(0.2, default=True))) == "lr: 0.1 → 0.2 (default)"
    assert str(Cause("package", "torch", None, value_of("2"))) == "torch: nothing → 2"


def test_a_table_measured_elsewhere_is_named_when_its_content_has_changed(folder: Path) -> None:
    spec = folder / "table.yaml"
    make_all(spec, folder / "results")
    assert now(spec).nothing
    (folder / "table.csv").write_text((folder / "table.csv").read_text().replace("0.4", "0.5"))
    found = now(spec).summaries
    assert [str(cause) for cause in found["table"]] == ["table.csv (content changed)"]
    assert list(found) == ["table", "select", "report"]


def test_existing_checkpoints_have_lines_of_their_own(tmp_path: Path) -> None:
    from ptp_core.engine.staleness.contexts import Context
    from ptp_core.engine.staleness.places import Places
    from ptp_core.engine.units import Unit
    from ptp_core.spec.checkpoints import ImportSettings

    spec = tmp_path / "spec.yaml"
    entries = "".join(f"  - {{name: {name}, hub: o/{name}, revision: v1}}\n" for name in "abcd")
    rest = "tasks:\n  q: {family: cbqa, train: a.jsonl, test: b.jsonl}\nfinetune: {tasks: [q]}\nindicators: [kshot_q]\n"
    spec.write_text(f"study: s\ncheckpoints:\n{entries}{rest}")
    loaded = load_study(spec)
    unit = Unit("import", "c", ImportSettings(hub="o/c", revision="v1"))
    place = Places(loaded, {unit.fingerprint: Context(loaded.spec.checkpoints[2], 2)}).of(unit, ("revision",))
    assert (place.name, place.where.line, place.written) == ("checkpoints[2].revision", 5, True)
