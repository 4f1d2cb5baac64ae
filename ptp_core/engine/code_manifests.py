"""What a stage's code consisted of, kept in the store: so that a digest can be explained once the code has changed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from ptp_core.engine.stages import STAGES, SUMMARIES
from ptp_core.files import pretty_json, write_atomically
from ptp_core.identity.closure import closure
from ptp_core.identity.fingerprint import ID_LENGTH

FOLDER = ".code"


def manifest_path(store: Path, stage: str, code: str) -> Path:
    """Where the symbols of a stage's code of one digest are listed."""
    return store / FOLDER / f"{stage}-{code[:ID_LENGTH]}.json"


def write_manifests(store: Path) -> None:
    """List the symbols of every stage's present code, where that has not been done."""
    for name, stage in (STAGES | SUMMARIES).items():
        path = manifest_path(store, name, stage.code)
        if not path.exists():
            write_atomically(path, pretty_json(closure(stage.entry)))


def read_manifest(store: Path, stage: str, code: str) -> dict[str, str] | None:
    """Symbol or data file → digest; None if nobody has written it down, or it is damaged."""
    try:
        found = json.loads(manifest_path(store, stage, code).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return {str(key): str(value) for key, value in found.items()} if isinstance(found, dict) else None


def differences(old: Mapping[str, str], new: Mapping[str, str]) -> list[str]:
    """The symbols of which two codes differ: first those changed (``~``), then those gone (``-``) and new (``+``)."""
    marks = {name: "+" if name not in old else "-" if name not in new else "~" for name in {*old, *new}}
    return [
        f"{marks[name]} {name}"
        for name in sorted(marks, key=lambda name: ("~-+".index(marks[name]), name))
        if old.get(name) != new.get(name)
    ]
