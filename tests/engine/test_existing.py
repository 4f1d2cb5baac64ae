"""Existing checkpoints in the graph: what is shared, what identity is, and what is found wrong beforehand."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path

import pytest

from ptp_core.engine import graph as graphs
from ptp_core.engine.check import check_study
from ptp_core.engine.graph import Graph
from ptp_core.errors import UserError
from ptp_core.identity.digests import file_digest
from ptp_core.spec.load import load_study
from tests import foreign
from tests.tiny import write_lines

ALONE = """\
study: mine
tasks:
  quiz: {family: cbqa, train: train.jsonl, test: test.jsonl}
checkpoints:
  - {name: a, path: models/a}
  - {name: b, path: models/b}
  - {name: c, path: models/c}
  - {name: d, path: models/d, tokenizer: {path: models/a}}
finetune: {tasks: [quiz], seeds: [0]}
indicators: [kshot_quiz]
"""
TEXT = "data: {world: {people: 24}}\n"


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("study")
    for seed, name in enumerate("abcd"):
        foreign.save(folder / "models" / name, ["some text"], seed)
    for split in ("train", "test"):
        write_lines(folder / f"{split}.jsonl", [{"id": split, "question": f"{split}?", "answers": ["1"]}])
    return folder


def spec(folder: Path, text: str) -> Path:
    (folder / "study.yaml").write_text(text)
    return folder / "study.yaml"


def graph(folder: Path, text: str) -> Graph:
    return graphs.build(load_study(spec(folder, text)), file_digest)


def fingerprints(graph: Graph) -> dict[str, str]:
    return {v.variant.name: v.checkpoint.fingerprint for v in graph.variants}


def complaint(folder: Path, text: str) -> str:
    with pytest.raises(UserError) as caught:
        check_study(spec(folder, text))
    return str(caught.value)


def test_without_perplexities_nothing_is_tokenised(models: Path) -> None:
    check_study(spec(models, ALONE))
    stages = Counter(job.stage for job in graph(models, ALONE).jobs)
    assert stages == {"task": 1, "import_tokenizer": 1, "import": 4, "indicators": 4, "finetune": 4, "evaluate": 4}


def test_models_with_one_tokenizer_share_the_text_in_its_tokens(models: Path) -> None:
    text = TEXT + ALONE.replace("[kshot_quiz]", "{ppl_clm: {length: 64}}")
    found = graph(models, text)
    assert Counter(job.stage for job in found.jobs)["shards"] == 4
    assert [job.stage for job in found.jobs].count("tokenizer") == 0
    done: set[str] = set()
    for job in found.jobs:
        assert {parent.id for parent in found.parents(job)} <= done, "parents come before children"
        done.add(job.id)


def test_content_is_identity_and_names_and_paths_are_not(models: Path, tmp_path: Path) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(models, folder)
    (folder / "models" / "a").rename(folder / "moved")
    moved = ALONE.replace("name: a, path: models/a}", "name: first, path: moved}").replace(
        "path: models/a", "path: moved"
    )
    before, after = fingerprints(graph(models, ALONE)), fingerprints(graph(folder, moved))
    assert list(before.values()) == list(after.values())
    config = folder / "moved" / "config.json"
    config.write_text(config.read_text().replace("{", '{"note": 1,', 1))
    changed = fingerprints(graph(folder, moved))
    assert [name for name in changed if changed[name] != after[name]] == ["first"]


def test_one_model_under_two_names_is_no_comparison(models: Path) -> None:
    with pytest.raises(UserError, match='checkpoints "a" and "b" are the same model'):
        graph(models, ALONE.replace("path: models/b}", "path: models/a}"))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("path: models/b}", "path: models/z}", "study.yaml:7 checkpoints[1].path: no such directory"),
        ("path: models/b}", "path: models}", "checkpoints[1].path: this is no model in the format of Hugging Face"),
        ("path: models/b}", 'path: "${NO_SUCH}/b"}', "the environment variable NO_SUCH is not set"),
        ("tokenizer: {path: models/a}", "tokenizer: {path: models}", "there is no tokenizer in this directory"),
        ("[kshot_quiz]", "[ppl_clm]", "ppl_clm reads windows of 512 tokens, this checkpoint takes 96"),
        ("[kshot_quiz]", "{ppl_sc: {length: 64}}", "has no sentinels"),
    ],
)
def test_what_a_checkpoint_lacks_is_said_before_anything_runs(models: Path, old: str, new: str, message: str) -> None:
    assert message in complaint(models, TEXT + ALONE.replace(old, new))
