"""Task objects of the harness, built from one YAML or from those of a group, without indexing all the others."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from ptp_core.measure.harness_files import TaskFile, local_data
from ptp_core.spec.harness import HarnessSettings


class Loaded(NamedTuple):
    """What the harness is to evaluate: one task, or a group and the tasks in it."""

    whole: Any
    tasks: dict[str, Any]


def load(file: TaskFile, settings: HarnessSettings, local: bool) -> Loaded:
    """The harness' objects of a YAML. This runs the Python code that the YAML names."""
    from lm_eval.tasks import TaskManager
    from lm_eval.tasks._yaml_loader import load_yaml

    if file.members:
        name = str(file.config["group"])
        found = TaskManager(include_defaults=False, include_path=[*map(str, _folders(file))]).load(name)
        return Loaded(found["groups"][name], dict(found["tasks"]))
    config = load_yaml(file.path, resolve_func=True) | (local_data(file) if local else {})
    if settings.revision is not None:
        config["dataset_kwargs"] = (config.get("dataset_kwargs") or {}) | {"revision": settings.revision}
    config.pop("task_list", None)
    tasks = TaskManager(include_defaults=False).load([config])["tasks"]
    return Loaded(tasks[str(file.config["task"])], dict(tasks))


def _folders(group: TaskFile) -> list[Path]:
    """The folders that hold the YAMLs of a group; a folder's own folders are always searched with it."""
    paths = [*(path for path in group.files if path.suffix == ".yaml"), *(one.path for one in group.members.values())]
    folders = {path.parent for path in paths}
    return sorted(folder for folder in folders if not folders & set(folder.parents))


@contextmanager
def dataset_cache(local: bool) -> Iterator[None]:
    """Keep what ``datasets`` makes of local files in a temporary folder; what is of a hub is kept where it belongs."""
    import datasets

    before = datasets.config.HF_DATASETS_CACHE
    bars = datasets.are_progress_bars_disabled()
    datasets.disable_progress_bars()
    try:
        with tempfile.TemporaryDirectory() as scratch:
            if local:
                datasets.config.HF_DATASETS_CACHE = Path(scratch)
            yield
    finally:
        datasets.config.HF_DATASETS_CACHE = before
        if not bars:
            datasets.enable_progress_bars()
