"""``ptp adopt``: keep results across a change of code or packages that somebody declares harmless; the lock says so."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ptp_core.engine import graph as graphs
from ptp_core.engine.adopted import Adopted, is_reason, read_adopted
from ptp_core.engine.code_manifests import differences, read_manifest
from ptp_core.engine.folders import Folders
from ptp_core.engine.jobfiles import is_done
from ptp_core.engine.lock.write import write_locks
from ptp_core.engine.stages import STAGES
from ptp_core.engine.units import DigestOf, Unit
from ptp_core.errors import UserError, did_you_mean
from ptp_core.files import write_atomically
from ptp_core.identity.closure import closure
from ptp_core.identity.digests import DigestCache
from ptp_core.identity.fingerprint import ID_LENGTH
from ptp_core.identity.lockfile import FORMAT, lock_path, lock_text, read_lock
from ptp_core.spec.load import load_study
from ptp_core.spec.loaded import LoadedStudy

SHOWN = 20
"""So many changed symbols are printed a stage."""
Wishes = Mapping[str, str | None]
"""Stage or package → the digest (or its beginning) or version to stand for; None if there is but one."""


@dataclass(frozen=True)
class Kept:
    """One adoption: what now stands for what, and how many results stay valid by it."""

    kind: str
    """code or package."""
    name: str
    now: str
    older: str
    results: int
    """Stale ones that become valid."""
    lost: int
    """Made by what is here now; they are no longer what is asked for."""

    @property
    def key(self) -> str:
        return f"adopted/{self.kind}/{self.name}/{self.now}"


def adopt(spec: Path, results: Path, reason: str, stages: Sequence[str], packages: Sequence[str]) -> None:
    """Record in the lock that present code, or packages, stand for the older ones of which results are there.

    Prints what changed and what is kept; says so if there is nothing to keep. Raises UserError, and writes nothing,
    for a reason that says nothing, unknown names, and where several older ones could be meant.
    """
    if not is_reason(reason):
        raise UserError("a reason is one line that says something", subject="--reason", got=reason)
    wanted = _wishes(stages, list(STAGES), "--stage")
    versions = _wishes(packages, sorted({name for stage in STAGES.values() for name in stage.versions}), "--package")
    study = load_study(spec)
    search = Search(study, Folders(results, study.spec.study), read_adopted(lock_path(spec)))
    found = search.packages(versions)
    if wanted or not versions:
        found += search.codes(wanted or dict.fromkeys(STAGES))
    if not found:
        what = "package" if versions and not wanted else "code"
        print(
            f"nothing is stale for its {what} alone: no result of older {what} would become valid, nothing is recorded"
        )
        return
    _record(study, found, reason)
    for one in found:
        print("\n".join(_told(one, search.folders.store)))
    if any(key.startswith("unit/") for key in read_lock(lock_path(spec))):
        # A lock that holds the study: the rest of it has to say the same.
        write_locks([spec], results)
    print(f"recorded in {lock_path(spec)}; to take it back, remove the line that begins with adopted/:")
    print("`ptp verify` then names what was made meanwhile by the code that is installed now")


class Search:
    """Looks for results of older code that are the study's in everything else."""

    def __init__(self, study: LoadedStudy, folders: Folders, adopted: Adopted) -> None:
        self.study, self.folders, self.adopted = study, folders, adopted
        self.cache = DigestCache(folders.store / ".digests.json")
        self.older = list(_identities(folders)) + list(_locked(lock_path(study.path)))

    def codes(self, wanted: Wishes) -> list[Kept]:
        """Stage by stage, parents before children, so that a child is looked for as the child of what was kept."""
        found = []
        for name in STAGES:
            now = STAGES[name].code
            if name in wanted and (name, now) not in self.adopted.code:
                known = {_end(self.adopted.code, name, code) for stage, code, _ in self.older if stage == name} - {now}
                if one := self._best("code", name, now, known, wanted[name]):
                    found.append(one)
        return found

    def packages(self, wanted: Wishes) -> list[Kept]:
        """The same of packages."""
        found = []
        for name, version in wanted.items():
            now = next(stage.versions[name] for stage in STAGES.values() if name in stage.versions)
            known = {self.adopted.version(name, value[name]) for _, _, value in self.older if name in value} - {now}
            if (name, now) not in self.adopted.packages and (one := self._best("package", name, now, known, version)):
                found.append(one)
        return found

    def _best(self, kind: str, name: str, now: str, known: set[str], wish: str | None) -> Kept | None:
        """The one older digest or version by which results become valid; from then on it counts."""
        known = {older for older in known if older.startswith(wish or "")}
        done = self._done(self.adopted) if known else set()
        options = []
        for older in sorted(known):
            then = self._done(self._with(kind, name, now, older))
            if then - done:
                options.append(Kept(kind, name, now, older, len(then - done), len(done - then)))
        if len(options) > 1:
            option = "--stage" if kind == "code" else "--package"
            which = " or ".join(f"{option} {name}={one.older[:ID_LENGTH]} ({_results(one)})" for one in options)
            raise UserError(f"there are results of several older ones of {name}", fix=f"say which to keep: {which}")
        if not options:
            return None
        self.adopted = self._with(kind, name, now, options[0].older)
        return options[0]

    def _with(self, kind: str, name: str, now: str, older: str) -> Adopted:
        if kind == "code":
            return replace(self.adopted, code={**self.adopted.code, (name, now): older})
        return replace(self.adopted, packages={**self.adopted.packages, (name, now): older})

    def _done(self, adopted: Adopted) -> set[tuple[str, str]]:
        """The results of the study that are there if this is adopted, by stage and label."""
        digest_of: DigestOf = self.cache.digest
        graph = graphs.build(self.study, digest_of, adopted.stages())
        units: Iterator[Unit] = (unit for job in graph.jobs for unit in job.units)
        return {(unit.stage, unit.label) for unit in units if is_done(unit, self.folders.store)}


