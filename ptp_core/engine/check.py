"""Everything about a study that can be found wrong before anything runs: the spec, and the files it names."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from ptp_core.data.json_lines import matching_files, read_json_lines, text_of
from ptp_core.errors import UserError, UserErrors
from ptp_core.spec.load import LoadedStudy, load_study

FIRST_DOCUMENTS = 100
"""Lines of each source that are read beforehand; a fault further down ends the job that reads it."""


def check_study(spec: Path) -> LoadedStudy:
    """Load a spec and look into the files it names: sources (their beginnings), tasks and tables (whole).

    Raises UserError, or UserErrors with all faults at once.
    """
    study = load_study(spec)
    errors = list(_faults(study))
    if errors:
        raise UserErrors(errors)
    return study


def _faults(study: LoadedStudy) -> Iterator[UserError]:
    for i, source in enumerate(study.spec.data.sources if study.spec.data else ()):
        patterns = (source.path,) if isinstance(source.path, str) else source.path
        for pattern in patterns:
            try:
                _check_source(study, i, pattern, source.text_field)
            except UserError as error:
                yield error
    for name in study.spec.tasks:
        for split in ("train", "test"):
            try:
                _check_task(study, name, split)
            except UserError as error:
                yield error
    for i, table in enumerate(study.spec.measurements):
        from ptp_core.table.wide import read_wide

        try:
            read_wide(table, study.path.parent, study.where("measurements", i, "path"))
        except UserError as error:
            yield error


def _check_source(study: LoadedStudy, i: int, pattern: str, text_field: str) -> None:
    place = ("data", "sources", i, "path")
    subject = f"data.sources[{i}].path"
    for path in matching_files(study.resolve(pattern, *place), study.where(*place), subject):
        for number, record in islice(read_json_lines(path), FIRST_DOCUMENTS):
            text_of(record, text_field, path, number)


def _check_task(study: LoadedStudy, name: str, split: str) -> None:
    from ptp_core.data.items import read_items

    task, place = study.spec.tasks[name], ("tasks", name, split)
    path = matching_files(study.resolve(getattr(task, split), *place), study.where(*place), ".".join(place))[0]
    for _ in read_items(path, task.family):
        pass
