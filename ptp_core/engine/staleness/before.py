"""What a result was before: old job files, the latest that was made under the same name; only those needed are read."""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from ptp_core.engine.folders import Folders
from ptp_core.engine.jobfiles import FORMAT
from ptp_core.engine.units import Unit
from ptp_core.identity.fingerprint import ID_LENGTH
from ptp_core.identity.receipts import RECEIPT

ENOUGH = 20_000
"""Old job files of one stage that are read at most, the newest first."""
PAIRS = 2_000_000
"""So many pairs of a new and an old result are compared at most to find what was renamed."""
ALIKE = 0.5
"""Share of the settings, parents and inputs that two results have to share for one to be the other under a new name."""


@dataclass(frozen=True)
class Record:
    """A result as it was planned once; ``identity`` is what was hashed, ``settings`` has the defaults as well."""

    stage: str
    label: str
    fingerprint: str
    identity: Mapping[str, Any]
    settings: Mapping[str, Any]
    parents: Mapping[str, str]
    inputs: Mapping[str, Any]
    job: str = ""
    """Id of the job that made it."""

    @cached_property
    def items(self) -> frozenset[str]:
        """Settings, parents and inputs one by one, to see how alike two results are."""
        return items_of(self.identity)

    @property
    def place(self) -> str:
        return f"{self.stage}/{self.fingerprint[:ID_LENGTH]}"


def items_of(identity: Mapping[str, Any]) -> frozenset[str]:
    """An identity without code and packages as a set of texts, one a leaf."""
    return frozenset(f"{path}={value!r}" for path, value in _leaves(identity, "") if not path.startswith("."))


def _leaves(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            if path or key in ("settings", "parents", "inputs"):
                yield from _leaves(item, f"{path}/{key}")
    else:
        yield path, value


class Before:
    """Old results of a study: by stage and label, and by their place in the store."""

    def __init__(self, folders: Folders, stale: Collection[Unit], current: Iterable[Unit], jobs: set[str]) -> None:
        """``stale``: whose past is wanted. ``current``: all units of the study now. ``jobs``: ids of its jobs now."""
        self.folders, self.jobs = folders, jobs
        self._store, self._receipts = str(folders.store), str(folders.home / "receipts")
        self.wanted: dict[str, set[str]] = {}
        for unit in stale:
            self.wanted.setdefault(unit.stage, set()).add(unit.label)
        self.labels: dict[str, set[str]] = {}
        for unit in current:
            self.labels.setdefault(unit.stage, set()).add(unit.label)
        self.stale = stale
        self.places: dict[str, Record | None] = {}
        self._read: dict[str, dict[str, Record]] = {}

    def of(self, unit: Unit) -> Record | None:
        """What a unit was before, under its own name or an older one of its variant; None if it never was."""
        known = self._stage(unit.stage)
        if unit.label in known:
            return known[unit.label]
        variant, _, rest = unit.label.partition(" ")
        older = self.renamed.get(unit.label) or (f"{name} {rest}" if (name := self.renamed.get(variant)) else "")
        return known.get(older)

    def knows(self, stage: str, part: str) -> bool:
        """Whether a result was made whose label holds some text."""
        return any(part in label for label in self._stage(stage))

    def at(self, place: str) -> Record | None:
        """What lies, or lay, at a place of the store, as ``pretrain/<id>`` or a part of it."""
        stage, unit_id = place.split("/")[:2]
        key = f"{stage}/{unit_id}"
        if key not in self.places:
            # A job of one unit has the unit's own name.
            self.places[key] = next(self._records(self.folders.job(stage, unit_id)), None) or self._stored(key)
        return self.places[key]

    @cached_property
    def last(self) -> set[str]:
        """Ids of the jobs that the last finished run consisted of, as its report knows."""
        for receipt in (self.folders.home / "receipts" / "report").glob("*.json"):
            found = _json(self.folders.job("report", receipt.stem)) or {}
            return {job[1] for job in found.get("settings", {}).get("jobs", ())}
        return set()

    @cached_property
    def renamed(self) -> dict[str, str]:
        """Label now → label before, of results that lost their name in favour of one that is much like them."""
        found: dict[str, str] = {}
        budget = PAIRS
        for stage in self.wanted:
            known = self._stage(stage)
            free = {label: r.items for label, r in known.items() if label not in self.labels.get(stage, ())}
            roots = stage in ("pretrain", "import")
            new = [u for u in self.stale if u.stage == stage and u.label not in known and (roots or " " not in u.label)]
            budget -= len(new) * len(free)
            for unit in new if budget > 0 else ():
                best = _closest(items_of(unit.identity), free)
                if best is not None:
                    found[unit.label] = best
                    del free[best]
        return found

    def _stage(self, stage: str) -> dict[str, Record]:
        """Label → the latest result under it that was made; reads on until every wanted label has been met."""
        if stage not in self._read:
            self._read[stage] = found = {}
            missing = set(self.wanted.get(stage, ()))
            for path in self._old_files(stage) if missing else ():
                for record in self._records(path):
                    self.places.setdefault(record.place, record)
                    if record.label not in found and self._was_made(record):
                        found[record.label] = record
                        missing.discard(record.label)
                if not missing:
                    break
        return self._read[stage]

    def _old_files(self, stage: str) -> list[Path]:
        """Job files of a stage that are not of today: those of the last finished run first, then the newest."""
        try:
            with os.scandir(self.folders.home / "jobs" / stage) as entries:
                old = [
                    (name in self.last, file.stat().st_mtime_ns, file.path)
                    for file in entries
                    if file.name.endswith(".json") and (name := file.name.removesuffix(".json")) not in self.jobs
                ]
        except OSError:
            return []
        return [Path(path) for _, _, path in sorted(old, reverse=True)[:ENOUGH]]

    def _was_made(self, record: Record) -> bool:
        # Texts: paths of tens of thousands of files take as long as the looks at them.
        result = f"{self._store}/{record.place}/{RECEIPT}"
        receipt = f"{self._receipts}/{record.stage}/{record.job}.json"
        return os.path.exists(result) or os.path.exists(receipt)  # noqa: PTH110

    def _records(self, path: Path) -> Iterator[Record]:
        job = _json(path)
        # A file of an older format does not hold what was hashed.
        if job is None or job.get("format") != FORMAT:
            return
        for unit in job.get("units", ()):
            yield Record(
                job["stage"], unit["label"], unit["fingerprint"], unit["identity"], unit["settings"], unit["parents"],
                unit["inputs"], job["id"],
            )  # fmt: skip

    def _stored(self, place: str) -> Record | None:
        receipt = _json(self.folders.store / place / RECEIPT)
        if receipt is None or "identity" not in receipt:
            return None
        return Record(
            receipt["stage"], place, receipt["fingerprint"], receipt["identity"], receipt["settings"],
            receipt["parents"], inputs={},
        )  # fmt: skip


def _closest(mine: frozenset[str], others: Mapping[str, frozenset[str]]) -> str | None:
    """The label of what is most alike; None if nothing is alike enough."""
    best = max(others, key=lambda label: len(mine & others[label]), default=None)
    alike = best is not None and len(mine & others[best]) >= ALIKE * len(mine | others[best])
    return best if alike else None


def _json(path: Path) -> dict[str, Any] | None:
    """The object in a file; None if there is none, or not any more: the past is told as far as it is known."""
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None
