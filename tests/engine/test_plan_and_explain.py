"""What ``ptp plan`` and ``ptp explain`` print, and what a limit on hours refuses."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from ptp_core import cli
from ptp_core.engine.stages import STAGES
from ptp_core.engine.staleness.limit import hours_allowed
from ptp_core.engine.staleness.work_of import WorkOf
from ptp_core.engine.workflow import prepare
from ptp_core.errors import EXIT_USER_ERROR, UserError
from ptp_core.identity.lockfile import lock_text
from tests.engine.good_study import listing
from tests.engine.made import make_all, units_of
from tests.workflow.project import TINY

CHANGED = """\
tiny.yaml: study tiny, 5 variants to pre-train

Would run now: 12 of 26 jobs, 2.61e+10 FLOPs, 0.304 core-hours, 864 kB; then table, select, report
  finetune.steps: 5 → 6                                         tiny.yaml:13
      10 jobs (finetune 5, evaluate 5): 1.78e+10 FLOPs, 0.203 core-hours, 784 kB (by this alone: 0.162 core-hours)
  lr: 0.005 → 0.006                                             tiny.yaml:12
      4 jobs (pretrain 1, indicators 1, finetune 1, evaluate 1): 1.19e+10 FLOPs, 0.141 core-hours, 236 kB (by this \
alone: 0.101 core-hours)
  What has several causes is counted under each of them.
  Hours by what earlier receipts took: pretrain (5), indicators (10), finetune (10), evaluate (10)

The whole study, as if nothing of it were there
"""


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("done")
    (folder / "tiny.yaml").write_text(TINY)
    make_all(folder / "tiny.yaml", folder / "results")
    return folder


@pytest.fixture
def study(done: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The spec of a study whose results are all there, in the folder where we are."""
    shutil.copytree(done, tmp_path / "study", copy_function=shutil.copy2)
    monkeypatch.chdir(tmp_path / "study")
    return Path("tiny.yaml")


@pytest.fixture
def changed(study: Path) -> Path:
    study.write_text(TINY.replace("lr: 5e-3", "lr: 6e-3").replace("steps: 5", "steps: 6"))
    return study