def _wishes(texts: Sequence[str], known: list[str], option: str) -> dict[str, str | None]:
    found: dict[str, str | None] = {}
    for text in texts:
        name, _, older = text.partition("=")
        if name not in known:
            raise UserError("there is no such name", subject=option, got=name, fix=did_you_mean(name, known))
        found[name] = older or None
    return found


def _end(links: Mapping[tuple[str, str], str], name: str, value: str) -> str:
    while (name, value) in links:
        value = links[name, value]
    return value


def _identities(folders: Folders) -> Iterator[tuple[str, str, dict[str, str]]]:
    """Stage, code and packages of all job files that this study has had."""
    for path in sorted((folders.home / "jobs").glob("*/*.json")):
        try:
            units = json.loads(path.read_text(encoding="utf-8"))["units"]
            for unit in units:
                identity = unit["identity"]
                yield identity["stage"], identity["code"], identity["packages"]
        except (OSError, ValueError, KeyError, TypeError):
            continue  # a summary's, or one of another version of the format


def _locked(lock: Path) -> Iterator[tuple[str, str, dict[str, str]]]:
    """The same of what the lock says: results made elsewhere may have been copied here."""
    entries = read_lock(lock)
    for key, value in entries.items():
        kind, _, name = key.partition("/")
        if isinstance(value, str) and kind == "code":
            yield name, value, {}
        elif isinstance(value, str) and kind == "package":
            yield "", "", {name: value}


def _record(study: LoadedStudy, found: list[Kept], reason: str) -> None:
    lock = lock_path(study.path)
    entries: dict[str, Any] = {"format": FORMAT, "study": study.spec.study} | read_lock(lock)
    entries |= {one.key: {"as": one.older, "reason": reason.strip()} for one in found}
    write_atomically(lock, lock_text(entries))


def _results(one: Kept) -> str:
    lost = f", {one.lost} made since then no longer count" if one.lost else ""
    return f"{one.results} result{'s' if one.results > 1 else ''} kept{lost}"


def _told(one: Kept, store: Path) -> list[str]:
    """What to print of one adoption."""
    if one.kind == "package":
        return [f"{one.name} {one.now} counts as {one.older}: {_results(one)}"]
    head = f"{one.name}: {one.now[:ID_LENGTH]} counts as {one.older[:ID_LENGTH]}: {_results(one)}"
    old = read_manifest(store, one.name, one.older)
    if old is None:
        return [head, "  what changed is not known: nobody has written down the older code's symbols"]
    changed = differences(old, closure(STAGES[one.name].entry))
    more = [f"  … and {len(changed) - SHOWN} more"] if len(changed) > SHOWN else []
    return [head, *(f"  {line}" for line in changed[:SHOWN]), *more]
