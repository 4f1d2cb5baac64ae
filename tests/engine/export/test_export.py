"""``ptp export`` of a small finished study: its crate, its models, and what it refuses."""

from __future__ import annotations

import json
import shutil
import subprocess
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
import yaml

from ptp_core import cli
from ptp_core.engine.export.contents import LIGHT_BYTES
from ptp_core.identity.digests import file_digest
from tests.engine.export.conftest import Small, finish

pytestmark = pytest.mark.slow

AGAIN = """\
study: again
data: {world: {people: 24, words: 6000, train_items: 16, test_items: 16}}
checkpoints:
  - {name: hot, path: "MODELS/hot"}
  - {name: other, path: "MODELS/clm-even"}
  - {name: tuned, path: "MODELS/clm-even@cbqa-seed1"}
  - {name: spans, path: "MODELS/sc-even"}
finetune: {tasks: [cbqa], steps: 1}
indicators: [kshot_cbqa]
select: {bootstraps: 100, permutations: 100, splits: 2}
"""
LICENSE = ("--license", "CC-BY-4.0")
Entities = dict[str, dict[str, Any]]


def export(small: Small, *arguments: object) -> int:
    return cli.main(["export", str(small.spec), "--results", str(small.results), *map(str, arguments)])


def entities(crate: Path) -> Entities:
    graph = json.loads((crate / "ro-crate-metadata.json").read_text())["@graph"]
    assert len({entity["@id"] for entity in graph}) == len(graph)
    return {entity["@id"]: entity for entity in graph}


def of_type(found: Entities, kind: str) -> list[dict[str, Any]]:
    return [e for e in found.values() if kind in (e["@type"] if isinstance(e["@type"], list) else [e["@type"]])]


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if set(value) == {"@id"}:
            yield value["@id"]
        for item in value.values():
            yield from references(item)
    elif isinstance(value, list):
        for item in value:
            yield from references(item)


def ids(value: Any) -> list[str]:
    return list(references(value))


