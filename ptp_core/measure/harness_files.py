"""A task's YAML as data, read without running any of its code, and every local file that decides what it measures."""

from __future__ import annotations

import glob
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from ptp_core.errors import UserError, Where
from ptp_core.identity.beside import imported_beside
from ptp_core.measure.harness_registry import tasks_folder

BUILDERS = ("json", "csv", "parquet", "text", "arrow", "pandas", "xml", "webdataset")
"""Names of ``dataset_path`` that mean a format of local files, not a data set on a hub."""


class Function(str):
    """The text behind a ``!function`` tag, such as ``utils.process_docs``, the folder and the line it stands in."""

    where: Where
    folder: Path

    @property
    def file(self) -> Path:
        """The Python file beside the YAML that it is looked up in first; an installed module if there is none."""
        return self.folder / f"{self.rpartition('.')[0].replace('.', '/')}.py"


@dataclass
class TaskFile:
    """One YAML with everything that it includes: merged as the harness does, what is nearest wins."""

    path: Path
    config: dict[str, Any] = field(default_factory=dict)
    places: dict[str, Where] = field(default_factory=dict)
    """Top-level key → file and line that it comes from."""
    files: list[Path] = field(default_factory=list)
    """The YAML itself and its chain of includes."""
    members: dict[str, TaskFile] = field(default_factory=dict)
    """Of a group of the registry: all tasks in it and in the groups within it."""

    def where(self, key: str) -> Where:
        """Where a key is set, or else the file."""
        return self.places.get(key, Where(self.path))


def read_task(path: Path, asked_by: Where | None = None, seen: tuple[Path, ...] = ()) -> TaskFile:
    """Read a task's YAML and its includes. Raises UserError for what is missing, broken, or includes itself."""
    if path.resolve() in seen:
        raise UserError("this file includes itself", where=asked_by)
    own, places = _load(path, asked_by)
    result = TaskFile(path, files=[path])
    included = own.pop("include", None)
    for name in included if isinstance(included, list) else [included] if included else []:
        base = read_task(path.parent / str(name), places["include"], (*seen, path.resolve()))
        base.config.pop("task_list", None)
        result.config |= base.config
        result.places |= base.places
        result.files += base.files
    result.config |= own
    result.places |= places
    return result


def _load(path: Path, asked_by: Where | None) -> tuple[dict[str, Any], dict[str, Where]]:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise UserError("no such file", where=asked_by, got=str(path)) from None
    except (OSError, UnicodeDecodeError) as error:
        raise UserError("cannot be read as UTF-8 text", where=Where(path), got=str(error)) from None
    loader = _loader(path)(text)
    try:
        node = loader.get_single_node()
        data = loader.construct_document(node) if node is not None else None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        what = ", ".join(part for part in ("broken YAML", error.context, error.problem) if part)
        raise UserError(what, where=Where(path, mark.line + 1 if mark else None)) from None
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise UserError("broken YAML", where=Where(path), got=str(error)) from None
    if not isinstance(data, dict):
        raise UserError("this is not a task: a task is keys with values", where=Where(path))
    return data, {str(key.value): Where(path, key.start_mark.line + 1) for key, _ in node.value}


def _loader(path: Path) -> Any:
    # Python's own parser, not libyaml's: nested too deeply, it raises an error instead of running out of stack.
    class Loader(yaml.SafeLoader):
        pass

    def function(_loader: Any, node: yaml.ScalarNode) -> Function:
        named = Function(node.value)
        named.where, named.folder = Where(path, node.start_mark.line + 1), path.parent
        return named

    Loader.add_constructor("!function", function)
    return Loader


def functions_in(value: Any) -> Iterator[Function]:
    """Every ``!function`` in a task's configuration."""
    if isinstance(value, Function):
        yield value
    elif isinstance(value, dict | list):
        for child in value.values() if isinstance(value, dict) else value:
            yield from functions_in(child)


def hub_of(task: TaskFile) -> str | None:
    """The data set on a hub that a task reads; None for one that reads local files or makes its own data.

    Of a group, the first that any of its tasks reads.
    """
    if task.members:
        return next((hub for member in task.members.values() if (hub := hub_of(member)) is not None), None)
    path, own = task.config.get("dataset_path"), task.path.is_relative_to(tasks_folder())
    if not isinstance(path, str) or not path or task.config.get("custom_dataset"):
        # Code of the harness' own that makes documents begins with something of a hub, nearly everywhere.
        return str(task.config.get("task")) if own else None
    if path in BUILDERS:
        remote = (name for name in _strings(_kwargs(task).get("data_files")) if "://" in name)
        return next(remote, None)
    return None if not own and _local_folder(task) else path