def ptp(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert cli.main(arguments) == 0
    return capsys.readouterr().out


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert cli.main(arguments) == EXIT_USER_ERROR
    return capsys.readouterr().err


class TestPlan:
    def test_says_first_what_would_run_and_why(self, changed: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert ptp(capsys, "plan", "tiny.yaml").startswith(CHANGED)

    def test_says_that_there_is_nothing_to_do(self, study: Path, capsys: pytest.CaptureFixture[str]) -> None:
        page = ptp(capsys, "plan", "tiny.yaml")
        assert "Nothing to be done: the results of all 26 jobs are in the store." in page
        assert "pre-training" in page

    def test_writes_nothing(self, changed: Path, capsys: pytest.CaptureFixture[str]) -> None:
        before = listing(Path())
        ptp(capsys, "plan", "tiny.yaml")
        ptp(capsys, "explain", "tiny.yaml", "pretrain/hot")
        assert listing(Path()) == before

    def test_of_a_study_that_was_never_run_reads_the_spec_alone(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        Path("new.yaml").write_text(TINY)
        assert "Would run now: all of it; nothing has been made yet\n" in ptp(capsys, "plan", "new.yaml")
        assert [path.name for path in tmp_path.iterdir()] == ["new.yaml"]

    def test_cannot_tell_what_would_run_while_files_are_missing(
        self, folder: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        make_all(folder / "study.yaml", folder / "results")
        (folder / "news.jsonl").unlink()
        page = ptp(capsys, "plan", str(folder / "study.yaml"), "--results", str(folder / "results"))
        assert "Would run now: cannot be told, since files are missing (below)" in page
        assert f"missing: {folder / 'study.yaml'}:" in page

    def test_json_has_every_cause_with_its_jobs_and_values(
        self, changed: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        stale = json.loads(ptp(capsys, "plan", "tiny.yaml", "--json"))["stale"]
        assert (stale["jobs"], stale["of"], list(stale["summaries"])) == (12, 26, ["table", "select", "report"])
        lr = next(cause for cause in stale["causes"] if cause["what"] == "lr")
        assert (lr["old"], lr["new"], lr["file"], lr["line"]) == (0.005, 0.006, "tiny.yaml", 12)
        assert lr["jobs"] == ["pretrain/hot", "indicators/hot", "finetune/hot", "evaluate/hot"]
        assert lr["price"]["hours_of"] == "core-hours"
        assert stale["rates"]["pretrain"]["receipts"] == 5

    def test_names_ten_causes_and_counts_the_others(self, study: Path, capsys: pytest.CaptureFixture[str]) -> None:
        text = "schedule: linear, warmup_share: 0.1, final_lr_share: 0.2, weight_decay: 0.2, beta1: 0.8, beta2: 0.9"
        text += ", clip: 2.0, z_loss: 0.1, patience: 3, decay_share: 0.1, loss_bound: 50, tokens: 64k, lr: 6e-3"
        study.write_text(TINY.replace("lr: 5e-3", text))
        page = ptp(capsys, "plan", "tiny.yaml")
        assert "  … and 3 more causes; --json has all" in page


class TestExplain:
    def test_a_stale_job_has_its_causes_its_price_and_its_chain(
        self, changed: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        page = ptp(capsys, "explain", "tiny.yaml", "evaluate/hot cbqa seed 0")
        lines = [line.rstrip() for line in page.splitlines()]
        assert lines[0].endswith("would run now")
        assert lines[1:3] == [
            f"{'  finetune.steps: 5 → 6':<64}tiny.yaml:13",
            f"{'  lr: 0.005 → 0.006':<64}tiny.yaml:12",
        ]
        assert "core-hours" in lines[3]
        assert "    finetune/hot cbqa seed 0: would run now, finetune.steps: 5 → 6; lr: 0.005 → 0.006" in lines
        assert "      pretrain/hot: would run now, lr: 0.005 → 0.006" in lines
        assert any(line.startswith("        tokenizer/tokenizer: done since 20") for line in lines)

    def test_a_finished_job_has_what_it_is_made_of_and_what_it_took(
        self, study: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        page = ptp(capsys, "explain", "tiny.yaml", "pretrain/hot")
        for part in (": done\n", "ok since 20", "made in 360.0 s on cpu by here", "1 files, 1 kB", "packages: torch"):
            assert part in page
        assert f"{'    lr: 0.005':<64}tiny.yaml:12" in page
        assert f"{'    tokens: 32,000':<64}tiny.yaml:9" in page

    def test_a_job_of_several_results_lists_them(self, study: Path, capsys: pytest.CaptureFixture[str]) -> None:
        page = ptp(capsys, "explain", "tiny.yaml", "indicators/hot")
        assert "    hot ppl_clm: done since" in page
        assert "    hot kshot_cbqa: done since" in page

    def test_the_report_waits_for_results(self, changed: Path, capsys: pytest.CaptureFixture[str]) -> None:
        page = ptp(capsys, "explain", "tiny.yaml", "report")
        assert "made of results that have to be made" in page
        assert "such as" in page

    def test_an_id_or_its_beginning_is_a_name(self, study: Path, capsys: pytest.CaptureFixture[str]) -> None:
        from ptp_core.engine.workflow import plan

        unit = next(unit for unit in units_of(plan(study, Path("results"))) if unit.label == "hot")
        for name in (unit.id, unit.id[:8], f"pretrain/{unit.id[:8]}"):
            assert ptp(capsys, "explain", "tiny.yaml", name).startswith(f"pretrain/hot ({unit.id}): done")

    def test_a_name_of_several_jobs_lists_them(self, study: Path, capsys: pytest.CaptureFixture[str]) -> None:
        said = refused(capsys, "explain", "tiny.yaml", "hot")
        assert "4 jobs go by this name" in said
        assert "pretrain/hot, indicators/hot, finetune/hot, evaluate/hot" in said

    def test_a_typo_gets_the_nearest_name(self, study: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert 'did you mean "pretrain/hot"?' in refused(capsys, "explain", "tiny.yaml", "pretrain/hit")

    def test_what_was_adopted_is_told_with_its_reason(self, study: Path, capsys: pytest.CaptureFixture[str]) -> None:
        now = STAGES["pretrain"].code
        adopted = {f"adopted/code/pretrain/{now}": {"as": "a" * 64, "reason": "only a message"}}
        Path("tiny.lock").write_text(lock_text({"format": 1} | adopted))
        text = ptp(capsys, "explain", "tiny.yaml", "pretrain/hot")
        assert f"  adopted: code pretrain {now[:12]} counts as aaaaaaaaaaaa (only a message)" in text

    def test_a_damaged_receipt_is_no_traceback(self, study: Path, capsys: pytest.CaptureFixture[str]) -> None:
        for receipt in Path("results/store/pretrain").glob("*/receipt.json"):
            receipt.write_text("{")
        assert "its receipt cannot be read" in ptp(capsys, "explain", "tiny.yaml", "pretrain/hot")
        assert "Nothing to be done" in ptp(capsys, "plan", "tiny.yaml")


class TestALimit:
    @pytest.mark.parametrize("written", ["0", "-1", "many", "nan", "inf", True, [1]])
    def test_that_is_no_number_above_0_is_refused(self, written: object) -> None:
        with pytest.raises(
            UserError, match="--config max_gpu_hours: this is no limit; expected a number of hours above 0"
        ):
            hours_allowed(written)

    def test_may_be_left_out_or_written_as_text(self) -> None:
        assert (hours_allowed(None), hours_allowed("1.5"), hours_allowed(3)) == (None, 1.5, 3.0)

    def test_refuses_a_dearer_run_before_anything_is_written(self, changed: Path) -> None:
        before = listing(Path())
        with pytest.raises(UserError) as error:
            prepare(changed, Path("results"), max_gpu_hours=0.25)
        assert listing(Path()) == before
        text = str(error.value)
        assert (
            "this run would cost 0.304 core-hours; nothing has been started; expected at most max_gpu_hours=0.25"
            in text
        )
        assert "raise it to max_gpu_hours=0.31, or undo what costs most:" in text
        assert "  0.203 core-hours: finetune.steps: 5 → 6" in text
        assert "ptp adopt" not in text

    def test_refuses_what_nobody_can_price(self, study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        # As of checkpoints that were made elsewhere, before the first of them has been measured.
        monkeypatch.setattr(WorkOf, "flops", lambda self, unit, context: None)
        with pytest.raises(UserError, match="what 35 of the missing results cost is not known; nothing has been"):
            prepare(study, Path("elsewhere"), max_gpu_hours=1e9)
        assert not Path("elsewhere").exists()

    def test_lets_a_cheaper_run_start(self, changed: Path) -> None:
        assert prepare(changed, Path("results"), max_gpu_hours=0.31).missing()
