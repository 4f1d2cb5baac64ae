"""The names of the harness' own tasks, found without parsing its fourteen thousand YAML files one by one."""

from __future__ import annotations

import hashlib
import json
import os
import re
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import yaml

from ptp_core.files import write_atomically

_KEYS = re.compile(r"""^["']?(task|group|tag|include|class)["']?[ ]*:(.*(?:\n(?:[ ]+|- ).*|\n)*)""", re.MULTILINE)
"""The top-level keys that decide a name, with their values."""


class Names(NamedTuple):
    """What ``lm_eval run --tasks`` understands."""

    files: dict[str, str]
    """Task or group → its YAML, relative to the harness' folder of tasks."""
    tags: dict[str, list[str]]
    """Tag → the tasks that bear it."""


def tasks_folder() -> Path:
    """The folder of the installed harness' task files; the harness itself is not imported."""
    spec = find_spec("lm_eval")
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError("lm_eval is not installed")
    return Path(spec.submodule_search_locations[0]) / "tasks"


@cache
def names() -> Names:
    """All names, from a file in the user's cache folder if it is of the installed version, else by a scan (1 s)."""
    root = tasks_folder()
    kept = _cache_file(root)
    try:
        return Names(*json.loads(kept.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        found = scan(root)
    try:
        kept.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(kept, json.dumps(found))
    except OSError:
        pass  # A home that cannot be written costs the scan, each time.
    return found


def _cache_file(root: Path) -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    installed = f"{root} {root.stat().st_mtime_ns}"
    return (
        Path(base) / "ptp" / f"lm_eval-{version('lm_eval')}-{hashlib.sha256(installed.encode()).hexdigest()[:12]}.json"
    )


def scan(root: Path) -> Names:
    """Read the names out of the text of all YAML files, which takes an eighth of the time of parsing them.

    Where two files claim one name, the first in the order of their paths has it, as in the harness.
    """
    result = Names({}, {})
    paths = (os.path.join(folder, name) for folder, _, files in os.walk(root) for name in files)  # noqa: PTH118
    for path in sorted(path for path in paths if path.endswith(".yaml")):
        keys = _keys(path)
        kind = "group" if "group" in keys and "class" not in keys else "task"
        name = _value(keys.get(kind, ""))
        if isinstance(name, str) and name not in result.files:
            result.files[name] = os.path.relpath(path, root)
            for tag in _tags(path) if kind == "task" else ():
                result.tags.setdefault(tag, []).append(name)
    for tag in set(result.tags) & set(result.files):
        del result.tags[tag]
    return result


@cache
def _tags(path: str) -> tuple[str, ...]:
    """The tags of a file, or those that it inherits from what it includes."""
    keys = _keys(path)
    if "tag" in keys:
        tags = _value(keys["tag"])
        return tuple(map(str, tags if isinstance(tags, list) else [tags])) if tags else ()
    included = _value(keys.get("include", ""))
    bases = included if isinstance(included, list) else [included] if included else []
    inherited = [_tags(os.path.join(os.path.dirname(path), str(base))) for base in bases]  # noqa: PTH118, PTH120
    return inherited[-1] if inherited else ()


def _keys(path: str) -> dict[str, str]:
    try:
        with open(path, encoding="utf-8") as stream:  # noqa: PTH123 (half of the scan would be spent in pathlib)
            return dict(_KEYS.findall(stream.read()))
    except (OSError, UnicodeDecodeError):
        return {}


_PLAIN = re.compile(r"[A-Za-z0-9_./+-]*[A-Za-z_][A-Za-z0-9_./+-]*")


def _value(text: str) -> object:
    """The value of a key from its text; only what is more than a plain word is parsed."""
    word = text.strip()
    bare = word[1:-1] if len(word) > 1 and word[0] == word[-1] and word[0] in "\"'" else word
    if _PLAIN.fullmatch(bare) and bare.lower() not in ("null", "true", "false", "yes", "no", "on", "off"):
        return bare
    try:
        return yaml.safe_load("value: " + text if text.strip() else "value:")["value"]
    except (yaml.YAMLError, TypeError, KeyError):
        return None
