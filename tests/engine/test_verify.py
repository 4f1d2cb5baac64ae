"""A real store damaged in many ways: each is told in one right sentence, as the golden file has it."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ptp_core.cli import main
from ptp_core.engine.commands import run_job_file
from ptp_core.engine.lock.diff import Tolerance
from ptp_core.engine.lock.results import headline_metrics
from ptp_core.engine.units import Unit
from ptp_core.engine.verify.entries import Entry, units_of
from ptp_core.engine.verify.hashing import digests_of
from ptp_core.engine.verify.locked import BITWISE, DIFFERENT, STATISTICAL, artifacts_digest, check_lock
from ptp_core.engine.verify.rerun import choose, repeat
from ptp_core.engine.verify.verifying import Verified, verify
from ptp_core.engine.workflow import plan
from ptp_core.errors import UserError
from ptp_core.identity.digests import DigestCache
from ptp_core.identity.lockfile import lock_text
from ptp_core.identity.receipts import artifact
from ptp_core.identity.store import writer
from tests.engine.small_store import make_study

GOLDEN = Path(__file__).with_name("verify_sentences.txt")
RESULTS = Path("results")
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished study. Tests that change anything take a copy."""
    folder = tmp_path_factory.mktemp("made")
    make_study(folder)
    return folder


