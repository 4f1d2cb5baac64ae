"""Which files a crate holds, and which it only names by their digest."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import ptp_core
from ptp_core.engine.export.finished import FinishedStudy, Result, StoredFile
from ptp_core.errors import UserError, Where
from ptp_core.identity.digests import file_digest

LIGHT_BYTES = 1 << 20
"""Larger files of the store are named and not copied, unless they are asked for."""
WEIGHTS = ".safetensors"
TEXT_STAGE = "shards"
SPEC, LOCK = "spec/study.yaml", "spec/study.lock"
"""Names of our own: what a user calls a file must not become a path."""
SNAKEFILE = "workflow/Snakefile"
CODE = ("rules/*.smk", "envs/ptp.yaml", "envs/requirements.txt", "profiles/default/config.yaml")
"""What belongs to the workflow beside its Snakefile, relative to the project."""


@dataclass(frozen=True)
class Content:
    """A file of the crate."""

    place: str
    """Where the crate has it: a relative path with slashes, made of names that we chose or checked."""
    source: Path
    sha256: str
    bytes: int
    name: str
    """For people; any text."""


def contents_of(study: FinishedStudy, with_weights: bool) -> dict[str, Content]:
    """Place → file, of all that the crate holds beside its metadata. Raises UserError if the workflow is not there."""
    found = [*_workflow(), _of_file(SPEC, study.study.path, f"spec of study {study.name}")]
    if study.lock:
        found.append(_of_file(LOCK, study.lock, f"lock of study {study.name}"))
    for files in study.outputs.values():
        found += [_of_file(output_place(name), study.folders.home / name, name) for name in files]
    found += _results(study.results.values(), with_weights)
    return {content.place: content for content in found}


def output_place(name: str) -> str:
    """Where the crate has a table, an analysis or a page."""
    return f"results/{name}"


def result_place(result: Result) -> str:
    """The folder of the crate that describes a result; it ends in a slash."""
    return f"store/{result.unit.place}/"


def is_copied(result: Result, file: StoredFile, everything: bool) -> bool:
    """Whether the crate holds a file of the store itself; weights and the text of others only if they are asked for."""
    light = file.bytes <= LIGHT_BYTES and not file.name.endswith(WEIGHTS) and result.unit.stage != TEXT_STAGE
    return everything or light


def _workflow() -> Iterator[Content]:
    root = Path(ptp_core.__file__).parents[1]
    if not (root / "Snakefile").is_file():
        raise UserError("the workflow is not beside the package", where=Where(root / "Snakefile"),
                        fix="run ptp from a clone of the project")  # fmt: skip
    for pattern in ("Snakefile", *CODE):
        for path in sorted(root.glob(pattern)):
            inside = path.relative_to(root).as_posix()
            yield _of_file(f"workflow/{inside}", path, inside)


def _results(results: Iterable[Result], with_weights: bool) -> Iterator[Content]:
    for result in results:
        if result.is_kept:
            for file in (result.record, *result.files):
                if file is result.record or is_copied(result, file, with_weights):
                    yield Content(result_place(result) + file.name, file.path, file.sha256, file.bytes, file.name)


def _of_file(place: str, path: Path, name: str) -> Content:
    return Content(place, path, file_digest(path), path.stat().st_size, name)
