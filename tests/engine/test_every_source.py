"""A study with every kind of file goes from its spec to shards, as the engine runs it."""

from __future__ import annotations

import itertools
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from ptp_core.data.shards import HELD_OUT, TRAIN, load_tag, open_offsets, open_tokens
from ptp_core.data.tokenizer import load
from ptp_core.engine.folders import Folders
from ptp_core.engine.graph import build
from ptp_core.engine.jobfiles import job_json
from ptp_core.engine.runner import run_job
from ptp_core.engine.stages import STAGES
from ptp_core.identity.closure import closure
from ptp_core.identity.digests import file_digest
from ptp_core.identity.store import entry
from ptp_core.spec.load import load_study
from tests import tiny as tiny_study
from tests.data.test_pretrained_tokenizer import make_foreign
from tests.engine.good_study import edit

SOURCES = """\
    - {name: rows, path: rows.parquet, text_field: meta.text, only: {kind: a}}
    - {name: lines, path: "lines*.txt.zst", split_by: line, max_tokens: 1k}
    - {name: news, path: news.jsonl}
    - {name: code, path: code.jsonl}
"""


@pytest.fixture
def _study(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HF_HUB_OFFLINE", "TOKENIZERS_PARALLELISM", "RAYON_NUM_THREADS", "OMP_NUM_THREADS"):
        monkeypatch.setenv(name, "1")
    texts = tiny_study.documents("animals", 300)
    rows = [{"kind": "ab"[i % 2], "meta": {"text": text}} for i, text in enumerate(texts)]
    pq.write_table(pa.Table.from_pylist(rows), folder / "rows.parquet")
    for i in range(2):
        (folder / f"lines{i}.txt.zst").write_bytes(zstandard.compress("".join(texts[i::2]).encode()))
    for name in ("news", "code"):
        tiny_study.write_lines(folder / f"{name}.jsonl", [{"text": f"{name} {text}"} for text in texts])
    make_foreign(folder / "neox")
    start = "    - {name: news, path: news.jsonl}\n    - {name: code, path: code.jsonl}\n"
    edit("study.yaml", start, SOURCES)(folder)


def make_shards(folder: Path) -> tuple[Path, dict[str, Path]]:
    """(folder of the tokenizer, domain → folder of its shards), made by the jobs of the study."""
    study = load_study(folder / "study.yaml")
    folders = Folders(folder / "results", "files")
    done = {}
    for job in build(study, file_digest).jobs:
        if job.stage in ("tokenizer", "shards"):
            run_job(job_json(job, study.spec.execution), folders)
            done[job.label] = entry(folders.store, job.stage, job.units[0].fingerprint)
    return done.pop("tokenizer"), done


@pytest.mark.usefixtures("_study")
@pytest.mark.parametrize("tokenizer", ["{vocabulary: 600, sentinels: 16}", "{path: neox, vocabulary: 600}"])
def test_every_kind_of_file_becomes_shards(folder: Path, tokenizer: str) -> None:
    edit("study.yaml", "data:\n", f"data:\n  tokenizer: {tokenizer}\n")(folder)
    tokenizer_folder, shards = make_shards(folder)
    fast = load(tokenizer_folder)
    texts = tiny_study.documents("animals", 300)
    expected = {"rows": texts[::2], "lines": texts, "news": [f"news {text}" for text in texts]}
    for domain, known in expected.items():
        found = [
            fast.decode(open_tokens(shards[domain], side)[start:end].tolist(), skip_special_tokens=True)
            for side in (TRAIN, HELD_OUT)
            for offsets in (open_offsets(shards[domain], side),)
            for start, end in itertools.pairwise(offsets)
        ]
        assert {text.strip() for text in found} <= {text.strip() for text in known}
        # All of it, but for the domain that is cut off.
        assert (len(found) == len(known)) == (domain != "lines")
        assert fast.decode(load_tag(shards[domain]).tolist()) == f"{domain}\n"


def test_what_trains_and_measures_depends_on_neither_the_world_nor_the_sources() -> None:
    for stage in ("pretrain", "finetune", "indicators", "evaluate"):
        reached = closure(STAGES[stage].entry)
        apart = ("ptp_core.data.world", "ptp_core.data.sources", "ptp_core.data.build_", "ptp_core.spec.data")
        assert [module for module in reached if module.startswith(apart)] == []