@pytest.fixture
def study(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Places:
    """A copy of the finished study, in the working directory."""
    shutil.copytree(made, tmp_path / "copy")
    monkeypatch.chdir(tmp_path / "copy")
    return Places()


class Places:
    """Where the results of the study lie."""

    def __init__(self) -> None:
        self.workflow = plan(Path("tiny.yaml"), RESULTS)
        self.units: dict[str, Unit] = {
            f"{unit.stage} {unit.label}": unit for unit in units_of(self.workflow.graph).values()
        }

    def of(self, name: str, file: str = "") -> Path:
        """A result's folder, or a file in it."""
        return RESULTS / "store" / self.units[name].place / file

    def job_receipt(self, stage: str, label: str) -> Path:
        job = next(job for job in self.workflow.graph.jobs if (job.stage, job.label) == (stage, label))
        return self.workflow.folders.receipt(job.stage, job.id)

    def verify(self) -> Verified:
        return verify(plan(Path("tiny.yaml"), RESULTS), (Path("tiny.lock"), {}))


def edit_json(path: Path, *keys: str, value: Any) -> None:
    content = json.loads(path.read_text())
    part = content
    for key in keys[:-1]:
        part = part[key]
    part[keys[-1]] = value
    path.write_text(json.dumps(content))


def flip_a_bit(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def swap(one: Path, other: Path) -> None:
    aside = one.with_name("aside")
    one.rename(aside)
    other.rename(one)
    aside.rename(other)


def edit_items(path: Path) -> None:
    """All answers right."""
    table = pq.read_table(path)
    scores = pa.array([1.0] * len(table), pa.float64())
    pq.write_table(table.set_column(table.column_names.index("score"), "score", scores), path)


def forge(study: Places) -> None:
    """An edited item file whose digest was put right in the receipt, and in that of the job."""
    folder = study.of("evaluate sc cms seed 0")
    edit_items(folder / "items.parquet")
    right = artifact(folder / "items.parquet")
    edit_json(folder / "receipt.json", "artifacts", "items.parquet", value=right)
    receipt = study.job_receipt("evaluate", "sc")
    content = json.loads(receipt.read_text())
    content["units"][0]["artifacts"]["items.parquet"] = right
    receipt.write_text(json.dumps(content))


def copy_a_job(study: Places) -> None:
    """The files of one evaluation and what its receipt says of them, under the identity of another."""
    one, other = study.of("evaluate plm cms seed 0"), study.of("evaluate sc cms seed 0")
    own = json.loads((other / "receipt.json").read_text())
    shutil.rmtree(other)
    shutil.copytree(one, other)
    theirs = json.loads((one / "receipt.json").read_text())
    (other / "receipt.json").write_text(json.dumps(own | {key: theirs[key] for key in ("artifacts", "metrics")}))


def leave_half(study: Places) -> None:
    folder = study.of("pretrain clm")
    (folder.with_name(f"{folder.name}.partial")).mkdir()


ACC = ("metrics", "quantities", "acc", "value")
DAMAGES: dict[str, Callable[[Places], object]] = {
    "a bit flips": lambda s: flip_a_bit(s.of("pretrain clm", "model.safetensors")),
    "a file is cut short": lambda s: s.of("finetune clm cms seed 0", "model.safetensors").write_bytes(b"half"),
    "a file grows": lambda s: s.of("task cms", "train.jsonl").open("a").write("{}\n"),
    "a file is lost": lambda s: s.of("pretrain sc", "held_out.csv").unlink(),
    "a file is added": lambda s: s.of("pretrain sc", "notes.txt").write_text("mine"),
    "two files of a job are swapped": lambda s: swap(s.of("task cms", "train.jsonl"), s.of("task cms", "test.jsonl")),
    "a file comes from another job": lambda s: shutil.copy(
        s.of("pretrain sc", "model.safetensors"), s.of("pretrain plm", "model.safetensors")
    ),
    "two folders are swapped": lambda s: swap(s.of("pretrain clm"), s.of("pretrain plm")),
    "a job is copied under the identity of another": copy_a_job,
    "a receipt comes from another stage": lambda s: shutil.copy(
        s.of("finetune sc cms seed 0", "receipt.json"), s.of("pretrain sc", "receipt.json")
    ),
    "a receipt is lost": lambda s: s.of("indicators sc ppl_clm", "receipt.json").unlink(),
    "a receipt is cut short": lambda s: s.of("indicators sc ppl_clm", "receipt.json").write_text('{"artif'),
    "a metric is edited": lambda s: edit_json(s.of("evaluate sc cms seed 0", "receipt.json"), *ACC, value=0.875),
    "a perplexity is edited": lambda s: edit_json(
        s.of("indicators sc ppl_clm", "receipt.json"), "metrics", "quantities", "ppl", "value", value=1.5
    ),
    "a training loss is edited": lambda s: edit_json(s.of("pretrain sc", "receipt.json"), "metrics", "loss", value=0.5),
    "a metric without items is edited": lambda s: edit_json(
        s.of("finetune sc cms seed 0", "receipt.json"), "metrics", "loss", value=0.5
    ),
    "items are edited": lambda s: edit_items(s.of("evaluate sc cms seed 0", "items.parquet")),
    "items and their digests are edited": forge,
    "settings in a receipt are edited": lambda s: edit_json(
        s.of("pretrain sc", "receipt.json"), "settings", "recipe", "tokens", value=9000
    ),
    "the identity in a receipt is edited": lambda s: edit_json(
        s.of("pretrain sc", "receipt.json"), "identity", "settings", "recipe", "lr", value=0.1
    ),
    "half a result is left": leave_half,
    "a result is gone": lambda s: shutil.rmtree(s.of("tokenizer tokenizer")),
    "the receipt of a job is edited": lambda s: edit_json(s.job_receipt("pretrain", "clm"), "units", value=[]),
    "the receipt of a job is no JSON": lambda s: s.job_receipt("pretrain", "clm").write_text("oops"),
    "the table for people is edited": lambda s: (RESULTS / "tiny/measurements.csv").open("a").write("mine\n"),
    "the report is edited": lambda s: (RESULTS / "tiny/report.html").write_text("all is well"),
    "an outcome of the selection is edited": lambda s: edit_json(
        RESULTS / "tiny/selection.json", "outcomes", "cms", "values", "sc", value=0.9
    ),
}


def plain(sentence: str) -> str:
    """A sentence without what depends on the code and on the machine."""
    sentence = re.sub(r"\b[0-9a-f]{24}\b", "ID", sentence)
    sentence = re.sub(r"\b[0-9a-f]{12}…", "DIGEST…", sentence)
    return re.sub(r"\b\d+\.\d{5,}", "NUMBER", sentence)


def test_every_damage_is_told_in_one_right_sentence(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = []
    for number, (name, damage) in enumerate(DAMAGES.items()):
        folder = tmp_path / str(number)
        shutil.copytree(made, folder)
        monkeypatch.chdir(folder)
        study = Places()
        assert number or study.verify().findings == [], "before the damage all is as recorded"
        damage(study)
        sentences = [plain(str(finding)) for finding in study.verify().findings]
        told.append("\n".join([f"# {name}", *sentences, ""]))
        shutil.rmtree(folder)
    found = "\n".join(told)
    assert found == GOLDEN.read_text()


def test_the_command_says_what_was_looked_at_and_leaves_with_one_for_a_finding(
    study: Places, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["verify", "tiny.yaml"]) == 0
    assert re.search(r"^26 results, [\d.]+ MB, \d+ files, .*: all as recorded; [\d.]+ s$", capsys.readouterr().out)
    study.of("pretrain sc", "notes.txt").write_text("mine")
    with pytest.raises(SystemExit) as left:
        main(["verify", "tiny.yaml", "--json"])
    found = json.loads(capsys.readouterr().out)
    assert left.value.code == 1
    assert [finding["path"] for finding in found["findings"]] == [str(study.of("pretrain sc", "notes.txt"))]


def test_nothing_is_said_of_half_a_result_that_somebody_is_writing(study: Places) -> None:
    unit = study.units["pretrain clm"]
    shutil.rmtree(study.of("pretrain clm"))
    study.job_receipt("pretrain", "clm").unlink()
    with writer(RESULTS / "store", unit.stage, unit.fingerprint):
        assert [str(finding) for finding in study.verify().findings] == []


def test_a_lock_says_bitwise_within_the_tolerance_or_different(study: Places) -> None:
    entries = study.verify().entries
    entry = next(one for one in entries if one.name == "evaluate sc cms seed 0")
    told = {key: entry.receipt[key] for key in ("fingerprint", "status")}
    exact = headline_metrics(entry.receipt["metrics"])
    near, far = ({name: value + change for name, value in exact.items()} for change in (1e-6, 0.9))

    def level(metrics: object, artifacts: str) -> str:
        lock = {"result/evaluate/sc cms seed 0": told | {"metrics": metrics, "artifacts": artifacts}}
        levels, findings = check_lock(Path("tiny.lock"), lock, [entry], Tolerance())
        assert bool(findings) == bool(levels[DIFFERENT])
        return next(name for name, count in levels.items() if count)

    assert level(exact, artifacts_digest(entry.receipt)) == BITWISE
    assert level(near, "others") == STATISTICAL
    assert level(far, "others") == DIFFERENT


def test_a_result_that_is_made_again_is_equal_bit_for_bit(
    study: Places,
) -> None:
    for unit in study.units.values():
        cheap = unit.stage in ("task",)
        edit_json(study.of(f"{unit.stage} {unit.label}", "receipt.json"), "wall_seconds", value=0.0 if cheap else 9.0)
    before = {path: path.stat().st_mtime_ns for path in (RESULTS / "store").rglob("*")}
    entries: list[Entry] = [one for one in study.verify().entries if one.unit.stage in ("task", "tokenizer")]
    assert {one.name for one in choose(entries, 5, seed=0)} == {"task cms"}
    again = repeat(study.workflow, choose(entries, 5, seed=0), Tolerance())
    assert [(one.name, one.level, one.finding) for one in again] == [("task cms", BITWISE, None)]
    after = {path: path.stat().st_mtime_ns for path in (RESULTS / "store").rglob("*")}
    assert {path for path in before | after if before.get(path) != after.get(path)} <= {
        RESULTS / "store/.verified.json"
    }


def test_a_second_look_reads_nothing_and_without_the_cache_everything(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"a" * 5_000_000)
    cache = DigestCache(tmp_path / "cache.json")
    first = digests_of([file, tmp_path / "none"], cache)
    assert isinstance(first[tmp_path / "none"], FileNotFoundError)
    assert digests_of([file], cache)[file] == first[file]


def test_artifacts_of_another_shape_are_one_sentence(study: Places) -> None:
    edit_json(study.of("task cms", "receipt.json"), "artifacts", value={"items.jsonl": None})
    told = [str(finding) for finding in study.verify().findings if "task cms" in str(finding)]
    assert "is not whole; expected an entry artifacts, each with sha256 and bytes" in told[0]


def test_what_other_code_has_made_is_told_unless_the_lock_adopts_it(study: Places) -> None:
    receipt = study.of("pretrain sc", "receipt.json")
    right, other = json.loads(receipt.read_text())["identity"]["code"], "0" * 64
    edit_json(receipt, "made_with", "code", value=other)
    told = [str(finding) for finding in study.verify().findings]
    assert len(told) == 1
    assert "pretrain sc was made with other code or packages than its fingerprint names, and no adoption" in told[0]
    assert main(["lock", "tiny.yaml"]) == 2
    Path("tiny.lock").write_text(lock_text({f"adopted/code/pretrain/{other}": {"as": right, "reason": "a message"}}))
    assert study.verify().findings == []
    assert main(["lock", "tiny.yaml"]) == 0


def test_a_job_does_not_read_a_result_that_lies_in_anothers_folder(study: Places) -> None:
    unit = study.units["evaluate sc cms seed 0"]
    mine = RESULTS / "store" / next(p.place for p in unit.parents.values() if p.place.startswith("finetune/"))
    other = next(folder for folder in mine.parent.iterdir() if folder != mine)
    swap(mine, other)
    shutil.rmtree(study.of("evaluate sc cms seed 0"))
    job = next(job for job in study.workflow.graph.jobs if unit in job.units)
    with pytest.raises(UserError, match=rf"{mine}.*: what lies here is another result; expected {mine.name}"):
        run_job_file(study.workflow.folders.job(job.stage, job.id), RESULTS)
    assert not study.of("evaluate sc cms seed 0").exists()


def test_a_selection_edited_by_hand_is_no_headline_of_a_lock(study: Places, capsys: pytest.CaptureFixture[str]) -> None:
    path = study.workflow.folders.home / "selection.json"
    path.write_text(path.read_text().replace("0.", "1.", 1))
    assert main(["lock", "tiny.yaml"]) == 2
    assert "selection.json: this file was edited after the job select had written it" in capsys.readouterr().err
    assert not Path("tiny.lock").exists()


def test_digests_of_another_shape_are_one_sentence(study: Places) -> None:
    receipt = study.workflow.folders.receipt("report", study.workflow.summaries["report"]["id"])
    edit_json(receipt, "artifacts", "report.html", "sha256", value=5)
    assert any("report.html: this file was edited after" in str(finding) for finding in study.verify().findings)
