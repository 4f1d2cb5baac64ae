"""`ptp diff`: in what two locks differ, and whether the same came out of both."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ptp_core.engine.lock.changes import MOST_TOLD, Change, changes
from ptp_core.engine.lock.entries import ABSOLUTE, RELATIVE, Entries
from ptp_core.engine.lock.reading import read_study_lock
from ptp_core.engine.lock.write import OUT_OF_DATE, resolve
from ptp_core.errors import UserError, Where
from ptp_core.identity.lockfile import SUFFIX, same

ASKED = ("asked", "source", "code", "package", "adopted")
"""Groups of entries that are compared as they stand."""


@dataclass(frozen=True)
class Tolerance:
    """Two numbers within the larger of ``absolute`` and ``relative`` times the larger of them count as equal."""

    absolute: float = ABSOLUTE
    relative: float = RELATIVE

    def holds(self, one: Any, other: Any) -> bool:
        """Whether two values are equal, or numbers within the tolerance."""
        if type(one) in (int, float) and type(other) in (int, float):
            return math.isclose(one, other, rel_tol=self.relative, abs_tol=self.absolute)
        return same(one, other)


@dataclass
class Compared:
    """The same numbers on both sides: how many are equal, and which are not."""

    equal: int = 0
    within: list[Change] = field(default_factory=list)
    beyond: list[Change] = field(default_factory=list)
    only_one: list[str] = field(default_factory=list)
    """What one side alone has."""
    only_other: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Difference:
    """All that differs between two locks."""

    asked: Mapping[str, list[Change]]
    units: list[Change]
    """Added, gone or changed; a unit that has another name alone is not among them."""
    renamed: list[tuple[str, str]]
    results: Compared
    headlines: Compared

    @property
    def exists(self) -> bool:
        """Whether anything differs by more than the tolerance."""
        found = (self.asked, self.units, self.renamed)
        compared = (self.results, self.headlines)
        return any(map(bool, found)) or any(c.beyond or c.only_one or c.only_other for c in compared)


def difference(one: Entries, other: Entries) -> Difference:
    """Compare two locks; the tolerance is the one that the first declares."""
    tolerance = tolerance_of(one)
    differing = changes(one, other)
    renamed = _renamed(differing.get("unit", []))
    names = {old for old, _ in renamed} | {new for _, new in renamed}
    return Difference(
        {group: differing[group] for group in ASKED if group in differing},
        [change for change in differing.get("unit", []) if change.key not in names],
        renamed,
        _results(one, other, renamed, tolerance),
        _headlines(one, other, tolerance),
    )


def tolerance_of(entries: Mapping[str, Any]) -> Tolerance:
    """What a lock declares, or else the usual one."""
    declared = entries.get("reproducible/elsewhere")
    if not isinstance(declared, dict):
        return Tolerance()
    return Tolerance(float(declared.get("absolute", ABSOLUTE)), float(declared.get("relative", RELATIVE)))


def _renamed(units: list[Change]) -> list[tuple[str, str]]:
    """Pairs of names under which one fingerprint goes, and goes no more under the other."""
    added = {change.new: change.key for change in units if change.old is None}
    return [(change.key, added[change.old]) for change in units if change.new is None and change.old in added]


def _results(one: Entries, other: Entries, renamed: list[tuple[str, str]], tolerance: Tolerance) -> Compared:
    new_name = {"result/" + old.removeprefix("unit/"): "result/" + new.removeprefix("unit/") for old, new in renamed}
    mine = {new_name.get(key, key): value for key, value in _room("result/", one)}
    return _compare(mine, dict(_room("result/", other)), tolerance)


def _headlines(one: Entries, other: Entries, tolerance: Tolerance) -> Compared:
    return _compare(dict(_room("headline/", one)), dict(_room("headline/", other)), tolerance)


def _room(room: str, entries: Entries) -> Iterator[tuple[str, Entries]]:
    return ((key, value) for key, value in entries.items() if key.startswith(room) and isinstance(value, dict))


_NAMES = ("fingerprint", "of", "artifacts")
"""Parts of an entry that say what it is of, and to the last bit what it is."""


def _compare(one: Mapping[str, Entries], other: Mapping[str, Entries], tolerance: Tolerance) -> Compared:
    found = Compared(only_one=sorted(one.keys() - other.keys()), only_other=sorted(other.keys() - one.keys()))
    for key in sorted(one.keys() & other.keys()):
        a, b = _numbers(one[key]), _numbers(other[key])
        differing = {name for name in a.keys() | b.keys() if not same(a.get(name), b.get(name))}
        if not differing and one[key].get("artifacts") == other[key].get("artifacts"):
            found.equal += 1
            continue
        beyond = {name for name in differing if not tolerance.holds(a.get(name), b.get(name))}
        told = sorted(beyond or differing)
        change = Change(key, {name: a.get(name) for name in told}, {name: b.get(name) for name in told})
        (found.beyond if beyond else found.within).append(change)
    return found


def _numbers(value: Entries) -> Entries:
    """Status, metrics and values of a result or a headline, side by side."""
    metrics = value.get("metrics")
    flat = {key: item for key, item in value.items() if key not in (*_NAMES, "metrics")}
    return flat | (metrics if isinstance(metrics, dict) else {})


def print_diff(one: Path, other: Path, results: Path, as_json: bool) -> int:
    """Print in what two locks, or studies as they are here, differ; 1 if anything does. Raises UserError."""
    found = difference(_entries(one, results), _entries(other, results))
    if as_json:
        print(json.dumps(asdict(found) | {"differs": found.exists}, indent=1, sort_keys=True, ensure_ascii=False))
    else:
        for line in _lines(found, str(one), str(other)):
            print(line)
    return OUT_OF_DATE if found.exists else 0


def _entries(path: Path, results: Path) -> Entries:
    if path.suffix != SUFFIX:
        return resolve(path, results, []).entries
    if not path.is_file():
        raise UserError("no such file", where=Where(path), fix="give a lock, or the YAML file of a study")
    return read_study_lock(path)


def _lines(found: Difference, one: str, other: str) -> Iterator[str]:
    if not (found.asked or found.units or found.renamed):
        yield "asked, sources, code, packages and units: the same"
    for group, changed in found.asked.items():
        yield from _listed(group, changed)
    yield from _listed("unit", found.units)
    yield from _listed("unit renamed:", [f"{old.removeprefix('unit/')} → {new}" for old, new in found.renamed])
    yield from _told("results", "to the last bit", found.results, one, other)
    yield from _told("headline numbers", "to all digits", found.headlines, one, other)


def _told(what: str, how: str, found: Compared, one: str, other: str) -> Iterator[str]:
    if found == Compared():
        yield f"{what}: neither has any, so nothing was compared"
        return
    counts = [f"{found.equal:,} equal {how}", f"{len(found.within):,} within the tolerance"]
    yield f"{what}: {', '.join(counts)}, {len(found.beyond):,} beyond it"
    yield from _listed("  within", found.within)
    yield from _listed("  beyond", found.beyond)
    for side, names in ((one, found.only_one), (other, found.only_other)):
        if names:
            yield f"  {len(names):,} in {side} only, such as {names[0].partition('/')[2]}"


def _listed(title: str, found: list[Any]) -> Iterator[str]:
    for item in found[:MOST_TOLD]:
        yield f"{title} {item}"
    if len(found) > MOST_TOLD:
        yield f"{title} … and {len(found) - MOST_TOLD:,} more"