def documents_of(task: TaskFile) -> frozenset[str]:
    """What its documents come from: two tasks that have one in common may ask the same.

    Data set or files, the part that is scored, and the code that makes documents of it. Of a group, those of all its
    tasks.
    """
    if task.members:
        return frozenset[str]().union(*map(documents_of, task.members.values()))
    config = task.config
    if not config.get("dataset_path"):
        return frozenset([str(config.get("task") or task.path)])
    files = local_data(task)
    path = files.get("dataset_path") or config["dataset_path"]
    split = config.get("test_split") or config.get("validation_split")
    kwargs = files.get("dataset_kwargs", {}).get("data_files")
    code = config.get("custom_dataset"), config.get("process_docs")
    named = kwargs.get(split) if isinstance(kwargs, dict) else kwargs
    return frozenset([repr((path, config.get("dataset_name"), named or split, *code))])


def local_data(task: TaskFile) -> dict[str, Any]:
    """The parts of ``dataset_kwargs`` and ``dataset_path`` that name local files, with absolute paths.

    A relative path is looked up beside the YAML that states it, and if it is not there, in the current folder, which is
    all that the harness' own command line does. Raises UserError, with file and line, for what is in neither.
    """
    path, kwargs = task.config.get("dataset_path"), _kwargs(task)
    found: dict[str, Any] = {}
    if path in BUILDERS and kwargs.get("data_files"):
        files = _absolute(kwargs["data_files"], task.where("dataset_kwargs"), kwargs.get("data_dir"))
        found["dataset_kwargs"] = {key: value for key, value in kwargs.items() if key != "data_dir"}
        found["dataset_kwargs"]["data_files"] = files
    elif folder := _local_folder(task):
        found["dataset_path"] = str(folder)
    return found


def files_of(path: Path) -> list[Path]:
    """Every local file that decides what a local task measures, in a fixed order.

    The YAML, all that it includes, the Python files of its ``!function`` tags and those beside them that they import,
    and its data files. Raises UserError,
    with file and line, for one that is missing.
    """
    task = read_task(path)
    code = [function.file for function in functions_in(task.config) if function.file.is_file()]
    found = [*task.files, *code, *(file for one in code for file in imported_beside(one))]
    for function in functions_in(task.config):
        _refuse_missing(function)
    data = local_data(task)
    found += map(Path, _strings(data.get("dataset_kwargs", {}).get("data_files")))
    if "dataset_path" in data:
        found += sorted(child for child in Path(data["dataset_path"]).rglob("*") if child.is_file())
    return list(dict.fromkeys(found))


def _refuse_missing(function: Function) -> None:
    from importlib.util import find_spec

    module = function.rpartition(".")[0]
    # Only the package is looked for: finding a module inside it would run the package's code.
    if not function.file.is_file() and not (module and find_spec(module.split(".")[0])):
        raise UserError(
            "there is no such Python file beside this YAML", where=function.where, subject=f"!function {function}",
            expected=function.file.name,
        )  # fmt: skip


def _kwargs(task: TaskFile) -> dict[str, Any]:
    kwargs = task.config.get("dataset_kwargs")
    return kwargs if isinstance(kwargs, dict) else {}


def _local_folder(task: TaskFile) -> Path | None:
    path = task.config.get("dataset_path")
    if not isinstance(path, str) or path in BUILDERS:
        return None
    beside = Path(task.where("dataset_path").file).parent / path
    return next((found.resolve() for found in (beside, Path(path)) if found.is_dir()), None)


def _absolute(named: Any, where: Where, folder: Any) -> Any:
    if isinstance(named, dict):
        return {split: _absolute(part, where, folder) for split, part in named.items()}
    if isinstance(named, list):
        return [path for part in named for path in _strings(_absolute(part, where, folder))]
    text = str(Path(str(folder or "")) / str(named)) if "://" not in str(named) else str(named)
    if "://" in text:
        return text
    matches = next((found for base in (Path(where.file).parent, Path.cwd()) if (found := _matching(base / text))), [])
    if not matches:
        raise UserError("no such data file", where=where, got=text, fix="name it relative to this YAML")
    return matches[0] if len(matches) == 1 else matches


def _matching(path: Path) -> list[str]:
    if path.is_file():
        return [str(path.resolve())]
    # Path.glob takes no absolute pattern.
    found = sorted(glob.glob(str(path), recursive=True))  # noqa: PTH207
    return [str(Path(match).resolve()) for match in found if Path(match).is_file()]


def _strings(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for part in value.values() for text in _strings(part)]
    if isinstance(value, list):
        return [text for part in value for text in _strings(part)]
    return [value] if isinstance(value, str) else []
