"""What differs between a unit and what it was before: settings, input files, packages, code; parents are told apart."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ptp_core.engine.stages import STAGES, SUMMARIES
from ptp_core.engine.staleness.before import Record
from ptp_core.engine.staleness.causes import Cause, Value, value_of
from ptp_core.engine.staleness.places import Places
from ptp_core.engine.units import Unit, settings_json
from ptp_core.identity.closure import closure
from ptp_core.spec.yaml_lines import PlacePath

ABSENT = object()
SYMBOLS = 3
"""Changed functions that are named before it is said how many more there are."""
NAMED: tuple[tuple[PlacePath, PlacePath], ...] = (
    (("model",), ("recipe", "model")),
    (("weights",), ("recipe", "mixture")),
)
"""What a recipe names by one word: said in that word where the word has changed."""


def own_differences(unit: Unit, before: Record, places: Places, manifests: Manifests) -> Iterator[Cause]:
    """All that differs apart from parents."""
    old, new = before.identity, unit.identity
    if old["settings"] != new["settings"]:
        yield from _settings(unit, before, places)
    yield from (cause for role in new["inputs"] if (cause := _input(unit, before, role, places)))
    yield from package_differences(old["packages"], new["packages"])
    if old["code"] != new["code"]:
        yield manifests.cause(unit.stage, old["code"], new["code"])


def _settings(unit: Unit, before: Record, places: Places) -> Iterator[Cause]:
    full = settings_json(unit.settings)
    old, new = _as_json(before.identity["settings"]), _as_json(unit.identity["settings"])
    if unit.stage == "anneal":
        # Its run is its parent, which says this itself.
        old.pop("run", None), new.pop("run", None)
    for prefix, name in NAMED:
        words = [at(settings, name) for settings in (before.settings, full)]
        parts = [at(settings, prefix) for settings in (old, new)]
        if words[0] != words[1] and parts[0] != parts[1] and ABSENT not in (*words, *parts):
            place = places.of(unit, name)
            yield Cause("setting", place.name, value_of(words[0]), value_of(words[1]), place.where)
            for settings in (old, new):
                settings.pop(prefix[0], None)
    for path in differing(old, new, ()):
        was, now = (at(settings, path) for settings in (old, new))
        place = places.of(unit, path)
        gone = now is ABSENT and not place.written
        yield Cause(
            "setting", place.name,
            _value(was, at(before.settings, path)), _value(now, at(full, path)),
            place.where, "no line says it any more" if gone and was is not ABSENT else "",
        )  # fmt: skip


def _as_json(value: Any) -> Any:
    """A copy, with tuples as the lists that a job file has."""
    return json.loads(json.dumps(value))


def _value(written: Any, full: Any) -> Value | None:
    """A value for a cause: one that is left out of an identity is the field's default."""
    if written is not ABSENT:
        return value_of(written)
    return None if full is ABSENT else value_of(full, default=True)


def at(value: Any, path: PlacePath) -> Any:
    """What lies at a path of nested settings, or ABSENT."""
    for part in path:
        known = part in value if isinstance(value, Mapping) else False
        if not (known or (isinstance(value, list) and isinstance(part, int) and part < len(value))):
            return ABSENT
        value = value[part]
    return value


def differing(old: Any, new: Any, path: PlacePath) -> Iterator[PlacePath]:
    """Paths of the leaves that differ; the weights of a mixture are one leaf, since they move together."""
    if path and path[-1] == "weights":
        yield path
    elif isinstance(old, Mapping) and isinstance(new, Mapping) and (old or new):
        left, right = old or {}, new or {}
        for key in dict.fromkeys([*left, *right]):
            mine, other = left.get(key, ABSENT), right.get(key, ABSENT)
            if mine != other:
                yield from differing(*_both(mine, other), (*path, key))
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new) and _sections([*old, *new]):
        for i, (mine, other) in enumerate(zip(old, new, strict=True)):
            if mine != other:
                yield from differing(mine, other, (*path, i))
    else:
        yield path


class _Absent(dict[str, Any]):
    """In place of a section that one side leaves at its defaults."""


def _both(old: Any, new: Any) -> tuple[Any, Any]:
    if old is ABSENT and isinstance(new, Mapping):
        return _Absent(), new
    if new is ABSENT and isinstance(old, Mapping):
        return old, _Absent()
    return old, new


def _sections(values: list[Any]) -> bool:
    return all(isinstance(value, Mapping) for value in values)


def _input(unit: Unit, before: Record, role: str, places: Places) -> Cause | None:
    """Which files of a role hold something else, are new or are no longer read; a role of its own shows elsewhere."""
    if before.identity["inputs"].get(role) == unit.identity["inputs"][role]:
        return None
    old = {file["path"]: file["sha256"] for file in before.inputs.get(role, ())}
    new = {str(path): sha256 for path, sha256 in unit.inputs[role]}
    changed = [path for path in new if path in old and old[path] != new[path]]
    added, gone = [path for path in new if path not in old], [path for path in old if path not in new]
    said = [
        *(["content changed: " + _names(changed)] if changed else []),
        *(["new: " + _names(added)] if added and old else []),
        *(["no longer read: " + _names(gone)] if gone else []),
    ]
    return Cause("input", f"files of {role}", where=places.of_input(unit, role), note="; ".join(said))


def _names(paths: list[str]) -> str:
    shown = ", ".join(Path(path).name for path in paths[:SYMBOLS])
    return shown + (f" and {len(paths) - SYMBOLS:,} more" if len(paths) > SYMBOLS else "")


def package_differences(old: Mapping[str, str], new: Mapping[str, str]) -> Iterator[Cause]:
    """A cause for each package whose version is another one."""
    for name in sorted({*old, *new}):
        if old.get(name) != new.get(name):
            was, now = (value_of(side[name]) if name in side else None for side in (old, new))
            yield Cause("package", name, was, now)


class Manifests:
    """Which functions a digest of code stands for, as planning has noted in the store."""

    def __init__(self, store: Path) -> None:
        self.folder = store / ".code"
        self.known: dict[tuple[str, str, str], Cause] = {}

    def cause(self, stage: str, old: str, new: str) -> Cause:
        """What to say of a changed digest: the functions, or only that the code of the stage has changed."""
        key = (stage, old, new)
        if key not in self.known:
            then, now = self._manifest(stage, old), self._manifest(stage, new) or self._present(stage, new)
            names = sorted(n for n in {*then, *now} if then.get(n) != now.get(n)) if then and now else []
            shown = ", ".join(names[:SYMBOLS]) + (f" and {len(names) - SYMBOLS:,} more" if len(names) > SYMBOLS else "")
            # Stages that share a changed function share the cause.
            what = "code" if names else f"code of stage {stage}"
            self.known[key] = Cause("code", what, note=f"changed: {shown}" if names else "")
        return self.known[key]

    def count(self, stage: str, code: str) -> int:
        """How many functions, classes and constants a digest stands for; 0 if that is not noted."""
        return len(self._manifest(stage, code))

    def _manifest(self, stage: str, code: str) -> dict[str, str]:
        try:
            found = json.loads((self.folder / f"{stage}-{code[:24]}.json").read_bytes())
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def _present(self, stage: str, code: str) -> dict[str, str]:
        """The closure as it is now, which planning may not have noted yet."""
        known = STAGES | SUMMARIES
        if known[stage].code != code:
            return {}
        return closure(known[stage].entry)