def files_in(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def crate(finished: Small, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("crates") / "crate"
    assert export(finished, "--crate", target, *LICENSE) == 0
    return target


@pytest.fixture(scope="module")
def models(finished: Small, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    assert export(finished, "--models", folder, "--finetuned") == 0
    return folder / "small"


class TestTheCrate:
    def test_describes_everything_that_it_refers_to(self, crate: Path) -> None:
        found = entities(crate)
        outside = ("https://w3id.org/ro/crate/", "https://doi.org/", "https://snakemake.readthedocs.io")
        lost = {r for e in found.values() for r in references({**e, "@id": ""}) if r not in found}
        assert {r for r in lost if not r.startswith(outside)} == set()

    def test_lists_every_file_with_its_digest_and_size_and_holds_no_other(self, crate: Path) -> None:
        found = entities(crate)
        listed = {unquote(e["@id"]): e for e in of_type(found, "File") if "://" not in e["@id"]}
        assert files_in(crate) == {*listed, "ro-crate-metadata.json"}
        for place, entity in listed.items():
            path = crate / place
            assert (entity["sha256"], entity["contentSize"]) == (file_digest(path), str(path.stat().st_size))
        assert set(listed) <= {unquote(part) for part in ids(found["./"]["hasPart"])}

    def test_follows_the_profiles_of_a_workflow_run(self, crate: Path) -> None:
        found = entities(crate)
        root, run = found["./"], found["#run"]
        assert {p.rsplit("/", 2)[-2] for p in ids(root["conformsTo"])} >= {"process", "workflow", "provenance"}
        workflow = found[root["mainEntity"]["@id"]]
        assert set(workflow["@type"]) == {"File", "SoftwareSourceCode", "ComputationalWorkflow", "HowTo"}
        assert run["instrument"]["@id"] == workflow["@id"] == "workflow/Snakefile"
        assert "spec/study.yaml" in ids(run["object"])
        assert {"results/selection.json", "results/report.html"} <= set(ids(run["result"]))
        assert root["license"]["@id"] == "https://spdx.org/licenses/CC-BY-4.0"
        actions = of_type(found, "CreateAction")
        used = {i for action in actions for i in ids(action["instrument"])}
        assert set(ids(workflow["hasPart"])) == used - {"workflow/Snakefile"}
        for step in map(found.get, ids(workflow["step"])):
            assert step is not None
            assert set(ids(step["workExample"])) <= used
        for control in of_type(found, "ControlAction"):
            assert found[control["instrument"]["@id"]]["@type"] == "HowToStep"
            assert all(found[i]["@type"] == "CreateAction" for i in ids(control["object"]))
        assert "author" not in root

    def test_tells_who_made_what_from_what_and_when(self, crate: Path, finished: Small) -> None:
        found = entities(crate)
        action = next(a for a in of_type(found, "CreateAction") if a["name"] == "pretrain clm-most")
        receipt = json.loads((finished.store / "pretrain" / action["identifier"][:24] / "receipt.json").read_text())
        assert action["identifier"] == receipt["fingerprint"]
        assert (action["startTime"], action["endTime"]) == (receipt["began"], receipt["ended"])
        assert {i.split("/")[1] for i in ids(action["object"])} == {"tokenizer", "shards"}
        made = found[action["result"]["@id"]]
        weights = [found[i] for i in ids(made["hasPart"]) if found[i].get("name") == "model.safetensors"]
        assert [w["sha256"] for w in weights] == [receipt["artifacts"]["model.safetensors"]["sha256"]]
        assert weights[0]["@id"].startswith("ni:///sha-256;")
        tool = found[action["instrument"]["@id"]]
        versions = {found[i]["name"]: found[i]["softwareVersion"] for i in ids(tool["softwareRequirements"])}
        assert versions["torch"] == receipt["identity"]["packages"]["torch"]
        assert receipt["identity"]["code"] in tool["softwareVersion"]

    def test_says_which_training_failed(self, crate: Path) -> None:
        found = entities(crate)
        lost = next(a for a in of_type(found, "CreateAction") if a["name"] == "pretrain lost")
        assert lost["actionStatus"].endswith("FailedActionStatus")
        assert "bound 0.001" in lost["error"]

    def test_copies_neither_weights_nor_text_unless_asked(self, crate: Path, finished: Small, tmp_path: Path) -> None:
        assert not [f for f in files_in(crate) if f.endswith((".safetensors", ".npy"))]
        assert all((crate / f).stat().st_size <= LIGHT_BYTES for f in files_in(crate) if f.startswith("store/"))
        whole = tmp_path / "whole"
        assert export(finished, "--crate", whole, "--with-weights") == 0
        weights = [f for f in files_in(whole) if f.endswith("model.safetensors")]
        assert len(weights) == 5 + 10
        assert not [e for e in entities(whole) if e.startswith("ni:")]

    def test_is_read_by_the_library_of_the_format(self, crate: Path) -> None:
        from rocrate.rocrate import ROCrate

        read = ROCrate(crate)
        assert read.mainEntity.id == "workflow/Snakefile"
        assert read.name == "Study small"

    def test_has_the_same_bytes_each_time(self, finished: Small, tmp_path: Path, crate: Path) -> None:
        first, second = tmp_path / "a.zip", tmp_path / "b.zip"
        for target in (first, second):
            assert export(finished, "--crate", target, *LICENSE) == 0
        assert first.read_bytes() == second.read_bytes()
        with zipfile.ZipFile(first) as archive:
            assert set(archive.namelist()) == files_in(crate)
            assert archive.testzip() is None
            for name in archive.namelist():
                assert archive.read(name) == (crate / name).read_bytes()

    def test_leaves_out_what_nobody_has_said(
        self, finished: Small, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert export(finished, "--crate", tmp_path / "crate", "--date", "2026-01-31") == 0
        assert "add --license" in capsys.readouterr().out
        root = entities(tmp_path / "crate")["./"]
        assert root["datePublished"] == "2026-01-31"
        assert "license" not in root
        assert not any("workflow-ro-crate" in profile for profile in ids(root["conformsTo"]))


class TestTheModels:
    def test_are_all_that_did_not_diverge(self, models: Path) -> None:
        plain = {"clm-even", "clm-most", "sc-even", "sc-most", "hot"}
        tuned = {f"{name}@cbqa-seed{seed}" for name in plain for seed in (0, 1)}
        assert {path.name for path in models.iterdir()} == plain | tuned
        assert not [path for path in models.parent.iterdir() if path.name.startswith(".")]

    def test_load_and_give_the_logits_of_the_store(self, models: Path, finished: Small) -> None:
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer

        tokens = torch.arange(20).reshape(2, 10)
        for name in ("sc-most", "sc-most@cbqa-seed1"):
            card = (models / name / "README.md").read_text()
            stage = "finetune" if "@" in name else "pretrain"
            place = next(p for p in (finished.store / stage).iterdir() if f"{stage}/{p.name}" in card)
            ours, kept = (AutoModelForCausalLM.from_pretrained(folder).eval() for folder in (models / name, place))
            with torch.no_grad():
                assert torch.equal(ours(tokens).logits, kept(tokens).logits)
            tokenizer = AutoTokenizer.from_pretrained(models / name)
            assert tokenizer("a red cat")["input_ids"] == AutoTokenizer.from_pretrained(place)("a red cat")["input_ids"]

    def test_have_a_card_that_names_spec_fingerprint_data_and_scores(self, models: Path, finished: Small) -> None:
        from huggingface_hub import ModelCard

        text = (models / "clm-most" / "README.md").read_text()
        head = yaml.safe_load(text.split("---\n")[1])
        assert (head["library_name"], head["pipeline_tag"]) == ("transformers", "text-generation")
        assert not {"license", "language"} & set(head)
        results = {r["metrics"][0]["name"]: r["metrics"][0] for r in head["model-index"][0]["results"]}
        assert set(results) == {"ppl_clm", "kshot_cbqa"}
        assert [r.metric_name for r in ModelCard(text).data.eval_results] == list(results)
        receipts = [json.loads(p.read_text()) for p in (finished.store / "pretrain").glob("*/receipt.json")]
        mine = next(r for r in receipts if r["fingerprint"] in text)
        assert mine["settings"]["weights"] == {"facts": 0.8, "reading": 0.2}
        assert file_digest(finished.spec) in text
        for part in ("| facts | 0.8 |", "lr: 0.003", f"{mine['metrics']['tokens']:,} tokens", "FLOPs", "0.125"):
            assert part in text
        assert "Of copies of this model that were fine-tuned" in text

    def test_of_a_fine_tuned_model_has_its_own_scores(self, models: Path) -> None:
        text = (models / "hot@cbqa-seed0" / "README.md").read_text()
        head = yaml.safe_load(text.split("---\n")[1])
        assert [r["metrics"][0]["name"] for r in head["model-index"][0]["results"]] == ["cbqa"]
        assert "# finetune\n" in text

    def test_can_be_verified_without_ptp(self, models: Path) -> None:
        done = subprocess.run(["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=models / "hot", check=False)
        assert done.returncode == 0
        assert {line[66:] for line in (models / "hot" / "SHA256SUMS").read_text().splitlines()} == files_in(
            models / "hot"
        ) - {"SHA256SUMS"}

    def test_share_their_weights_with_the_store_and_nothing_else(self, models: Path) -> None:
        assert (models / "hot" / "model.safetensors").stat().st_nlink > 1
        assert (models / "hot" / "config.json").stat().st_nlink == 1

    def test_can_be_chosen_by_pattern(
        self, finished: Small, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert export(finished, "--models", tmp_path, "--variant", "clm-*", "--variant", "lost") == 0
        assert {path.name for path in (tmp_path / "small").iterdir()} == {"clm-even", "clm-most"}
        assert "lost is left out: loss" in capsys.readouterr().out
        assert export(finished, "--models", tmp_path / "none", "--variant", "lost") == 2
        assert "there is no model to export" in capsys.readouterr().err
        assert export(finished, "--models", tmp_path / "none", "--variant", "clm-evn") == 2
        assert 'did you mean "clm-even"?' in capsys.readouterr().err
        assert not (tmp_path / "none").exists()

    def test_can_be_imported_by_another_study_and_exported_again(self, models: Path, tmp_path: Path) -> None:
        again = finish(tmp_path, AGAIN.replace("MODELS", str(models)))
        wanted = ("--models", tmp_path / "out", "--variant", "hot", "--crate", tmp_path / "crate")
        assert export(again, *wanted, *LICENSE) == 0
        mine = tmp_path / "out" / "again" / "hot"
        assert file_digest(mine / "model.safetensors") == file_digest(models / "hot" / "model.safetensors")
        card = (mine / "README.md").read_text()
        assert "license: cc-by-4.0" in card
        assert "An existing model" in card
        assert f"`model.safetensors`, sha256 `{file_digest(models / 'hot' / 'model.safetensors')}`" in card
        found = entities(tmp_path / "crate")
        taken = next(a for a in of_type(found, "CreateAction") if a["name"] == "import hot")
        assert "model.safetensors" in {found[i]["name"] for i in ids(taken["object"])}
        assert set(ids(taken["object"])) & set(ids(found["#run"]["object"]))


class TestWhatExists:
    def test_is_replaced_only_if_an_export_wrote_it_and_only_when_told(
        self, finished: Small, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        targets = [("--crate", tmp_path / "crate"), ("--crate", tmp_path / "c.zip"), ("--models", tmp_path / "models")]
        for option, target in targets:
            only = ("--variant", "hot") if option == "--models" else ()
            assert export(finished, option, target, *only) == 0
            assert export(finished, option, target, *only) == 2
            assert "add --force" in capsys.readouterr().err
            assert export(finished, option, target, *only, "--force") == 0
        assert export(finished, "--crate", targets[0][1], "--models", tmp_path / "new") == 2
        assert not (tmp_path / "new").exists()
        capsys.readouterr()
        for option, folder in (("--crate", tmp_path / "crate"), ("--models", tmp_path / "models" / "small" / "hot")):
            (folder / "notes.txt").write_text("mine")
            assert export(finished, option, targets[0][1] if option == "--crate" else targets[2][1], "--force") == 2
            assert "what no export wrote" in capsys.readouterr().err
            assert (folder / "notes.txt").read_text() == "mine"

    def test_a_folder_a_file_and_a_link_of_somebody_else_stay(self, finished: Small, tmp_path: Path) -> None:
        folder, file, link = tmp_path / "folder", tmp_path / "file.zip", tmp_path / "link"
        folder.mkdir()
        file.write_text("mine")
        link.symlink_to(folder)
        for target in (folder, file, link):
            assert export(finished, "--crate", target, "--force") == 2
        assert (list(folder.iterdir()), file.read_text(), link.is_symlink()) == ([], "mine", True)
        assert {path.name for path in tmp_path.iterdir()} == {"folder", "file.zip", "link"}

    def test_the_store_is_no_target(self, finished: Small, capsys: pytest.CaptureFixture[str]) -> None:
        for option in ("--crate", "--models"):
            assert export(finished, option, finished.store / "out") == 2
            assert "the store holds results only" in capsys.readouterr().err


class TestAMistake:
    """Ends with exit code 2, one sentence, and nothing written."""

    def refused(self, small: Small, capsys: pytest.CaptureFixture[str], *options: str) -> str:
        out = small.folder / "out"
        assert export(small, *(options or ("--crate", str(out / "crate"), "--models", str(out / "models")))) == 2
        assert not out.exists()
        return capsys.readouterr().err

    def test_nothing_asked_for(self, small: Small, capsys: pytest.CaptureFixture[str]) -> None:
        assert "--crate TARGET, --models DIR" in self.refused(small, capsys, "--force")
        assert "--variant goes with --models" in self.refused(small, capsys, "--crate", "x", "--variant", "hot")

    def test_an_unfinished_study(self, small: Small, capsys: pytest.CaptureFixture[str]) -> None:
        small.spec.write_text(small.spec.read_text().replace("lr: 5e-3", "lr: 6e-3"))
        message = self.refused(small, capsys)
        assert "not finished: not done are pretrain hot, indicators hot" in message
        assert "snakemake --config study=" in message

    def test_missing_weights(self, small: Small, capsys: pytest.CaptureFixture[str]) -> None:
        next((small.store / "pretrain").glob("*/model.safetensors")).unlink()
        assert "model.safetensors: this file is not what its receipt says" in self.refused(small, capsys)

    def test_weights_of_the_right_size_that_are_others(self, small: Small, capsys: pytest.CaptureFixture[str]) -> None:
        for path in (small.store / "pretrain").glob("*/model.safetensors"):
            path.write_bytes(path.read_bytes()[:-1] + b"\xff")
        out = small.folder / "out"
        assert export(small, "--models", out) == 2
        assert "this file is not what its receipt says" in capsys.readouterr().err
        assert files_in(out) == set()

    def test_a_table_that_was_edited(self, small: Small, capsys: pytest.CaptureFixture[str]) -> None:
        table = small.results / "small" / "measurements.csv"
        table.write_text(table.read_text().replace("0.", "1.", 1))
        assert "measurements.csv: this file was edited after the job table" in self.refused(small, capsys)

    @pytest.mark.parametrize("text", ["", "{", "[]", '{"fingerprint": "FINGERPRINT"}', '{"fingerprint": 1}'])
    def test_a_damaged_receipt(self, small: Small, capsys: pytest.CaptureFixture[str], text: str) -> None:
        path = next((small.store / "task").glob("*/receipt.json"))
        path.write_text(text.replace("FINGERPRINT", json.loads(path.read_text())["fingerprint"]))
        assert "receipt" in self.refused(small, capsys)

    @pytest.mark.parametrize("name", ["../../../secret", "/etc/passwd", "link"])
    def test_a_receipt_that_names_files_elsewhere(
        self, small: Small, capsys: pytest.CaptureFixture[str], name: str
    ) -> None:
        path = next((small.store / "task").glob("*/receipt.json"))
        (small.folder / "secret").write_text("secret")
        (path.parent / "link").symlink_to(small.folder / "secret")
        receipt = json.loads(path.read_text())
        receipt["artifacts"][name] = {"sha256": file_digest(small.folder / "secret"), "bytes": 6}
        path.write_text(json.dumps(receipt))
        assert "names a file outside its folder" in self.refused(small, capsys)

    def test_a_full_disk(
        self, small: Small, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        full = shutil.disk_usage(small.folder)._replace(free=10)
        with monkeypatch.context() as patch:
            patch.setattr(shutil, "disk_usage", lambda _: full)
            assert "the disk has no room for this export" in self.refused(small, capsys)
        monkeypatch.setattr(
            "ptp_core.engine.export.crate.copy_checked", lambda *_: (_ for _ in ()).throw(OSError(28, "full"))
        )
        assert export(small, "--crate", small.folder / "out.zip") == 2
        assert "the disk is full" in capsys.readouterr().err
        assert {p.name for p in small.folder.iterdir()} == {"results", "small.yaml"}
