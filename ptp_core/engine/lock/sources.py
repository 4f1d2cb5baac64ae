"""Asked → resolved: what a spec names, as written there, and the content or the pinned revision that it stands for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ptp_core.data.tokenizer import EXISTING
from ptp_core.engine.measure_units import harness_yaml, plugin_files
from ptp_core.engine.units import UNRESOLVED, Unit
from ptp_core.identity.canonical import digest
from ptp_core.identity.fingerprint import package_version

if TYPE_CHECKING:
    from ptp_core.engine.workflow import Workflow

Files = tuple[tuple[Path, str], ...]
Found = Iterator[tuple[str, Any, Any]]


def sources(workflow: Workflow) -> dict[str, Any]:
    """``source/<stage>/<label>/<role>`` → {asked, resolved}; resolved is None for what is not here.

    Resolved is the sha256 of a file; of several their number, and a digest of their sha256; of a hub the revision.
    """
    files = _files(workflow)
    found = [*_text(workflow), *_tasks(workflow), *_checkpoints(workflow), *_plugins(workflow)]
    # What no unit reads is in no result.
    used = ((name, asked, revision) for name, asked, revision in found if revision or name in files)
    lines = {name: (asked, revision or _content(files[name])) for name, asked, revision in used}
    lines |= {name: (asked, sha256) for name, asked, sha256 in _tables(workflow)}
    return {f"source/{name}": {"asked": asked, "resolved": got} for name, (asked, got) in lines.items()}


def _files(workflow: Workflow) -> dict[str, Files]:
    """``<stage>/<label>/<role>`` → the files that the units of a study read."""
    units = (unit for job in workflow.graph.jobs for unit in job.units)
    found = {_name(unit, role): files for unit in units for role, files in unit.inputs.items()}
    return found | _harness_files(workflow, dict(pair for files in found.values() for pair in files))


def _name(unit: Unit, role: str) -> str:
    if unit.stage == "shards":
        # The same text in the tokens of another model is the same text.
        return f"shards/{role}/path"
    if unit.stage == "tokenizer":
        return "tokenizer/tokenizer/path" if role == EXISTING else f"shards/{role}/path"
    if role == "plugin":
        return f"indicators/{unit.settings.plugin.name}/plugin"  # type: ignore[attr-defined]
    return f"{unit.stage}/{unit.label}/{role if unit.stage == 'task' else 'path'}"


def _harness_files(workflow: Workflow, sha256: dict[Path, str]) -> dict[str, Files]:
    """The YAML files of the harness' tasks that are given by one; many units read them, none under its name."""
    from ptp_core.measure.harness_files import files_of

    found = {}
    for name, task in workflow.study.spec.tasks.items():
        yaml = harness_yaml(workflow.study, name) if task.yaml else None
        paths = files_of(yaml) if yaml else ()
        if paths and all(path in sha256 for path in paths):
            found[f"task/{name}/yaml"] = tuple((path, sha256[path]) for path in paths)
    return found


def _content(files: Files) -> Any:
    digests = [sha256 for _, sha256 in files]
    if UNRESOLVED in digests:
        return None
    return digests[0] if len(digests) == 1 else {"files": len(digests), "sha256": digest(digests)}


def _text(workflow: Workflow) -> Found:
    data = workflow.study.spec.data
    for source in data.sources if data else ():
        if source.path is not None:
            yield f"shards/{source.name}/path", source.path, None
        else:
            yield f"shards/{source.name}/hub", _at(source.hub, source.revision), source.revision
    if data and data.tokenizer.path is not None:
        yield "tokenizer/tokenizer/path", data.tokenizer.path, None
    elif data and data.tokenizer.pretrained is not None:
        wanted = data.tokenizer
        yield "tokenizer/tokenizer/hub", _at(wanted.pretrained, wanted.revision), wanted.revision


def _tasks(workflow: Workflow) -> Found:
    """Those that are used; the harness' own come with its package, their documents from a hub."""
    study, used = workflow.study, {unit.label for job in workflow.graph.jobs for unit in job.units}
    hubs = _hubs(workflow)
    for name, task in study.spec.tasks.items():
        for split in ("train", "test"):
            if getattr(task, split) is not None and name in used:
                yield f"task/{name}/{split}", getattr(task, split), None
        if task.yaml:
            yield f"task/{name}/yaml", task.yaml, None
        elif task.harness and task.harness in hubs:
            version = {"lm_eval": package_version("lm_eval")}
            hub = {"hub": hubs[task.harness], "revision": task.revision} if hubs[task.harness] else {}
            yield f"task/{name}/harness", task.harness, version | hub


def _hubs(workflow: Workflow) -> dict[str, str | None]:
    """Task of the harness that is asked → the data set that it reads from a hub."""
    units = (unit for job in workflow.graph.jobs for unit in job.units)
    asked = (getattr(unit.settings, "harness", None) for unit in units)
    return {settings.task: settings.hub for settings in asked if settings is not None and settings.task}


def _checkpoints(workflow: Workflow) -> Found:
    used = {unit.label for job in workflow.graph.jobs for unit in job.units if unit.stage == "import_tokenizer"}
    for entry in workflow.study.spec.checkpoints:
        # Models with one tokenizer share its unit, which goes by the first of them.
        label = f"tokenizer of {entry.name}"
        origins = {f"import/{entry.name}": entry} | (
            {f"import_tokenizer/{label}": entry.tokenizer_origin} if label in used else {}
        )
        for name, origin in origins.items():
            if origin.path is not None:
                yield f"{name}/path", origin.path, None
            else:
                yield f"{name}/hub", _at(origin.hub, origin.revision), origin.revision


def _plugins(workflow: Workflow) -> Found:
    study = workflow.study
    written = {study.resolve(text, "plugins", i): text for i, text in enumerate(study.spec.plugins)}
    for name, path in plugin_files(study).items():
        if name in study.indicators:
            yield f"indicators/{name}/plugin", written[path], None


def _tables(workflow: Workflow) -> Found:
    for entry in workflow.summaries["table"]["settings"]["tables"]:
        yield f"table/{entry['table']['path']}/path", entry["table"]["path"], entry["sha256"]


def _at(hub: str | None, revision: str | None) -> str:
    return f"{hub}@{revision}"
