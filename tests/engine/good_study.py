"""Two good studies with all their files, and edits that break them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

STUDY = """\
study: files
model: {preset: nano}
data:
  sources:
    - {name: news, path: news.jsonl}
    - {name: code, path: code.jsonl}
tasks:
  quiz: {family: cbqa, train: train.jsonl, test: test.jsonl}
mixtures:
  even: {news: 1, code: 1}
  most: {news: 4, code: 1}
pretrain:
  defaults: {tokens: 1M}
  grid:
    objective: [clm, sc]
    mixture: [even, most]
finetune: {tasks: [quiz]}
indicators: [ppl_clm]
"""
TABLE = """\
study: published
measurements:
  - {path: table.csv, variant: name, indicators: [ppl], outcomes: [sft]}
"""
FILES = {
    "study.yaml": STUDY,
    "table.yaml": TABLE,
    "news.jsonl": '{"text": "one"}\n{"text": "two"}\n',
    "code.jsonl": '{"text": "x = 1"}\n',
    "train.jsonl": '{"id": "1", "question": "one?", "answers": ["1"]}\n',
    "test.jsonl": '{"id": "2", "question": "two?", "answers": ["2"]}\n',
    "table.csv": "name,ppl,sft\na,1.5,0.1\nb,2.5,0.4\nc,3.5,0.2\nd,4.5,0.3\n",
}


def listing(folder: Path) -> dict[str, tuple[int, int]]:
    """All files with size and time; Snakemake's own records are its own."""
    own = folder / ".snakemake"
    paths = [path for path in folder.rglob("*") if not path.is_relative_to(own)]
    return {str(path): (path.lstat().st_size, path.lstat().st_mtime_ns) for path in paths}


def edit(name: str, old: str, new: str) -> Callable[[Path], object]:
    def change(folder: Path) -> None:
        text = (folder / name).read_text()
        assert text.count(old) == 1
        (folder / name).write_text(text.replace(old, new))

    return change


def put(name: str, content: str | bytes) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)


def remove(name: str) -> Callable[[Path], object]:
    return lambda folder: (folder / name).unlink()


def in_its_place_a_folder(name: str) -> Callable[[Path], object]:
    return lambda folder: ((folder / name).unlink(), (folder / name).mkdir())
