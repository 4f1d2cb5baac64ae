"""What of a store is needed: by locks, the jobs of studies, processes that are writing; and the parents of all that."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

from ptp_core.engine.current import FILE, known_jobs, known_spec
from ptp_core.errors import UserError, Where
from ptp_core.identity.fingerprint import ID_LENGTH
from ptp_core.identity.lockfile import SUFFIX, lock_path, read_lock
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
    results: Path = Path("results")
    specs: Sequence[Path] = ()
    read: dict[Path, int] = field(default_factory=dict)
    """Files that decide it → their time, in ns."""

    def is_as_read(self) -> bool:
        """Whether the locks and the lists of jobs are still those that were read, with none added."""
        return _decisive(self.results, self.specs) == self.read


def needed(results: Path, specs: Iterable[Path], days: float) -> Needed:
    """What is needed, or was ``days`` ago or less.

    Raises UserError for a lock, a list of jobs or a present job file that cannot be read, and for a folder of specs
    that is not there: what is not known to be needed would be removed.
    """
    folders = tuple(specs)
    for folder in folders:
        if not folder.is_dir():
            fix = "give the folder of your specs by --specs; an empty one if there are no locks"
            raise UserError(
                "this is no folder, so its locks are not known", subject="--specs", got=str(folder), fix=fix
            )
    found, store = Needed(results=results, specs=folders, read=_decisive(results, folders)), results / "store"
    for path in found.read:
        if path.suffix == SUFFIX:
            _of_lock(read_lock(path), found)
        else:
            _of_study(path.parent, days, found)
    found.places |= {f"{stage}/{identifier}" for stage, identifier in live_writers(store)} if store.is_dir() else set()
    _add_parents(store, found)
    return found


def _decisive(results: Path, specs: Sequence[Path]) -> dict[Path, int]:
    """The locks, and the list of jobs of every study, whether it has one or not, with their times."""
    locks = [path for folder in specs for path in sorted(folder.rglob(f"*{SUFFIX}")) if not path.is_dir()]
    # The list is the first file of a study: one that is being planned may have no jobs yet.
    homes = sorted({path.parent for name in ("jobs", FILE) for path in results.glob(f"*/{name}")})
    # A spec may lie elsewhere, and its lock with it.
    locks += [lock_path(spec) for home in homes if (spec := known_spec(home))]
    return {path: _time(path) for path in (*locks, *(home / FILE for home in homes))}


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
    _refuse_half_planned(home, known or {})
    for path in sorted(home.glob("jobs/*/*.json")):
        job = f"{path.parent.name}/{path.stem}"
        # A folder without the list is one of an earlier version: then all of its jobs count.
        since = None if known is None else known.get(job, _day_of(path))
        ago = None if since is None else (date.today() - date.fromisoformat(since)).days
        places, codes = _mentioned(path)
        if places is None and ago is None:
            fix = "run snakemake again with --dry-run, which writes it anew; or remove the folder of the study"
            raise UserError("this job file cannot be read, so what it needs is not known", where=Where(path), fix=fix)
        places = places or set()
        if ago is None or ago < days:
            found.places |= places
            found.codes |= codes
        else:
            found.old_files += _files_of(home, path)
            for place in places:
                found.days_ago[place] = min(ago, found.days_ago.get(place, ago))


def _refuse_half_planned(home: Path, known: Mapping[str, str | None]) -> None:
    """Raise UserError if a present job has no file: what it needs is not known, be it lost or not written yet."""
    for job, since in known.items():
        if since is None and not (home / "jobs" / f"{job}.json").is_file():
            raise UserError(
                "this job file is not there (yet), so what it needs is not known",
                where=Where(home / "jobs" / f"{job}.json"),
                fix=f"run snakemake again with --dry-run, which writes it; or remove {home} to let go of the study",
            )


def _day_of(path: Path) -> str:
    return datetime.fromtimestamp(path.stat().st_mtime).date().isoformat()


def _mentioned(path: Path) -> tuple[set[str] | None, set[str]]:
    """(places, code digests) in a job file; None if it cannot be read, nothing if it is of another version."""
    try:
        job = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None, set()
    try:
        units = job.get("units", ())
        places = {f"{job['stage']}/{unit['fingerprint'][:ID_LENGTH]}" for unit in units}
        places |= {_whole(place) for unit in units for place in unit["parents"].values()}
        return places, {unit["identity"]["code"] for unit in units} | ({job["code"]} if "code" in job else set())
    except (KeyError, TypeError, AttributeError):
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
