"""What of a store is needed: by locks, the jobs of studies, processes that are writing; and the parents of all that."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

from ptp_core.engine.current import FILE, known_jobs
from ptp_core.identity.fingerprint import ID_LENGTH
from ptp_core.identity.lockfile import SUFFIX, read_lock
from ptp_core.identity.receipts import RECEIPT
from ptp_core.identity.store import live_writers

DAY = 86_400.0


@dataclass
class Needed:
    """Places in the store (``stage/id``), code digests, and jobs that are needed; the rest is not."""

    places: set[str] = field(default_factory=set)
    codes: set[str] = field(default_factory=set)
    days_ago: dict[str, float] = field(default_factory=dict)
    """Place → days since no study has needed it any more; where several had it, the smallest."""
    old_files: list[Path] = field(default_factory=list)
    """Job files, receipts, logs and times of jobs that no study has had for long."""
    read: dict[Path, int] = field(default_factory=dict)
    """Files that decide it → their time, in ns."""

    def is_as_read(self) -> bool:
        """Whether the locks and the lists of jobs are still those that were read."""
        return all(_time(path) == stamp for path, stamp in self.read.items())


def needed(results: Path, specs: Iterable[Path], days: float) -> Needed:
    """What is needed, or was ``days`` ago or less. Raises UserError for a lock or a list of jobs that is damaged."""
    found, store = Needed(), results / "store"
    for folder in specs:
        for path in sorted(folder.rglob(f"*{SUFFIX}")):
            found.read[path] = _time(path)
            _of_lock(read_lock(path), found)
    for home in sorted(path.parent for path in results.glob("*/jobs") if path.is_dir()):
        found.read[home / FILE] = _time(home / FILE)
        _of_study(home, days, found)
    found.places |= {f"{stage}/{identifier}" for stage, identifier in live_writers(store)} if store.is_dir() else set()
    _add_parents(store, found)
    return found


def _time(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def _of_lock(lock: Mapping[str, Any], found: Needed) -> None:
    for key, value in lock.items():
        room, _, rest = key.partition("/")
        if room == "unit" and isinstance(value, str):
            found.places.add(f"{rest.split('/')[0]}/{value[:ID_LENGTH]}")
        elif room == "code" and isinstance(value, str):
            found.codes.add(value)
        elif key.startswith("adopted/code/"):
            found.codes |= {rest.split("/")[-1], str(value.get("as") if isinstance(value, dict) else value)}


def _of_study(home: Path, days: float, found: Needed) -> None:
    """The results that the jobs of a study make and read; of jobs that it has no more, for so many days."""
    known = known_jobs(home)
    for path in sorted(home.glob("jobs/*/*.json")):
        job = f"{path.parent.name}/{path.stem}"
        # A folder without the list is one of an earlier version: then all of its jobs count.
        since = None if known is None else known.get(job, _day_of(path))
        ago = None if since is None else (date.today() - date.fromisoformat(since)).days
        places, codes = _mentioned(path)
        if ago is None or ago < days:
            found.places |= places
            found.codes |= codes
        else:
            found.old_files += _files_of(home, path)
            for place in places:
                found.days_ago[place] = min(ago, found.days_ago.get(place, ago))


def _day_of(path: Path) -> str:
    return datetime.fromtimestamp(path.stat().st_mtime).date().isoformat()


def _mentioned(path: Path) -> tuple[set[str], set[str]]:
    """(places, code digests) in a job file; nothing in one that cannot be read, which no rule can run either."""
    try:
        job = json.loads(path.read_bytes())
        units = job.get("units", ())
        places = {f"{job['stage']}/{unit['fingerprint'][:ID_LENGTH]}" for unit in units}
        places |= {_whole(place) for unit in units for place in unit["parents"].values()}
        return places, {unit["identity"]["code"] for unit in units}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return set(), set()


def _whole(place: str) -> str:
    """The result that a part of one belongs to."""
    return "/".join(place.split("/")[:2])


def _files_of(home: Path, job: Path) -> Iterator[Path]:
    yield job
    for folder in ("receipts", "logs", "benchmarks"):
        yield from sorted((home / folder / job.parent.name).glob(f"{job.stem}.*"))


def _add_parents(store: Path, found: Needed) -> None:
    waiting = list(found.places)
    while waiting:
        try:
            receipt = json.loads((store / waiting.pop() / RECEIPT).read_bytes())
            parents = {_whole(place) for place in receipt["parents"].values()}
            found.codes.add(receipt["identity"]["code"])
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            continue
        waiting += parents - found.places
        found.places |= parents


def days_since(path: Path) -> float:
    """Days since a file was written."""
    return (time.time() - path.stat().st_mtime) / DAY
